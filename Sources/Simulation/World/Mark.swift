/// An interesting path of a world. Over a fixed batch of seeds each must have been reached at least once: a simulation that never gets there proves
/// nothing about it.
package enum Mark: String, CaseIterable, Sendable, Hashable {
    case diskFull, trustRegained, damageRepaired, damageNamed
    case storeRecovered, watchExpired, commitsGrouped, syncFailed, snapshotTaken, tailTorn
    case messageLost, requestDuplicated, messageOvertaken
    case answerLost, watchBroken, relistFoundLoss
    case podFitsNowhere, lostNodeCameBack, nodeLost, proxyGivenUp, nodeFenced
    case exited, outOfMemory, childrenCleared, restartedBySickness
    case termIgnored, drainAcknowledged, requestsOutlastedWithdrawal, restartWithdrawn, noAddressFree
    case podsAdopted, leftoverFound, exitLearntFromUp, livenessHeldBack
    case silentRoleKilled, silentUpKilled, pausedRoleWentOn, pausedUpWentOn, upStartedAgain
    case clockJumped, zoneStayedAway
    case requestWaited, endpointRefused, requestRepeated
    case endpointEjected, endpointReturned, panicBegan, breakerOpened, breakerClosed, failedOver, failedBack, checkFailed
    case answerRepeated, requestTookTooLong, fallbackAnswered, sessionKept, sessionMoved
    case proxySucceeded, retiredProxyFinished, retiredProxyAdopted, retiredProxyGone
    case evictionRefused, rolledBack, drainedNode, scaledDuringRoll, addressReused
}
