import Formats
import Linux
import Resources
import Supervision
import Timing

/// Whether a restart that a liveness probe asks for is carried out: nothing may speak for the program, and the server has to allow it.
extension PodDriver {
    /// How long the server is waited for. Then the agent decides by itself: a program that hangs must not wait for a server that does.
    /// It does so with more care while a server is there: what makes that slow may be what ails the program.
    private static let leavePatience = Duration.seconds(1)

    /// For how long the answer to a liveness probe that is about to be asked is waited for.
    func livenessWaiting(_ name: String, _ timeout: Duration) -> LivenessWaiting {
        var waiting = LivenessWaiting(timeout: timeout)
        guard let container = machine[name], container.isRestartedByFailure(now: context.loop.now) else { return waiting }
        waiting.pressure = context.pressure()
        waiting.patience = HealingBrake.patience(
            timeout: timeout, isLastTry: true, hasReadinessProbe: container.policy.readiness != nil, pressure: waiting.pressure)
        return waiting
    }

    /// Takes the answer of a liveness probe.
    func learnLiveness(_ name: String, _ outcome: ActionRunner.Outcome, after took: Duration, _ waiting: LivenessWaiting) {
        // Who was given more time than its timeout, and took it, has failed all the same.
        let isLate = outcome.succeeded && waiting.patience > waiting.timeout && took >= waiting.timeout
        let message = isLate ? "answered after \(took.inSeconds) s, and its timeout is \(waiting.timeout.inSeconds) s" : outcome.message
        let succeeded = outcome.succeeded && !isLate
        guard !succeeded, let container = machine[name], container.isRestartedByFailure(now: context.loop.now) else {
            // One success is enough: it lives, and its failures are counted anew.
            if succeeded { release(name) }
            return handle(.container(name, .probed(.liveness, succeeded: succeeded, message: message)))
        }
        let failure = HealingBrake.Failure(
            succeeded: isLate, took: took, timeout: waiting.timeout, patience: waiting.patience,
            isReadyByProbe: container.isReady && container.policy.readiness != nil)
        let plea = HealingBrake.Plea(
            workload: pod.meta.controller?.uid, pod: uid, container: name, failure: failure,
            answersTraffic: machine.isReady && PodStatusReport.unmetGates(of: pod.value).isEmpty,
            timeToFail: container.policy.liveness?.timeToFail ?? .zero)
        // Of the try's beginning and its end the worse.
        let pressure = [waiting.pressure, failure == .refused ? nil : context.pressure()].compactMap(\.self).max()
        if let reason = context.brake.excuse(plea, pressure: pressure, now: context.loop.now) {
            return hold(name, message, reason)
        }
        guard plea.needsLeave else { return judge(plea, .silence, message) }
        askLeave(name) { [weak self] word in self?.judge(plea, word, message) }
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
        func withoutAnswer() -> HealingBrake.ServerWord { world.isConnected ? .undecided : .silence }
        timer = context.loop.schedule(after: Self.leavePatience) { finish(withoutAnswer()) }
        actions[slot] = Cancellation { finish(nil) }
        world.api.perform(.restart(key, status.epoch)) { result in finish(Self.word(result) ?? withoutAnswer()) }
    }

    /// What an answer says of the restart; nil: nothing.
    private static func word(_ result: Result<Reply, StatusError>) -> HealingBrake.ServerWord? {
        switch result {
        case .success(let reply):
            guard RestartAnswer(reply.object) == .replaced else { return .permitted }
            return .refused(reason: "its budget allows no restart: a replacement is made first, and it goes when that is available")
        case .failure(let error) where error.code == 429:
            guard let why = error.details?.causes.first?.message else { return nil }
            return .refused(reason: why)
        // Another agent took over the node: whatever is to be done here is done by that one.
        case .failure(let error) where error.isStaleEpoch: return .refused(reason: error.message)
        case .failure: return nil
        }
    }
}

/// For how long the answer to one try of a probe is waited for.
struct LivenessWaiting {
    var timeout: Duration
    /// At least the timeout.
    var patience: Duration
    /// What that was decided by; nil where it was not looked at.
    var pressure: Double?

    init(timeout: Duration) {
        self.timeout = timeout
        patience = timeout
    }
}
