/// What may go wrong in a world.
package enum FaultKind: String, CaseIterable, Sendable, Hashable {
    // Programs
    case processCrash = "crash"
    case processHang = "hang"
    case ignoreTerm = "ignore-term"
    case slowStart = "slow-start"
    case flap = "flap"
    // Steady's own parts
    case serverCrash = "server-crash"
    case agentCrash = "agent-crash"
    case proxyCrash = "proxy-crash"
    case upCrash = "up-crash"
    case pause
    // The places
    case nodeLoss = "node-loss"
    case zoneLoss = "zone-loss"
    case starvation
    // What lies between
    case slowNetwork = "slow-network"
    case brokenConnections = "broken-connections"
    case partition
    // The disk
    case syncFailure = "sync-failure"
    case slowDisk = "slow-disk"
    // Time
    case clockDrift = "clock-drift"
}

/// What people do to a running world.
package enum ActionKind: String, CaseIterable, Sendable, Hashable {
    case scale, roll, rollToBroken = "roll-to-broken", undo, drain, deletePod = "delete-pod", forceDelete = "force-delete"
}
