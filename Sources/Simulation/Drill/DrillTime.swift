import Formats
import Reconciling
import Resources
import Timing

/// How long a run may take to recover, where nobody says it.
package enum DrillTime {
    /// What most manifests can do with.
    package static let least: Duration = .seconds(60)
    /// For what comes between: a restart that waits, a decision of the server, a start that is slower than most.
    private static let reserve: Duration = .seconds(20)

    /// As long as the slowest Deployment needs, by what its own manifest says, to have replaced a replica that hangs: its liveness probe fails, the
    /// grace period passes, another one starts, is ready and stays so. In whole ten seconds, not below `least`.
    package static func needed(by objects: [Value], startTime: Duration) -> Duration {
        var longest = least
        for object in objects where object["kind"].string == "Deployment" {
            let pod = object["spec"]["template"]["spec"]
            let grace = Duration.seconds(pod["terminationGracePeriodSeconds"].int ?? 30)
            let stay = Duration.seconds(ObservedDeployment(object).minReadySeconds)
            for container in pod["containers"].elements {
                guard let liveness = Probe(container["livenessProbe"]) else { continue }
                let first = [container["startupProbe"], container["readinessProbe"]].compactMap { Probe($0) }
                let ready = first.reduce(startTime) { $0 + $1.initialDelay + $1.period * $1.successThreshold }
                longest = max(longest, liveness.timeToFail + (liveness.terminationGracePeriod ?? grace) + ready + stay + reserve)
            }
        }
        let step = Duration.seconds(10).nanoseconds
        return .nanoseconds((longest.nanoseconds + step - 1) / step * step)
    }
}
