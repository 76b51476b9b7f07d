import Timing

/// One pod on its node, from the binding to the last process: which container is when started, stopped and restarted.
///
/// The driver performs what `handle` returns, in order, and feeds back what came of it; it calls `handle(.tick)` at `nextDeadline`.
package struct PodMachine: Sendable {
    package let policy: PodPolicy
    package private(set) var containers: [ContainerMachine]
    package private(set) var phase: Phase
    /// It ran longer than `activeDeadlineSeconds` allows: what runs is ended, nothing is started any more.
    package private(set) var isExpired = false
    /// What keeps a pod that is being prepared from running.
    package private(set) var preparationFailure: PodNote?

    /// Where a pod is on its way.
    package enum Phase: Hashable, Sendable {
        /// Directories, address and volumes are made ready; tried again at this time.
        case preparing(retryAt: Instant)
        case active
        case stopping(Deletion)
        /// Nothing of it is left.
        case gone
    }

    /// A deletion under way.
    package struct Deletion: Hashable, Sendable {
        /// How far every proxy has led the traffic away.
        package var stage: DrainMachine.Stage
        package var times: StopTimes
    }

    /// What a failed preparation waits for is mostly another object: it is tried again when one comes, and this often besides.
    static let preparationRetry = Duration.seconds(2)

    package init(_ policy: PodPolicy) {
        self.policy = policy
        containers = policy.containers.map(ContainerMachine.init)
        phase = .preparing(retryAt: .never)
        // Without init containers nothing is being initialised.
        if !policy.containers.contains(where: { $0.role != .regular }) {
            for index in containers.indices { containers[index].show(reason: "ContainerCreating", message: "") }
        }
    }

    /// What is to be done first. BEFORE any event but `found`.
    package func begin() -> [PodAction] { [.prepare] }

    package subscript(name: String) -> ContainerMachine? { containers.first { $0.policy.name == name } }

    package var nextDeadline: Instant {
        switch phase {
        case .preparing(let retryAt): min(retryAt, containers.lazy.map(\.nextDeadline).min() ?? .never)
        case .active, .stopping: containers.lazy.map(\.nextDeadline).min() ?? .never
        case .gone: .never
        }
    }

    package var isDeleting: Bool {
        switch phase {
        case .preparing, .active: false
        case .stopping, .gone: true
        }
    }

    /// All init containers have succeeded, all sidecars have started.
    package var isInitialized: Bool { containers.allSatisfy { $0.policy.role == .regular || $0.isInitialized } }

    /// Something of it runs, or what it left has not been cleared away.
    package var hasProcess: Bool { containers.contains(where: \.hasProcess) }

    /// Every container that stays is ready: what the condition ContainersReady says.
    package var isReady: Bool { isInitialized && containers.allSatisfy { $0.policy.role == .initial || $0.isReady } }

    /// The kubelet's words.
    package static let deadlineMessage = "Pod was active on the node longer than the specified deadline"

    /// It has ended by itself: `Succeeded` or `Failed`.
    package var isOver: Bool {
        if containers.contains(where: { $0.policy.role == .initial && $0.isTerminated && !$0.isInitialized }) { return true }
        return containers.allSatisfy { $0.policy.role == .sidecar || $0.isTerminated }
    }

    // MARK: - Events

    /// What to do about an event. `now` decides; `at` is only shown.
    package mutating func handle(_ event: PodEvent, now: Instant, at: Timestamp) -> [PodAction] {
        switch (event, phase) {
        case (_, .gone): return []

        case (.prepared, .preparing):
            phase = .active
            preparationFailure = nil
            return advance(now: now, at: at)
        case (.preparationFailed(let reason, let message), .preparing):
            let note = PodNote(reason, message, isWarning: true)
            let isNews = preparationFailure != note
            preparationFailure = note
            for index in containers.indices where !containers[index].isTerminated {
                containers[index].show(reason: "ContainerCreating", message: message)
            }
            phase = .preparing(retryAt: now + Self.preparationRetry)
            return isNews ? [.record(note)] : []
        case (.prepared, .active), (.prepared, .stopping), (.preparationFailed, .active), (.preparationFailed, .stopping): return []

        case (.found(let name, let remains), .preparing):
            return change(name) { $0.adopt(remains, now: now, at: at) }
        case (.found, .active), (.found, .stopping): preconditionFailure("what is left is found BEFORE the pod is prepared")

        case (.container(let name, .cleared), .stopping):
            return change(name) {
                $0.settle()
                return []
            } + giveTurn(now: now) + settleIfGone()
        case (.container(let name, let event), _):
            let grace = policy.gracePeriod
            let actions = change(name) { $0.handle(event, grace: grace, now: now, at: at) }
            return actions + advance(now: now, at: at)

        case (.delete(let grace), .preparing), (.delete(let grace), .active):
            let deletion = Deletion(stage: .routed, times: StopTimes(grace: grace, from: now))
            phase = .stopping(deletion)
            return (hasProcess && grace > .zero ? [.awaitDrain] : []) + stop(deletion, now: now)
        case (.delete(let grace), .stopping(var deletion)):
            deletion.times.shorten(to: StopTimes(grace: grace, from: now))
            phase = .stopping(deletion)
            return stop(deletion, now: now)
        case (.withdrawn, .stopping(var deletion)):
            deletion.stage = max(deletion.stage, .withdrawn)
            phase = .stopping(deletion)
            return containers.indices.flatMap { containers[$0].handle(.withdrawn, grace: policy.gracePeriod, now: now, at: at) }
        case (.drained, .stopping(var deletion)):
            deletion.stage = .idle
            phase = .stopping(deletion)
            return containers.indices.flatMap { containers[$0].handle(.drained, grace: policy.gracePeriod, now: now, at: at) }
                + settleIfGone()
        case (.deadlineExceeded, .preparing), (.deadlineExceeded, .active):
            guard !isExpired, !isOver else { return [] }
            isExpired = true
            let note = PodNote("DeadlineExceeded", Self.deadlineMessage)
            return [.record(note)]
                + containers.indices.flatMap {
                    containers[$0].stopForDeletion(.idle, .atOnce(grace: policy.gracePeriod, now: now), now: now)
                }
        // It goes anyway.
        case (.deadlineExceeded, .stopping): return []
        // Too late or from an earlier life: nothing waits for it.
        case (.withdrawn, .preparing), (.withdrawn, .active), (.drained, .preparing), (.drained, .active): return []

        case (.tick, .preparing(let retryAt)):
            let actions = tickContainers(now: now)
            guard now >= retryAt else { return actions }
            phase = .preparing(retryAt: .never)
            return actions + [.prepare]
        case (.tick, .active): return tickContainers(now: now) + advance(now: now, at: at)
        case (.tick, .stopping): return tickContainers(now: now) + settleIfGone()
        }
    }

    private mutating func change(_ name: String, _ body: (inout ContainerMachine) -> [PodAction]) -> [PodAction] {
        guard let index = containers.firstIndex(where: { $0.policy.name == name }) else { return [] }
        return body(&containers[index])
    }

    private mutating func tickContainers(now: Instant) -> [PodAction] {
        containers.indices.flatMap { containers[$0].tick(grace: policy.gracePeriod, now: now) }
    }

    private mutating func stop(_ deletion: Deletion, now: Instant) -> [PodAction] {
        // A sidecar has what others have at least, though those whom it serves use up the grace period.
        let actions = containers.indices.flatMap {
            containers[$0].stopForDeletion(
                deletion.stage, deletion.times, turnBy: containers[$0].policy.role == .sidecar ? deletion.times.terminateAt : nil, now: now)
        }
        return actions + giveTurn(now: now) + settleIfGone()
    }

    /// Sidecars end after those whom they serve, the last one first: each when nothing that started after it runs any more.
    private mutating func giveTurn(now: Instant) -> [PodAction] {
        guard !containers.contains(where: { $0.policy.role != .sidecar && $0.hasProcess }),
            let index = containers.lastIndex(where: { $0.policy.role == .sidecar && $0.hasProcess })
        else { return [] }
        return containers[index].takeTurn(now: now)
    }

    /// Reports the end AFTER every process of the pod is gone.
    private mutating func settleIfGone() -> [PodAction] {
        guard !hasProcess else { return [] }
        for index in containers.indices { containers[index].settle() }
        phase = .gone
        return [.finished]
    }

    /// Starts whose turn it is: init containers one after the other, then the others all together.
    private mutating func advance(now: Instant, at: Timestamp) -> [PodAction] {
        guard case .active = phase, !isExpired else { return [] }
        if isOver { return endSidecars(now: now) }
        for index in containers.indices where containers[index].policy.role != .regular && !containers[index].isInitialized {
            guard containers[index].isUntouched else { return [] }
            return containers[index].handle(.start, grace: policy.gracePeriod, now: now, at: at)
        }
        var actions: [PodAction] = []
        for index in containers.indices where containers[index].policy.role == .regular && containers[index].isUntouched {
            actions += containers[index].handle(.start, grace: policy.gracePeriod, now: now, at: at)
        }
        return actions
    }

    /// Nobody is left whom they would serve: the last one goes first.
    private mutating func endSidecars(now: Instant) -> [PodAction] {
        guard let index = containers.lastIndex(where: { $0.policy.role == .sidecar && !$0.isTerminated }) else { return [] }
        return containers[index].stopForDeletion(.idle, .atOnce(grace: policy.gracePeriod, now: now), now: now)
    }
}
