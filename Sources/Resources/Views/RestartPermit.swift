import Formats
import Timing

/// The leave to restart a container of a pod in place: given by the registry, which counts it against the workload's budget, and kept on the pod.
package struct RestartPermit: Hashable, Sendable {
    package static let annotation = "steady.dev/restart-permitted"
    /// How long a permit counts that is not used: its agent died, or the program ended by itself.
    package static let lifetime: Duration = .seconds(60)
    /// In whole seconds.
    package var at: Timestamp
    /// How often the pod's containers had been restarted by then.
    package var restartTotal: Int64
    /// It was given to a pod that failed again while its last restart was on trial.
    package var isRepeated: Bool

    package init(at: Timestamp, restartTotal: Int64, isRepeated: Bool = false) {
        self.at = at
        self.restartTotal = restartTotal
        self.isRepeated = isRepeated
    }

    /// The one that a pod bears; nil where there is none.
    package init?(annotations: Value) {
        guard let text = annotations[Self.annotation].string else { return nil }
        self.init(text)
    }

    /// Reads `2026-01-01T00:00:00Z/3`, and `2026-01-01T00:00:00Z/3/again`.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 || parts.count == 3 && parts[2] == Self.again, let at = Timestamp(rfc3339: parts[0]),
            let total = Int64(parts[1])
        else { return nil }
        self.init(at: at, restartTotal: total, isRepeated: parts.count == 3)
    }
    private static let again = "again"

    package var text: String { "\(at.rfc3339)/\(restartTotal)" + (isRepeated ? "/" + Self.again : "") }

    /// Whether the restart has come since: from then on the pod's readiness says what it costs.
    package func isUsed(restartTotal now: Int64) -> Bool { now > restartTotal }

    /// Whether the pod's present run is the one that it began, or is about to begin. Restarts after that are the program's own doing, and say nothing of
    /// whether this one helped.
    package func isPresent(restartTotal now: Int64) -> Bool { now <= restartTotal + 1 }

    /// Whether it still stands for a pod that is about to be missing.
    package func isPending(restartTotal: Int64, now: Timestamp) -> Bool {
        // A clock that was set back makes no permit last.
        !isUsed(restartTotal: restartTotal) && now - at < Self.lifetime && at - now < Self.lifetime
    }

    /// How often the containers of a pod have been restarted, all together.
    package static func restartTotal(ofStatus status: Value) -> Int64 {
        (status["initContainerStatuses"].elements + status["containerStatuses"].elements).reduce(0) { $0 + ($1["restartCount"].int ?? 0) }
    }
}
