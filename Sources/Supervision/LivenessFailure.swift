import Timing

extension HealingBrake {
    /// How long the answer of a starved program is waited for, where nothing else tells it from one that hangs.
    package static let patience = Duration.seconds(10)

    /// How a liveness probe failed: of a program that is only slow there is something to be seen.
    package enum Failure: Hashable, Sendable {
        /// It refused, or said no: its own word.
        case refused
        /// No answer came in time, while its readiness probe passes.
        case silentButReady
        /// No answer came in time, and nothing else asks it.
        case silent
        /// It answered that all is well, this long after it was asked, and too late.
        case late(Duration)
        /// No answer came in `patience` either: it hangs.
        case hung

        /// It answers nobody who asks for its liveness: what it still serves is little. What answers, and be it that it is not well, may serve.
        package var isHanging: Bool {
            switch self {
            case .silentButReady, .silent, .hung: true
            case .refused, .late: false
            }
        }

        /// - Parameters:
        ///   - took: how long the try took.
        ///   - patience: how long an answer was waited for (see `HealingBrake.patience`).
        ///   - isReadyByProbe: whether the container is Ready because a readiness probe says so.
        package init(succeeded: Bool, took: Duration, timeout: Duration, patience: Duration, isReadyByProbe: Bool) {
            if succeeded {
                self = .late(took)
            } else if took < timeout {
                self = .refused
            } else if isReadyByProbe {
                self = .silentButReady
            } else if patience == timeout {
                self = .silent
            } else {
                // What comes late and says no is no sign of health either.
                self = .hung
            }
        }
    }

    /// For how long the answer of a liveness probe is waited for. Beyond its timeout only where the next failure restarts a container that no readiness probe
    /// asks, on a machine that starves its programs: there being late is no sign of hanging, and silence for as long as this is.
    package static func patience(timeout: Duration, isLastTry: Bool, hasReadinessProbe: Bool, pressure: Double?) -> Duration {
        guard isLastTry, !hasReadinessProbe, let pressure, pressure >= starvation else { return timeout }
        return max(timeout, patience)
    }

    /// What speaks for a program that did not answer in time; nil when nothing does.
    static func sign(of failure: Failure) -> String? {
        switch failure {
        case .refused, .hung: nil
        case .silentButReady: "its readiness probe passes"
        case .silent: "it is given \(Int(patience.inSeconds)) s to answer the next time"
        case .late(let time): "it answered after \(Double(Int(time.inSeconds * 10)) / 10) s"
        }
    }
}
