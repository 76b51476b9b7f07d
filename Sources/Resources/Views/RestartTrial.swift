import Formats
import Timing

/// The rule by which a restart shows whether it helped. It holds for the registry, which sees all replicas, and for an agent that is alone.
///
/// A program may be Ready at once and fail its liveness probe again much later: after its probe's initial delay, a slow start, a back-off. So a trial is
/// counted from when the instance was Ready again, and lasts `length` and as long as its probe itself takes to fail. An instance that fails again
/// within its trial was not helped: it alone goes on being restarted, as its back-off has it, and the others of its workload keep serving what they serve.
/// One that comes through has proved itself: the next may be restarted.
package struct RestartTrial: Hashable, Sendable {
    /// How much longer an instance has to live than its probe takes to fail.
    package static let length: Duration = .seconds(60)
    /// One that is not Ready again after this long keeps no replacement from the others any more. Longer than any back-off, and as long as Kubernetes waits
    /// for progress of a Deployment by default.
    package static let patience: Duration = .seconds(600)

    package let isReady: Bool
    /// When the present run of the pod's programs was Ready again, and when it has proved itself if it does not fail before.
    private let start: Timestamp
    private let end: Timestamp
    /// When the Ready condition last changed; nil where that is not told.
    private let readyChanged: Timestamp?
    /// Since when its liveness probe fails and the restart is held back; nil while that is not so.
    private let heldSince: Timestamp?

    /// How long an instance is on trial after it was Ready again.
    package static func window(timeToFail: Duration) -> Duration { length + timeToFail }

    /// What a pod's status says of its present run, whether a permit began it or anything else.
    ///
    /// Ready may come and go in one run: that prolongs no trial beyond what the start itself may take.
    package init(_ pod: Value) {
        let status = pod["status"]
        let conditions = [Condition](conditions: status["conditions"])
        let ready = conditions[Condition.ready]
        isReady = ready?.isTrue ?? false
        readyChanged = ready?.lastTransitionTime
        let held = conditions[Condition.restartHeldBack]
        heldSince = held?.isTrue == true ? held?.lastTransitionTime : nil
        let runs = (status["initContainerStatuses"].elements + status["containerStatuses"].elements).compactMap {
            $0["state"]["running"]["startedAt"].timestamp
        }
        var begun = runs.max() ?? Timestamp(secondsSince1970: 0)
        let permit = RestartPermit(annotations: pod["metadata"]["annotations"])
        if let permit, permit.isUsed(restartTotal: RestartPermit.restartTotal(ofStatus: status)) { begun = max(begun, permit.at) }
        let containers = pod["spec"]["initContainers"].elements + pod["spec"]["containers"].elements
        start = min(max(begun, readyChanged ?? begun), begun + Self.longest("startupProbe", of: containers))
        end = start + Self.window(timeToFail: Self.longest("livenessProbe", of: containers))
    }

    private static func longest(_ probe: String, of containers: [Value]) -> Duration {
        containers.compactMap { Probe($0[probe])?.timeToFail }.max() ?? .zero
    }

    /// How long it is still to be seen if it stays well; zero when it has proved itself.
    package func left(now: Timestamp) -> Duration {
        // A clock that was set back makes no trial last.
        start - now < end - start ? max(.zero, end - now) : .zero
    }

    package func isUnderWay(now: Timestamp) -> Bool { left(now: now) > .zero }

    /// It failed again within its trial, and serves on only because the restart is held back.
    package var failedAgainAt: Timestamp? { heldSince.flatMap { $0 < end ? $0 : nil } }

    /// How long it lasts from when the instance was Ready again.
    package var window: Duration { end - start }

    /// Not Ready, and for so long that nobody waits for it.
    package func isHopeless(now: Timestamp) -> Bool { !isReady && (readyChanged.map { now - $0 >= Self.patience } ?? true) }
}
