import Linux
import Resources
import Supervision
import Timing

/// How a pod's probes and hooks are run.
extension PodDriver {
    private func runner(_ name: String) -> ActionRunner? {
        guard let container = container(name), let process = processes[name] else { return nil }
        if plans[name] == nil { plans[name] = try? plan(for: container, nameLookup) }
        return ActionRunner(
            context: context, pod: pod.spec, podIP: pod.spec.isHostNetwork ? .loopback : address, container: container, process: process,
            plan: plans[name], user: context.user(for: pod.spec, container), handOff: pod.spec.isHostNetwork ? [] : [.bind, .connect],
            listeners: listeners)
    }

    func probe(_ name: String, _ kind: ProbeKind) {
        guard context.probesInFlight < AgentContext.probeLimit else { return handle(.container(name, .probeSkipped(kind))) }
        let container = container(name)
        let all: [ProbeKind: Probe?] = [
            .startup: container?.startupProbe, .liveness: container?.livenessProbe, .readiness: container?.readinessProbe,
        ]
        // Unanswered, the machine would wait for this try for ever.
        guard let runner = runner(name), case .some(.some(let probe)) = all[kind] else {
            return handle(.container(name, .probeSkipped(kind)))
        }
        // As Kubernetes has it: a try that is in error is neither a success nor a failure.
        if let obstacle = runner.obstacle(to: probe.action) {
            let note = PodNote("Unhealthy", "\(kind.title) probe errored: \(obstacle)", container: name, isWarning: true)
            record(note)
            return handle(.container(name, .probeSkipped(kind)))
        }
        context.probesInFlight += 1
        let slot = "\(name)/\(kind.rawValue)"
        let context = context
        let began = context.loop.now
        let waiting = kind == .liveness ? livenessWaiting(name, probe.timeout) : LivenessWaiting(timeout: probe.timeout)
        let running = runner.run(probe.action, timeout: waiting.patience) { [weak self] outcome in
            context.probesInFlight -= 1
            self?.actions[slot] = nil
            if kind == .liveness {
                self?.learnLiveness(name, outcome, after: context.loop.now - began, waiting)
            } else {
                self?.handle(.container(name, .probed(kind, succeeded: outcome.succeeded, message: outcome.message)))
            }
        }
        actions[slot] = Cancellation {
            context.probesInFlight -= 1
            running.cancel()
        }
    }

    func runHook(_ name: String, _ kind: HookKind) {
        let lifecycle = container(name)?.lifecycle
        let slot = "\(name)/\(kind.rawValue)"
        guard let runner = runner(name), let action = kind == .postStart ? lifecycle?.postStart : lifecycle?.preStop else {
            return handle(.container(name, .hookFinished(kind, failure: nil)))
        }
        actions[slot] = runner.run(action, timeout: nil) { [weak self] outcome in
            self?.actions[slot] = nil
            let failure = outcome.succeeded ? nil : "\(kind == .postStart ? "PostStartHook" : "PreStopHook") failed: \(outcome.message)"
            self?.handle(.container(name, .hookFinished(kind, failure: failure)))
        }
    }

    func cancelActions(of name: String) {
        for slot in actions.keys.filter({ $0.hasPrefix(name + "/") }).sorted() { actions.removeValue(forKey: slot)?.cancel() }
    }
}
