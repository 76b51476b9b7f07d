import Formats
import Timing

/// Why a pod is as it is on its node, and what happens next and when: the sentences behind `steady why`.
extension PodMachine {
    /// One sentence for each thing that keeps the pod, or a container of it, from being ready, or that is about to happen. In the order of the
    /// containers; empty for a pod that is gone.
    package func explanation(now: Instant) -> [Explained] {
        switch phase {
        case .gone: return []
        case .preparing(let retryAt):
            guard let failure = preparationFailure else { return [Explained("its directories, address and volumes are being prepared")] }
            return [Explained("cannot be prepared: \(failure.message); tried again \(Explained.wait(until: retryAt, now))")]
        case .active, .stopping:
            var out: [Explained] = []
            if isExpired { out.append(Explained("is being ended: \(Self.deadlineMessage)")) }
            for container in containers {
                for text in container.explanation(now: now) { out.append(Explained(text, container: container.policy.name)) }
            }
            return out
        }
    }

    /// Why a container has never been started: `ImagePullBackOff: no Image has the reference "web:v9"`. Empty for one that was, or that is not
    /// the pod's.
    package func waitingReason(of name: String) -> String {
        if case .preparing = phase {
            guard let failure = preparationFailure else { return "ContainerCreating" }
            return "ContainerCreating: \(failure.message)"
        }
        guard let container = containers.first(where: { $0.policy.name == name }) else { return "" }
        guard case .waiting(let reason, let message, _) = container.state else { return "" }
        return message.isEmpty ? reason : "\(reason): \(message)"
    }
}

/// One sentence about a pod, or about one container of it.
package struct Explained: Hashable, Sendable {
    /// Nil: about the pod as a whole.
    package var container: String?
    package var text: String

    package init(_ text: String, container: String? = nil) {
        self.text = text
        self.container = container
    }

    /// `{"container": …, "text": …}`, as the agent tells it to the server.
    package var value: Value {
        var out: Value = ["text": .string(text)]
        if let container { out["container"] = .string(container) }
        return out
    }

    /// `in 4 s`, `now`, `when something changes` (never by itself).
    static func wait(until: Instant, _ now: Instant) -> String {
        if until == .never { return "when something changes" }
        let left = until - now
        if left <= .zero { return "now" }
        let milliseconds = left.nanoseconds / 1_000_000
        return milliseconds < 1000 ? "in \(milliseconds) ms" : "in \((milliseconds + 500) / 1000) s"
    }
}

extension ContainerMachine {
    /// What it does, what it waits for, and what comes of it.
    func explanation(now: Instant) -> [String] {
        switch state {
        case .waiting(let reason, let message, let retryAt):
            let why = message.isEmpty ? reason : "\(reason): \(message)"
            return [retryAt == .never ? "waits: \(why)" : "waits: \(why); tried again \(Explained.wait(until: retryAt, now))"]
        case .launching: return ["is being started"]
        case .clearing(_, let how): return ["has ended (\(how.summary)); what it left running is being ended"]
        case .backingOff(let until, let delay, let how):
            let waits = "starts again \(Explained.wait(until: until, now)) (back-off of \(Self.text(delay)), doubled with each failure)"
            return ["has ended (\(how.summary)); \(waits)"]
        case .terminated(let how): return ["has ended for good (\(how.summary))"]
        case .running(let run): return explanation(of: run, now: now)
        }
    }

    private func explanation(of run: Run, now: Instant) -> [String] {
        if let stop = run.stop { return [explanation(of: stop, now: now)] }
        if run.isPostStartPending { return ["runs; its postStart hook has not ended, and probes begin after it"] }
        let probes = run.probes.map { $0.explanation(now: now) }
        if probes.isEmpty { return [run.readySince == nil ? "runs and is not ready" : "runs and is ready: it has no probes"] }
        return probes
    }

    private func explanation(of stop: Stop, now: Instant) -> String {
        let goes = stop.isForDeletion ? "is being stopped with its pod" : "is being stopped to be started again"
        if stop.isKilled { return "\(goes): KILL was sent" }
        let kill = "KILL \(Explained.wait(until: stop.times.killAt, now))"
        if stop.isTerminated { return "\(goes): TERM was sent; \(kill)" }
        var waits: [String] = []
        if stop.isDrainPending { waits.append("every proxy to confirm that no request is left (until \(Self.at(stop.drainBy, now)))") }
        if stop.isPreStopPending { waits.append("its preStop hook (until \(Self.at(stop.times.terminateAt, now)))") }
        if let turnBy = stop.turnBy { waits.append("the containers it serves (until \(Self.at(turnBy, now)))") }
        return "\(goes): TERM waits for \(waits.joined(separator: " and ")); \(kill)"
    }

    private static func at(_ end: Instant, _ now: Instant) -> String {
        let wait = Explained.wait(until: end, now)
        return wait.hasPrefix("in ") ? "at most \(wait.dropFirst(3)) more" : wait
    }

    private static func text(_ delay: Duration) -> String {
        delay < .seconds(1) ? "\(delay.nanoseconds / 1_000_000) ms" : "\(delay.nanoseconds / 1_000_000_000) s"
    }
}

extension ProbeMachine {
    /// How it stands, when it is tried next, and what its next threshold changes.
    func explanation(now: Instant) -> String {
        let name = "\(kind.rawValue) probe"
        let next = nextTry == .never ? "a try is under way" : "next try \(Explained.wait(until: nextTry, now))"
        let answer = lastFailure.isEmpty ? "" : " (\(lastFailure))"
        let left = max(1, policy.failureThreshold - failureCount)
        let consequence = kind == .readiness ? "not ready" : "restarted"
        switch verdict {
        case .passed where lastFailure.isEmpty: return "\(name) passes; \(next)"
        case .passed:
            return "\(name) fails\(answer), \(failureCount) of \(policy.failureThreshold); \(next); \(consequence) after \(left) more"
        case .failed:
            let missing = max(1, policy.successThreshold - successCount)
            return "\(name) fails\(answer); \(next); ready after \(missing) \(missing == 1 ? "success" : "successes")"
        case nil where kind == .readiness: return "\(name) has not passed yet\(answer); \(next)"
        case nil where failureCount == 0: return "\(name) has not passed yet\(answer); \(next)"
        case nil:
            return
                "\(name) has not passed yet\(answer), \(failureCount) of \(policy.failureThreshold) failures; \(next); restarted after \(left) more"
        }
    }
}

extension Termination {
    /// `exit code 137, OOMKilled`.
    var summary: String {
        let code = "exit code \(exitCode)"
        return reason.isEmpty || reason == "Error" || reason == "Completed" ? code : "\(code), \(reason)"
    }
}
