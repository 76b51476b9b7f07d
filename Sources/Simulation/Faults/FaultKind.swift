/// What may go wrong in a world.
package enum FaultKind: String, CaseIterable, Sendable, Hashable {
    // Programs
    case processCrash = "crash"
    case processExit = "exit"
    case processHang = "hang"
    case ignoreTerm = "ignore-term"
    case slowStart = "slow-start"
    case neverReady = "never-ready"
    case flap
    case fork
    case leak
    case sickness = "liveness-failure"
    case errors
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
    case lostMessages = "lost-messages"
    case duplicatedMessages = "duplicated-messages"
    case reorderedMessages = "reordered-messages"
    case partition
    // The disk
    case syncFailure = "sync-failure"
    case slowDisk = "slow-disk"
    case fullDisk = "full-disk"
    case flippedBit = "flipped-bit"
    // Time
    case clockDrift = "clock-drift"
    case clockJump = "clock-jump"

    /// Whether it happens at a moment. The others live in programs and clocks from their start.
    package var strikesAtAMoment: Bool {
        switch self {
        case .ignoreTerm, .slowStart, .neverReady, .flap, .fork, .leak, .clockDrift: false
        default: true
        }
    }

    /// Whether it can keep an agent that lives from being heard. A disk cannot, whatever it does: what agents are heard by needs none.
    package var maySilenceAgents: Bool {
        switch self {
        case .processCrash, .processExit, .processHang, .ignoreTerm, .slowStart, .neverReady, .flap, .fork, .leak, .sickness, .errors,
            .proxyCrash, .syncFailure, .slowDisk, .fullDisk:
            false
        default: true
        }
    }
}

/// What people do to a running world.
package enum ActionKind: String, CaseIterable, Sendable, Hashable {
    case apply, scale, roll, rollToBroken = "roll-to-broken", undo, drain, deletePod = "delete-pod", forceDelete = "force-delete", upgrade
}
