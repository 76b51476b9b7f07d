import Resources
import Timing

/// Holds back restarts that would do more harm than good: what a failing liveness probe asks for is not done while the machine itself is why programs
/// are slow, and else as the server says, which counts it against the workload's budget. Without the server's word an agent does it to one instance of
/// a workload at a time.
///
/// One for each agent, which knows of no other node's restarts; it remembers what its agent has restarted, for the time in which it has nobody to ask.
package struct HealingBrake: Sendable {
    /// While the server is away the next instance of a workload that hangs is restarted at least this long after the last, and when that one is Ready
    /// again. What hangs serves nobody, so that little is lost. Anything else waits for `RestartTrial.length`: it answers, and may serve; or the server
    /// is there and says nothing, and what ails the machine may ail both.
    package static let hangSpacing = Duration.seconds(1)
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
        /// Nobody is there to be asked: no connection to a server stands.
        case silence
        /// It is there, and answered too late or with an error that says nothing of the restart.
        case undecided
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
        /// How long its probe takes after a start to ask for a restart (`ProbePolicy.timeToFail`).
        package var timeToFail: Duration

        package init(workload: String?, pod: String, container: String, failure: Failure, answersTraffic: Bool, timeToFail: Duration) {
            self.workload = workload
            self.pod = pod
            self.container = container
            self.failure = failure
            self.answersTraffic = answersTraffic
            self.timeToFail = timeToFail
        }

        /// Whether anybody's budget is touched: whoever serves nothing, and whoever is alone, is restarted at once.
        package var needsLeave: Bool { answersTraffic && workload != nil }
    }

    private struct Restart {
        var at: Instant
        /// When the instance was Ready again; nil: it is not yet.
        var readyAt: Instant?
        /// How long it is on trial from then on; no shorter than any wait for the last restart.
        var window: Duration

        func isOnTrial(_ now: Instant) -> Bool { readyAt.map { now - $0 < window } ?? true }
    }
    /// What is remembered of a workload.
    private struct Past {
        /// The last restart of each instance, by pod.
        var restarts: [String: Restart] = [:]
        /// The one instance that goes on being restarted although it does not help, and until when no other one is.
        var notHelped: (pod: String, until: Instant, window: Duration)?
    }
    private struct Suspect: Hashable {
        var pod: String
        var container: String
    }
    /// By workload.
    private var past: [String: Past] = [:]
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
        guard let workload = plea.workload else { return .restart }
        // Whether it is granted or not: that it is asked for again says that the last one did not help.
        noteAnother(plea, workload, now)
        guard plea.needsLeave else { return begin(plea, workload, now) }
        switch word {
        case .permitted: return begin(plea, workload, now)
        case .refused(let reason): return .hold(reason: reason)
        case .silence, .undecided:
            let others = (past[workload]?.restarts ?? [:]).filter { $0.key != plea.pod }.values
            if others.contains(where: { $0.readyAt == nil }) {
                return .hold(reason: "another instance of its workload was restarted and is not ready again: a restart may not help")
            }
            if let other = past[workload]?.notHelped, other.pod != plea.pod, now < other.until {
                return .hold(
                    reason: "another instance of its workload failed again less than \(Int(other.window.inSeconds)) s after its restart: "
                        + "a restart does not help")
            }
            let wait = word == .silence && plea.failure.isHanging ? Self.hangSpacing : RestartTrial.length
            if others.contains(where: { now - $0.at < wait }) {
                return .hold(reason: "another instance of its workload was restarted less than \(Int(wait.inSeconds)) s ago")
            }
            return begin(plea, workload, now)
        }
    }

    /// `RestartTrial` for an agent that is alone: the first instance that shows that it was not helped stays the one that is restarted. Others may have
    /// been restarted before it showed that.
    private mutating func noteAnother(_ plea: Plea, _ workload: String, _ now: Instant) {
        let known = past[workload]?.notHelped.flatMap { now < $0.until ? $0.pod : nil }
        guard known == plea.pod || known == nil && past[workload]?.restarts[plea.pod]?.isOnTrial(now) == true else { return }
        let window = RestartTrial.window(timeToFail: plea.timeToFail)
        past[workload]?.notHelped = (plea.pod, now + window, window)
    }

    private mutating func begin(_ plea: Plea, _ workload: String, _ now: Instant) -> Verdict {
        var known = past[workload] ?? Past()
        known.restarts = known.restarts.filter { $0.value.isOnTrial(now) }
        known.restarts[plea.pod] = Restart(at: now, window: RestartTrial.window(timeToFail: plea.timeToFail))
        past[workload] = known
        return .restart
    }

    /// An instance has become Ready: the next one may be helped.
    package mutating func becameReady(pod: String, workload: String?, now: Instant) {
        guard let workload, let restart = past[workload]?.restarts[pod], restart.readyAt == nil else { return }
        past[workload]?.restarts[pod]?.readyAt = now
        if past[workload]?.notHelped?.pod == pod { past[workload]?.notHelped?.until = now + restart.window }
    }

    /// The pod is gone, and nobody waits for it.
    package mutating func removed(pod: String, workload: String?) {
        if let workload {
            past[workload]?.restarts[pod] = nil
            if past[workload]?.notHelped?.pod == pod { past[workload]?.notHelped = nil }
            if past[workload]?.restarts.isEmpty ?? false { past[workload] = nil }
        }
        excusedSince = excusedSince.filter { $0.key.pod != pod }
    }
}
