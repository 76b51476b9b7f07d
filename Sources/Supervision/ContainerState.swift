import Timing

/// Where a container can be.
extension ContainerMachine {
    /// Where a container is; all that a state knows is in its case.
    package enum State: Sendable {
        /// Not its turn yet, or not startable: what is shown, and when it is tried again by itself.
        case waiting(reason: String, message: String, retryAt: Instant)
        case launching
        case running(Run)
        /// The first process has ended; the rest is made to.
        case clearing(Run, Termination)
        case backingOff(until: Instant, delay: Duration, Termination)
        /// For good.
        case terminated(Termination)
    }

    /// One run of the program.
    package struct Run: Sendable {
        package var containerID: String
        package var startedAt: Timestamp
        package var since: Instant
        /// The startup probe has passed, or there is none; and postStart is done.
        package var isStarted = false
        package var readySince: Instant?
        /// How long it was Ready, up to when it last was.
        var lastReadyFor: Duration?
        var isPostStartPending = false
        var probes: [ProbeMachine] = []
        package var stop: Stop?
    }

    /// The way down: withdrawn and preStop, TERM, KILL.
    package struct Stop: Hashable, Sendable {
        /// The whole pod goes; else only this run.
        var isForDeletion: Bool
        /// Whether TERM still waits for the traffic to be led away, and until when at most: sooner once nothing new comes.
        var isDrainPending: Bool
        var drainBy: Instant
        var isPreStopPending: Bool
        var times: StopTimes
        /// A sidecar's TERM waits for whom it serves, whatever else holds, until this time at most.
        var turnBy: Instant?
        var isTerminated = false
        var isKilled = false

        /// A restart by liveness waits this long for the proxies at most: the program may be harmful already …
        static let restartWithdrawalLimit = Duration.seconds(1)
        /// … and this long, but no more than half of its grace period, for the requests that it has: it may never answer them.
        static let restartRequestsLimit = Duration.seconds(2)

        /// Nothing new is sent to it: what is under way is waited for, but less long than who might have sent more. Before the pod goes that is most of the
        /// grace period, before a restart less.
        mutating func lastRequestsCame(now: Instant) {
            guard isDrainPending else { return }
            drainBy = isForDeletion ? min(drainBy, times.requestsBy) : now + min((times.killAt - now) / 2, Self.restartRequestsLimit)
        }
    }
}
