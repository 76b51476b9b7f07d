import Formats
import Reconciling
import Resources
import Timing

/// How long a run may take to recover, where nobody says it.
package enum DrillTime {
    /// What most manifests can do with.
    package static let least: Duration = .seconds(60)
    /// How long a run may be where nobody says it: every seed that does not recover is watched to the end.
    private static let mostUnasked: Duration = .seconds(900)
    /// What may be asked for.
    package static let allowed: ClosedRange<Duration> = .seconds(5)...(.seconds(86_400))
    /// For what comes between: a restart that waits, a decision of the server, a start that is slower than most.
    private static let reserve: Duration = .seconds(20)

    /// As long as the slowest Deployment needs, by what its own manifest says, to have replaced a replica that hangs or does not listen to TERM: its
    /// liveness probe fails, where there is one, the grace period passes, another one starts, is ready and stays so. In whole ten seconds, not below
    /// `least`, and never more than is `allowed`.
    package static func needed(by objects: [Value], startTime: Duration) -> Duration {
        var longest = least
        for object in objects where object["kind"].string == "Deployment" {
            let pod = object["spec"]["template"]["spec"]
            let grace = Duration.seconds(pod["terminationGracePeriodSeconds"].int ?? 30)
            let stay = Duration.seconds(ObservedDeployment(object).minReadySeconds)
            for container in pod["containers"].elements {
                let end = Probe(container["livenessProbe"]).map { $0.timeToFail + ($0.terminationGracePeriod ?? grace) } ?? .zero
                let first = [container["startupProbe"], container["readinessProbe"]].compactMap { Probe($0) }
                let ready = first.reduce(startTime) { $0 + $1.initialDelay + $1.period * $1.successThreshold }
                // A planned end takes the whole grace period, whatever the probe's own is.
                longest = max(longest, max(end, grace) + ready + stay + reserve)
            }
        }
        let step = Duration.seconds(10).nanoseconds
        return .nanoseconds((min(longest, allowed.upperBound).nanoseconds + step - 1) / step * step)
    }

    /// What a run gets where nobody says it.
    package static func unasked(needed: Duration) -> Duration { min(needed, mostUnasked) }
}
