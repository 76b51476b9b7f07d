import Formats
import Linux
import Resources
import Supervision
import Timing

/// Whether a restart that a liveness probe asks for is carried out: nothing may speak for the program, and the server has to allow it.
extension PodDriver {
    /// How long the server is waited for. Then the agent decides by itself: a program that hangs must not wait for a server that does.
    private static let leavePatience = Duration.seconds(1)

    /// Takes the answer of a liveness probe.
    func learnLiveness(_ name: String, _ outcome: ActionRunner.Outcome, isTimeout: Bool) {
        guard !outcome.succeeded, let container = machine[name], container.isRestartedByFailure(now: context.loop.now) else {
            // One success is enough: it lives, and its failures are counted anew.
            if outcome.succeeded { release(name) }
            return handle(.container(name, .probed(.liveness, succeeded: outcome.succeeded, message: outcome.message)))
        }
        let plea = HealingBrake.Plea(
            workload: pod.meta.controller?.uid, pod: uid, container: name, isTimeout: isTimeout,
            answersTraffic: machine.isReady && PodStatusReport.unmetGates(of: pod.value).isEmpty)
        let pressure = isTimeout ? CPUPressure.share() : nil
        if let reason = context.brake.excuse(plea, pressure: pressure, now: context.loop.now) {
            return hold(name, outcome.message, reason)
        }
        guard plea.needsLeave else { return judge(plea, .silence, outcome.message) }
        askLeave(name) { [weak self] word in self?.judge(plea, word, outcome.message) }
    }

    private func judge(_ plea: HealingBrake.Plea, _ word: HealingBrake.ServerWord, _ failure: String) {
        switch context.brake.judge(plea, word, now: context.loop.now) {
        case .restart:
            release(plea.container)
            handle(.container(plea.container, .probed(.liveness, succeeded: false, message: failure)))
        case .hold(let reason): hold(plea.container, failure, reason)
        }
    }

    /// Not now: said to people, and asked again after the probe's period.
    private func hold(_ name: String, _ failure: String, _ reason: String) {
        let words = "liveness probe of container \(name) fails (\(failure)), but \(reason)"
        if restraints.updateValue(words, forKey: name) != words {
            record(PodNote("LivenessHeldBack", words, container: name, isWarning: true))
        }
        handle(.container(name, .probeSkipped(.liveness)))
    }

    /// Nothing of the container is held back any more.
    func release(_ name: String) {
        if restraints.removeValue(forKey: name) != nil { scheduleReport() }
    }

    /// Asks the server, which counts the restart against the workload's budget. The probe counts as under way until it is answered; it is called off
    /// when the container ends by itself.
    private func askLeave(_ name: String, _ done: @escaping (HealingBrake.ServerWord) -> Void) {
        let slot = "\(name)/leave"
        var isOver = false
        var timer: EventLoop.Timer?
        func finish(_ word: HealingBrake.ServerWord?) {
            guard !isOver else { return }
            isOver = true
            timer?.cancel()
            guard let word else { return }
            actions[slot] = nil
            done(word)
        }
        timer = context.loop.schedule(after: Self.leavePatience) { finish(.silence) }
        actions[slot] = Cancellation { finish(nil) }
        let epoch = status.epoch.map { LeaseEpoch(node: context.configuration.nodeName, transitions: $0) }
        world.api.perform(.restart(key, epoch)) { result in finish(Self.word(result)) }
    }

    private static func word(_ result: Result<Reply, StatusError>) -> HealingBrake.ServerWord {
        switch result {
        case .success(let reply):
            guard RestartAnswer(reply.object) == .replaced else { return .permitted }
            return .refused(reason: "its budget allows no restart: a replacement is made first, and it goes when that is available")
        case .failure(let error) where error.code == 429:
            guard let why = error.details?.causes.first?.message else { return .silence }
            return .refused(reason: why)
        // Another agent took over the node: whatever is to be done here is done by that one.
        case .failure(let error) where error.isStaleEpoch: return .refused(reason: error.message)
        case .failure: return .silence
        }
    }
}
