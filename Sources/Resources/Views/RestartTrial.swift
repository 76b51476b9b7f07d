import Formats
import Timing

/// The rule by which a restart shows whether it helped. It holds for the registry, which sees all replicas, and for an agent that is alone.
///
/// A program may be Ready at once and fail its liveness probe again much later: after its probe's initial delay, a slow start, a back-off. So a trial is
/// counted from when the instance was Ready again, and lasts `length` and as long as its probe itself takes to fail. An instance that fails again
/// within its trial was not helped: it alone goes on being restarted, as its back-off has it, and the others of its workload keep serving what they serve.
/// One that comes through has proved itself: the next may be restarted.
///
/// Ready may come and go in one run. That prolongs no trial by more than a start may take: `length`, or as long as the startup probe gives it.
package struct RestartTrial: Hashable, Sendable {
    /// How much longer an instance has to live than its probe takes to fail.
    package static let length: Duration = .seconds(60)
    /// One that is not Ready again after this long keeps no replacement from the others any more. Longer than any back-off, and as long as Kubernetes waits
    /// for progress of a Deployment by default.
    package static let patience: Duration = .seconds(600)

    /// Where an instance is on its way through a trial.
    package enum Stage: Hashable, Sendable {
        /// Its restart was permitted, and has not come yet.
        case awaited
        /// It was restarted, and is not Ready again, or not any more.
        case down
        /// It is Ready again, and may fail again.
        case watched
    }

    package let isReady: Bool
    /// The leave to restart it that was given last; nil where none ever was.
    package let permit: RestartPermit?
    /// How often its containers were restarted, all together.
    package let restartTotal: Int64
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
        permit = RestartPermit(annotations: pod["metadata"]["annotations"])
        restartTotal = RestartPermit.restartTotal(ofStatus: status)
        if let permit, permit.isUsed(restartTotal: restartTotal) { begun = max(begun, permit.at) }
        let containers = pod["spec"]["initContainers"].elements + pod["spec"]["containers"].elements
        start = min(max(begun, readyChanged ?? begun), begun + max(Self.length, Self.longest("startupProbe", of: containers)))
        end = start + Self.window(timeToFail: Self.longest("livenessProbe", of: containers))
    }

    private static func longest(_ probe: String, of containers: [Value]) -> Duration {
        containers.compactMap { Probe($0[probe])?.timeToFail }.max() ?? .zero
    }

    /// How the restart that was permitted last stands; nil: none was, it helped, or what the program does since then is its own. While there is a stage
    /// no other instance of the version is restarted.
    package func stage(now: Timestamp) -> Stage? {
        guard let permit, permit.isPresent(restartTotal: restartTotal) else { return nil }
        if permit.isPending(restartTotal: restartTotal, now: now) { return .awaited }
        let isUsed = permit.isUsed(restartTotal: restartTotal)
        if isReady { return isUsed && isUnderWay(now: now) ? .watched : nil }
        // What went down after the permit was void, or after it had proved itself, did so for a reason of its own.
        let latest = isUsed ? end : permit.at + RestartPermit.lifetime
        return readyChanged.map { $0 < latest } ?? true ? .down : nil
    }

    /// Whether it is worth waiting for what the restart brings. While it is, no other instance is replaced, and of those held back it is said that they wait.
    package func isAwaited(now: Timestamp) -> Bool { stage(now: now).map { $0 != .down || !isHopeless(now: now) } ?? false }

    /// Nothing was restarted yet: a new pod, which may replace one that was not helped.
    package var isFirstRun: Bool { permit == nil && restartTotal == 0 }

    /// How long it is still to be seen if it stays well; zero when it has proved itself.
    package func left(now: Timestamp) -> Duration {
        // A clock that was set back makes no trial last.
        start - now < end - start ? max(.zero, end - now) : .zero
    }

    package func isUnderWay(now: Timestamp) -> Bool { left(now: now) > .zero }

    /// Since when it serves on only because another restart is held back, having failed within the trial of this run; nil where that is not so, and of a
    /// run that neither a permit nor a new pod began.
    package var failedAgainAt: Timestamp? {
        guard isReady, isFirstRun || permit?.isPresent(restartTotal: restartTotal) ?? false else { return nil }
        return heldSince.flatMap { $0 < end ? $0 : nil }
    }

    /// How long it lasts from when the instance was Ready again.
    package var window: Duration { end - start }

    /// Not Ready, and for so long that nobody waits for it.
    private func isHopeless(now: Timestamp) -> Bool { !isReady && (readyChanged.map { now - $0 >= Self.patience } ?? true) }
}
