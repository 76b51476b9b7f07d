import Timing

/// How a simulated program behaves: how long it takes, and what goes wrong with it.
package struct Program: Sendable, Hashable {
    /// What becomes of a process of the program by itself.
    package enum Fate: Sendable, Hashable {
        /// It serves until it is told to stop.
        case serves
        /// It listens and answers requests, and says that it is not ready.
        case neverReady
        /// It ends at once with this code.
        case exitsAtOnce(code: Int)
        /// It ends after having run about this long, again and again.
        case crashesAfter(Duration)
        /// It accepts after about this long, and answers nothing any more.
        case hangsAfter(Duration)
        /// Its readiness comes and goes with about this period.
        case flaps(Duration)
        /// It serves on, and fails its liveness probe from about this long after it was ready: no restart helps.
        case sickensAfter(Duration)
        /// It takes ever more memory, until the kernel kills it after about this long.
        case leaks(Duration)
        /// It does its work and ends well: what init containers do.
        case completesAfter(Duration)
    }

    /// From its start to its listening.
    package var startTime: ClosedRange<Duration>
    /// From its listening to its readiness.
    package var warmUpTime: ClosedRange<Duration>
    /// From a request to its answer.
    package var serviceTime: ClosedRange<Duration>
    /// From TERM to its end.
    package var stopTime: ClosedRange<Duration>
    package var fate: Fate
    package var ignoresTerm: Bool
    /// Processes that it starts, and that outlive it unless they are killed.
    package var childCount = 0
    /// Its fate is in the program itself and does not end with the faults.
    package var isIncurable = false
    /// After TERM it answers what it has accepted before it ends; else that is lost.
    package var finishesRequests: Bool

    package init(
        startTime: ClosedRange<Duration> = .milliseconds(20)...(.milliseconds(400)),
        warmUpTime: ClosedRange<Duration> = .zero...(.milliseconds(200)),
        serviceTime: ClosedRange<Duration> = .milliseconds(1)...(.milliseconds(40)),
        stopTime: ClosedRange<Duration> = .zero...(.milliseconds(50)), fate: Fate = .serves, ignoresTerm: Bool = false,
        finishesRequests: Bool = false
    ) {
        self.startTime = startTime
        self.warmUpTime = warmUpTime
        self.serviceTime = serviceTime
        self.stopTime = stopTime
        self.fate = fate
        self.ignoresTerm = ignoresTerm
        self.finishesRequests = finishesRequests
    }
}
