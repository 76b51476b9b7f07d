import Resources
import Timing

/// Holds back restarts that would do more harm than good: what a failing liveness probe asks for is not done while the machine itself is why programs
/// are slow, and else as the server says, which counts it against the workload's budget. Without the server it is done to one instance of a
/// workload at a time.
///
/// One for each agent; it remembers what an agent has restarted, for the time in which it has nobody to ask.
package struct HealingBrake: Sendable {
    /// Without the server the next restart of a workload waits at least this long after the last, and until the instance that was restarted last is
    /// Ready again: one that never comes back shows that restarts do not help.
    package static let spacing = Duration.seconds(1)
    /// An instance that asks for another restart this soon after its last shows the same: for as long again no other one is restarted. The server, which
    /// sees all of a workload, lets as much time pass before any second one.
    package static let trial = RestartPermit.trial
    /// The share of time in which something waited for a processor (PSI, `some avg10`) from which on a program may be slow by no fault of its own.
    package static let starvation = 60.0
    /// How long starvation excuses one container at most: it may be the cause.
    package static let excuseLimit = Duration.seconds(300)

    /// What is to become of a restart.
    package enum Verdict: Hashable, Sendable {
        case restart
        /// Not now: the failure is left uncounted, so that the probe is tried again after its period.
        case hold(reason: String)
    }

    /// What the server says to a restart.
    package enum ServerWord: Hashable, Sendable {
        case permitted
        case refused(reason: String)
        /// It did not answer, or knows no such question.
        case silence
    }

    /// A restart that a probe asks for.
    package struct Plea: Hashable, Sendable {
        /// The uid of the pod's controller; nil for a pod by itself, which has no siblings.
        package var workload: String?
        package var pod: String
        package var container: String
        /// How the probe failed.
        package var failure: Failure
        /// Its pod is Ready: it serves. What serves nothing is replaced without delay.
        package var answersTraffic: Bool

        package init(workload: String?, pod: String, container: String, failure: Failure, answersTraffic: Bool) {
            self.workload = workload
            self.pod = pod
            self.container = container
            self.failure = failure
            self.answersTraffic = answersTraffic
        }

        /// Whether anybody's budget is touched: whoever serves nothing, and whoever is alone, is restarted at once.
        package var needsLeave: Bool { answersTraffic && workload != nil }
    }

    private struct Restart {
        var at: Instant
        /// The instance is Ready again, or gone.
        var isOver = false
        /// The one before it was too short a while ago to have helped.
        var isRepeated = false
    }
    private struct Suspect: Hashable {
        var pod: String
        var container: String
    }
    /// The last restart of each instance, by workload and pod.
    private var restarts: [String: [String: Restart]] = [:]
    /// Since when starvation has excused a container.
    private var excusedSince: [Suspect: Instant] = [:]

    package init() {}

    /// Why a container is not to be judged now; nil: nothing speaks for it. `pressure` in per cent; nil where the kernel does not tell.
    package mutating func excuse(_ plea: Plea, pressure: Double?, now: Instant) -> String? {
        let suspect = Suspect(pod: plea.pod, container: plea.container)
        if plea.answersTraffic, let pressure, pressure >= Self.starvation, let sign = Self.sign(of: plea.failure) {
            let since = excusedSince[suspect] ?? now
            excusedSince[suspect] = since
            if now - since < Self.excuseLimit {
                return "programs wait for a processor \(Int(pressure)) % of the time, and \(sign)"
            }
        }
        excusedSince[suspect] = nil
        return nil
    }

    /// Decides about a restart that nothing excuses; `restart` counts as begun. For a plea that needs no leave the server need not be asked.
    package mutating func judge(_ plea: Plea, _ word: ServerWord, now: Instant) -> Verdict {
        guard plea.needsLeave, let workload = plea.workload else { return begin(plea, now) }
        switch word {
        case .permitted: return begin(plea, now)
        case .refused(let reason): return .hold(reason: reason)
        case .silence:
            let others = (restarts[workload] ?? [:]).filter { $0.key != plea.pod }.values
            if others.contains(where: { !$0.isOver }) {
                return .hold(reason: "another instance of its workload was restarted and is not ready again: a restart may not help")
            }
            if others.contains(where: { $0.isRepeated && now - $0.at < Self.trial }) {
                return .hold(
                    reason: "another instance of its workload failed again less than \(Int(Self.trial.inSeconds)) s after its restart: "
                        + "a restart does not help")
            }
            if others.contains(where: { now - $0.at < Self.spacing }) {
                return .hold(reason: "another instance of its workload was restarted less than \(Int(Self.spacing.inSeconds)) s ago")
            }
            return begin(plea, now)
        }
    }

    private mutating func begin(_ plea: Plea, _ now: Instant) -> Verdict {
        guard let workload = plea.workload else { return .restart }
        var known = (restarts[workload] ?? [:]).filter { !$0.value.isOver || now - $0.value.at < Self.trial }
        known[plea.pod] = Restart(at: now, isRepeated: known[plea.pod].map { now - $0.at < Self.trial } ?? false)
        restarts[workload] = known
        return .restart
    }

    /// An instance has become Ready: the next one may be helped.
    package mutating func becameReady(pod: String, workload: String?) {
        guard let workload else { return }
        restarts[workload]?[pod]?.isOver = true
    }

    /// The pod is gone, and nobody waits for it.
    package mutating func removed(pod: String, workload: String?) {
        if let workload {
            restarts[workload]?[pod] = nil
            if restarts[workload]?.isEmpty ?? false { restarts[workload] = nil }
        }
        excusedSince = excusedSince.filter { $0.key.pod != pod }
    }
}
