import Timing

/// One container of a pod through all its runs: launch, hooks, probes, stop ladder, restart.
package struct ContainerMachine: Sendable {
    package let policy: ContainerPolicy
    package private(set) var state: State
    package private(set) var restartCount = 0
    package private(set) var lastTermination: Termination?
    private var backoff = RestartBackoff()
    private var launchBackoff = RestartBackoff()
    private var runCount = 0
    /// Whether its turn has come.
    private var isTried = false
    /// The last failure to launch that people were told of.
    private var lastFailure: String?

    package init(_ policy: ContainerPolicy) {
        self.policy = policy
        state = .waiting(reason: "PodInitializing", message: "", retryAt: .never)
    }

    // MARK: - Questions

    /// A pod on its way out stays Ready until it ends: the withdrawal leads the traffic away, not this.
    package var isReady: Bool {
        if case .running(let run) = state { run.readySince != nil && run.stop?.isForDeletion != false } else { false }
    }

    /// An init container that has succeeded; a sidecar that has started.
    package var isInitialized: Bool {
        switch (policy.role, state) {
        case (.initial, .terminated(let how)): how.exitCode == 0
        case (.sidecar, .running(let run)): run.isStarted
        case (.sidecar, .clearing(let run, _)): run.isStarted || restartCount > 0
        case (.sidecar, .backingOff): restartCount > 0
        // Nobody needs it any more.
        case (.sidecar, .terminated): true
        default: false
        }
    }

    package var isTerminated: Bool { if case .terminated = state { true } else { false } }
    /// Whether a process of it may exist.
    package var hasProcess: Bool {
        switch state {
        case .launching, .running, .clearing: true
        case .waiting, .backingOff, .terminated: false
        }
    }
    var isUntouched: Bool { if case .waiting = state { !isTried } else { false } }

    /// Whether a failure of the liveness probe that is under way restarts the container.
    package func isRestartedByFailure(now: Instant) -> Bool {
        guard case .running(let run) = state, run.stop == nil else { return false }
        return run.probes.contains { $0.kind == .liveness && $0.isLastTry(now: now) }
    }

    package var nextDeadline: Instant {
        switch state {
        case .waiting(_, _, let retryAt): return retryAt
        case .backingOff(let until, _, _): return until
        case .running(let run):
            if let stop = run.stop {
                if stop.isKilled { return .never }
                if stop.isTerminated { return stop.times.killAt }
                if let turnBy = stop.turnBy { return min(turnBy, stop.times.killAt) }
                return min(stop.times.terminateAt, stop.isDrainPending ? stop.drainBy : .never, stop.times.killAt)
            }
            return run.probes.map(\.nextTry).min() ?? .never
        case .clearing(let run, _): return run.stop.map { $0.isKilled ? .never : $0.times.killAt } ?? .never
        case .launching, .terminated: return .never
        }
    }

    /// The launcher's reason for a program that is missing or may not be executed.
    private static let notExecuted = "RunContainerError"
    /// Long enough for `steady up` to take what waits for it, short beside a program's start.
    private static let postponement: Duration = .milliseconds(5)

    // MARK: - Events

    /// `grace` is the pod's; `at` the wall clock, for what is shown.
    mutating func handle(_ event: ContainerEvent, grace: Duration, now: Instant, at: Timestamp) -> [PodAction] {
        switch (event, state) {
        case (.start, .waiting): return launch()
        case (.retry, .waiting(_, _, let retryAt)) where retryAt != .never: return launch()

        case (.launched(let id), .launching): return didLaunch(id, now: now, at: at)
        case (.launchFailed(let reason, let message), .launching):
            // What is missing may come: at first tried again at once, then ever more rarely.
            let delay = max(launchBackoff.delay(afterRunReadyFor: nil, now: now), RestartBackoff.firstDelay)
            let isNews = lastFailure != message
            lastFailure = message
            // As Kubernetes has it: what could not be executed has failed, unless it is to be tried again.
            if reason == Self.notExecuted, policy.restartPolicy == .never {
                state = .terminated(Termination(exitCode: 128, reason: "StartError", message: message, finishedAt: at))
                return [.record(PodNote("Failed", message, container: policy.name, isWarning: true))]
            }
            state = .waiting(reason: reason, message: message, retryAt: now + delay)
            return isNews ? [.record(PodNote("Failed", message, container: policy.name, isWarning: true))] : []

        case (.launchPostponed, .launching):
            state = .waiting(reason: "ContainerCreating", message: "", retryAt: now + Self.postponement)
            return []

        case (.ended(let how), .running(let run)), (.ended(let how), .clearing(let run, _)):
            if case .clearing = state { return [] }
            var run = run
            run.noteReadiness(false, now: now)
            state = .clearing(run, how)
            // In a planned stop the others have what is left of the grace period.
            let patience = run.stop.map { $0.isKilled ? .zero : max(.zero, $0.times.killAt - now) } ?? .zero
            return [.clear(policy.name, within: patience)]
        case (.cleared, .clearing(let run, let how)): return didEnd(run, how, now: now)

        case (.probed(let kind, let succeeded, let message), .running(let run)):
            return didProbe(kind, succeeded: succeeded, message: message, run: run, grace: grace, now: now)
        case (.probeSkipped(let kind), .running(var run)):
            if let index = run.probes.firstIndex(where: { $0.kind == kind }) { run.probes[index].skip(now: now) }
            state = .running(run)
            return []

        case (.hookFinished(.postStart, let failure), .running(var run)):
            guard run.isPostStartPending else { return [] }
            run.isPostStartPending = false
            if let failure {
                state = .running(run)
                return [.record(PodNote("FailedPostStartHook", failure, container: policy.name, isWarning: true))]
                    + stop(run: run, awaitingDrain: false, grace: grace, now: now)
            }
            beginProbes(&run, now: now, from: .starting)
            state = .running(run)
            return dueProbes(now: now)
        case (.hookFinished(.preStop, let failure), .running(var run)):
            guard run.stop?.isPreStopPending == true else { return [] }
            run.stop?.isPreStopPending = false
            state = .running(run)
            let note = failure.map { [PodAction.record(PodNote("FailedPreStopHook", $0, container: policy.name, isWarning: true))] } ?? []
            return note + climb(now: now)
        case (.withdrawn, .running(var run)):
            run.stop?.lastRequestsCame(now: now)
            state = .running(run)
            return climb(now: now)
        case (.drained, .running(var run)):
            run.stop?.isDrainPending = false
            state = .running(run)
            return climb(now: now)

        // Late: it ended meanwhile.
        case (.probed, _), (.probeSkipped, _), (.hookFinished, _), (.withdrawn, _), (.drained, _), (.retry, _), (.cleared, _), (.ended, _):
            return []
        // Started twice: only the first counts.
        case (.start, _): return []
        case (.launched, _), (.launchFailed, _), (.launchPostponed, _): preconditionFailure("\(policy.name): \(event) without a launch")
        }
    }

    mutating func tick(grace: Duration, now: Instant) -> [PodAction] {
        switch state {
        case .waiting(_, _, let retryAt): return now >= retryAt ? launch() : []
        case .backingOff(let until, _, _):
            guard now >= until else { return [] }
            restartCount += 1
            return launch()
        case .running(let run): return run.stop != nil ? climb(now: now) : dueProbes(now: now)
        case .clearing(var run, let how):
            guard let stop = run.stop, !stop.isKilled, now >= stop.times.killAt else { return [] }
            run.stop?.isKilled = true
            state = .clearing(run, how)
            return [.kill(policy.name)]
        case .launching, .terminated: return []
        }
    }

    private mutating func launch() -> [PodAction] {
        isTried = true
        state = .launching
        return [.launch(policy.name)]
    }

    private mutating func didLaunch(_ id: String, now: Instant, at: Timestamp) -> [PodAction] {
        launchBackoff = RestartBackoff()
        lastFailure = nil
        runCount += 1
        var run = Run(containerID: id, startedAt: at, since: now)
        run.isPostStartPending = policy.hasPostStart
        var actions: [PodAction] = [.record(PodNote("Started", "Started container \(policy.name)", container: policy.name))]
        if policy.hasPostStart {
            actions.append(.runHook(policy.name, .postStart))
        } else {
            beginProbes(&run, now: now, from: .starting)
        }
        state = .running(run)
        return actions + dueProbes(now: now)
    }

    private mutating func beginProbes(_ run: inout Run, now: Instant, from progress: Remains.Progress) {
        if let startup = policy.startup, progress == .starting {
            run.probes = [ProbeMachine(.startup, startup, since: run.since, now: now, seed: seed)]
        } else {
            didStart(&run, now: now, isReady: progress == .ready)
        }
    }

    /// Startup is over: the other probes begin.
    private mutating func didStart(_ run: inout Run, now: Instant, isReady: Bool) {
        run.isStarted = true
        run.probes = []
        if let liveness = policy.liveness { run.probes.append(ProbeMachine(.liveness, liveness, since: run.since, now: now, seed: seed)) }
        if let readiness = policy.readiness {
            run.probes.append(ProbeMachine(.readiness, readiness, since: run.since, now: now, seed: seed, verdict: isReady ? .passed : nil))
        }
        if policy.readiness == nil || isReady { run.noteReadiness(true, now: now) }
    }

    /// Differs from container to container and from run to run, so that probes do not march in step.
    private var seed: UInt64 {
        policy.name.utf8.reduce(UInt64(runCount) &+ 14_695_981_039_346_656_037) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    }

    private mutating func dueProbes(now: Instant) -> [PodAction] {
        guard case .running(var run) = state, run.stop == nil else { return [] }
        var actions: [PodAction] = []
        for index in run.probes.indices where run.probes[index].begin(now: now) {
            actions.append(.probe(policy.name, run.probes[index].kind))
        }
        state = .running(run)
        return actions
    }

    private mutating func didProbe(_ kind: ProbeKind, succeeded: Bool, message: String, run: Run, grace: Duration, now: Instant)
        -> [PodAction]
    {
        var run = run
        guard run.stop == nil, let index = run.probes.firstIndex(where: { $0.kind == kind }) else { return [] }
        let outcome = run.probes[index].finish(succeeded: succeeded, message: message, now: now)
        var actions: [PodAction] = []
        if !succeeded, outcome.isCounted {
            actions.append(.record(PodNote("Unhealthy", "\(kind.title) probe failed: \(message)", container: policy.name, isWarning: true)))
        }
        switch (kind, outcome.verdict) {
        case (.startup, .passed): didStart(&run, now: now, isReady: false)
        case (.readiness, .passed): run.noteReadiness(true, now: now)
        case (.readiness, .failed): run.noteReadiness(false, now: now)
        case (.startup, .failed), (.liveness, .failed):
            let note = "Container \(policy.name) failed \(kind.rawValue) probe, will be restarted"
            actions.append(.record(PodNote("Killing", note, container: policy.name)))
            let patience = policy.policy(of: kind)?.gracePeriod ?? grace
            return actions + stop(run: run, awaitingDrain: run.readySince != nil, grace: patience, now: now)
        case (.liveness, .passed), (_, nil): break
        }
        state = .running(run)
        return actions + dueProbes(now: now)
    }

    /// A stop that this container alone needs: traffic gets a moment to go elsewhere.
    private mutating func stop(run: Run, awaitingDrain: Bool, grace: Duration, now: Instant) -> [PodAction] {
        var run = run
        let times = StopTimes(grace: grace, from: now)
        run.stop = Stop(
            isForDeletion: false, isDrainPending: awaitingDrain, drainBy: min(times.requestsBy, now + Stop.restartWithdrawalLimit),
            isPreStopPending: policy.hasPreStop, times: times)
        state = .running(run)
        var actions: [PodAction] = []
        if awaitingDrain { actions.append(.awaitWithdrawal(policy.name)) }
        if policy.hasPreStop { actions.append(.runHook(policy.name, .preStop)) }
        return actions + climb(now: now)
    }

    /// The pod goes, with these times. `turnBy`: TERM waits for `takeTurn`, at most until then.
    mutating func stopForDeletion(_ stage: DrainMachine.Stage, _ times: StopTimes, turnBy: Instant? = nil, now: Instant) -> [PodAction] {
        switch state {
        case .waiting:
            let never = Termination(exitCode: 137, reason: "ContainerStatusUnknown", message: "The container was never started")
            state = .terminated(lastTermination ?? never)
        case .backingOff(_, _, let how): state = .terminated(how)
        case .launching: preconditionFailure("a launch is answered before anything else")
        case .terminated: break
        case .clearing(var run, let how):
            var times = times
            if let earlier = run.stop?.times { times.shorten(to: earlier) }
            run.stop = Stop(
                isForDeletion: true, isDrainPending: false, drainBy: now, isPreStopPending: false, times: times, isTerminated: true)
            state = .clearing(run, how)
        case .running(var run):
            if var stop = run.stop {
                // A stop is under way, or a shorter grace period came: only ever sooner.
                stop.times.shorten(to: times)
                if let now = stop.turnBy, let sooner = turnBy { stop.turnBy = min(now, sooner) }
                stop.drainBy = min(stop.drainBy, stage == .routed ? times.terminateAt : times.requestsBy)
                stop.isForDeletion = true
                run.stop = stop
                state = .running(run)
                return climb(now: now)
            }
            let isHooked = policy.hasPreStop && times.killAt > now
            run.stop = Stop(
                isForDeletion: true, isDrainPending: stage < .idle, drainBy: stage == .routed ? times.terminateAt : times.requestsBy,
                isPreStopPending: isHooked, times: times, turnBy: turnBy)
            state = .running(run)
            return [.record(PodNote("Killing", "Stopping container \(policy.name)", container: policy.name))]
                + (isHooked ? [.runHook(policy.name, .preStop)] : []) + climb(now: now)
        }
        return []
    }

    /// Nobody is left whom it serves: it may be told to end.
    mutating func takeTurn(now: Instant) -> [PodAction] {
        guard case .running(var run) = state, run.stop?.turnBy != nil else { return [] }
        run.stop?.turnBy = nil
        state = .running(run)
        return climb(now: now)
    }

    /// The next rungs of the stop ladder, as far as they are due.
    private mutating func climb(now: Instant) -> [PodAction] {
        guard case .running(var run) = state, var stop = run.stop else { return [] }
        var actions: [PodAction] = []
        if now >= stop.times.killAt {
            if !stop.isKilled { actions.append(.kill(policy.name)) }
            stop.isTerminated = true
            stop.isKilled = true
        } else if !stop.isTerminated {
            if now >= stop.drainBy { stop.isDrainPending = false }
            if let turnBy = stop.turnBy, now >= turnBy { stop.turnBy = nil }
            if stop.turnBy == nil, now >= stop.times.terminateAt || !(stop.isDrainPending || stop.isPreStopPending) {
                stop.isTerminated = true
                actions.append(.terminate(policy.name))
            }
        }
        run.stop = stop
        state = .running(run)
        return actions
    }

    private mutating func didEnd(_ run: Run, _ how: Termination, now: Instant) -> [PodAction] {
        let isFailure = how.exitCode != 0
        let isOver = policy.restartPolicy == .never || (policy.restartPolicy == .onFailure && !isFailure)
        if isOver || run.stop?.isForDeletion == true {
            state = .terminated(how)
            return []
        }
        lastTermination = how
        var readyFor = run.lastReadyFor
        if policy.readiness == nil, policy.startup == nil, now - run.since < RestartBackoff.healthyWithoutProbes { readyFor = nil }
        let delay = backoff.delay(afterRunReadyFor: readyFor, now: now)
        if delay == .zero {
            restartCount += 1
            return launch()
        }
        state = .backingOff(until: now + delay, delay: delay, how)
        guard delay >= RestartBackoff.shownFrom else { return [] }
        return [.record(PodNote("BackOff", "Back-off restarting failed container \(policy.name)", container: policy.name, isWarning: true))]
    }

    /// Its pod is going: nothing of it is started again.
    mutating func settle() {
        switch state {
        case .clearing(_, let how), .backingOff(_, _, let how): state = .terminated(how)
        case .waiting, .launching, .running, .terminated: break
        }
    }

    /// Shows something else while it waits for its turn.
    mutating func show(reason: String, message: String) {
        if case .waiting = state { state = .waiting(reason: reason, message: message, retryAt: .never) }
    }

    /// Takes over what an earlier agent had started.
    mutating func adopt(_ remains: Remains, now: Instant, at: Timestamp) -> [PodAction] {
        restartCount = remains.restartCount
        lastTermination = remains.lastTermination
        switch remains.process {
        case .none: return []
        case .running(let since, let id, let progress):
            let age = max(.zero, at - since)
            var run = Run(containerID: id, startedAt: since, since: now - age)
            runCount += 1
            beginProbes(&run, now: now, from: progress)
            state = .running(run)
            return dueProbes(now: now)
        case .ended(let how):
            // What was healthy before counts as such: one immediate restart.
            var run = Run(containerID: how.containerID, startedAt: how.startedAt ?? at, since: now - RestartBackoff.healthyWithoutProbes)
            run.lastReadyFor = .zero
            state = .clearing(run, how)
            return [.clear(policy.name, within: .zero)]
        }
    }
}
