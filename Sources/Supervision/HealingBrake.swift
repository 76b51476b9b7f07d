import Timing

/// Holds back restarts that would do more harm than good: what a failing liveness probe asks for is done to one instance of a workload at a time, and not
/// while the machine itself is why programs are slow.
///
/// One for each agent. It needs nobody else, so it holds also while the server is away.
package struct HealingBrake: Sendable {
    /// The next restart of a workload waits at least this long after the last …
    package static let spacing = Duration.seconds(1)
    /// … and until the instance that was restarted last is Ready again, but no longer than this: one that never comes back must not keep a second
    /// broken one from being tried.
    package static let recoveryLimit = Duration.seconds(60)
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

    /// A restart that a probe asks for.
    package struct Plea: Hashable, Sendable {
        /// The uid of the pod's controller; nil for a pod by itself, which has no siblings.
        package var workload: String?
        package var pod: String
        package var container: String
        /// No answer came in time, as of a program that gets no processor. A refusal, or an answer that says no, is the program's own word.
        package var isTimeout: Bool
        /// It is Ready: it serves. What serves nothing is replaced without delay.
        package var answersTraffic: Bool

        package init(workload: String?, pod: String, container: String, isTimeout: Bool, answersTraffic: Bool) {
            self.workload = workload
            self.pod = pod
            self.container = container
            self.isTimeout = isTimeout
            self.answersTraffic = answersTraffic
        }
    }

    private struct Restart {
        var pod: String
        var at: Instant
        var isOver = false
    }
    private struct Suspect: Hashable {
        var pod: String
        var container: String
    }
    /// The last restart of each workload.
    private var restarts: [String: Restart] = [:]
    /// Since when starvation has excused a container.
    private var excusedSince: [Suspect: Instant] = [:]

    package init() {}

    /// Decides about a restart; `restart` counts as begun. `pressure` in per cent; nil where the kernel does not tell.
    package mutating func judge(_ plea: Plea, pressure: Double?, now: Instant) -> Verdict {
        forget(now)
        let suspect = Suspect(pod: plea.pod, container: plea.container)
        if plea.isTimeout, plea.answersTraffic, let pressure, pressure >= Self.starvation {
            let since = excusedSince[suspect] ?? now
            excusedSince[suspect] = since
            if now - since < Self.excuseLimit {
                return .hold(reason: "programs wait for a processor \(Int(pressure)) % of the time, and it still answers traffic")
            }
        }
        excusedSince[suspect] = nil
        guard let workload = plea.workload else { return .restart }
        if plea.answersTraffic, let last = restarts[workload], last.pod != plea.pod {
            if now - last.at < Self.spacing { return .hold(reason: "another instance of its workload was restarted just now") }
            if !last.isOver {
                return .hold(reason: "another instance of its workload was restarted and is not ready again: a restart may not help")
            }
        }
        restarts[workload] = Restart(pod: plea.pod, at: now)
        return .restart
    }

    /// An instance has become Ready: the next one may be helped.
    package mutating func becameReady(pod: String, workload: String?) {
        guard let workload, restarts[workload]?.pod == pod else { return }
        restarts[workload]?.isOver = true
    }

    /// The pod is gone, and nobody waits for it.
    package mutating func removed(pod: String, workload: String?) {
        becameReady(pod: pod, workload: workload)
        excusedSince = excusedSince.filter { $0.key.pod != pod }
    }

    private mutating func forget(_ now: Instant) {
        restarts = restarts.filter { now - $0.value.at < Self.recoveryLimit }
    }
}
