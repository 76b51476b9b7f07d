/// An interesting path of a world. Over a fixed batch of seeds each must have been reached at least once: a simulation that never gets there proves
/// nothing about it.
package enum Mark: String, CaseIterable, Sendable, Hashable {
    case storeRecovered, watchExpired, commitsGrouped, syncFailed, snapshotTaken, tailTorn
    case answerLost, watchBroken, relistFoundLoss
    case podFitsNowhere, lostNodeCameBack, nodeLost, proxyGivenUp, nodeFenced
    case termIgnored, drainAcknowledged, restartWithdrawn, noAddressFree
    case podsAdopted, leftoverFound, exitLearntFromUp, livenessHeldBack
    case silentRoleKilled, pausedRoleWentOn, upStartedAgain
    case requestWaited, endpointRefused, requestRepeated
    case rolledBack, drainedNode, scaledDuringRoll, addressReused
}
