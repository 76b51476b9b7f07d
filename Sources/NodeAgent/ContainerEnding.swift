import Linux
import Timing

/// How everything that a container has started is ended.
extension ContainerProcess {
    /// TERM to the first process and what it keeps in its process group.
    func terminate(signal: Int32 = 15) {
        guard let identity, pidfd >= 0 else { return }
        // The group is named by a pid that cannot have been reused: its process is held by the descriptor, reaped only by us, or it is adopted.
        if isAdopted || !Survivors.signal(group: identity.pid, signal) { try? Processes.signal(pidfd, signal) }
    }

    /// KILL to everything of the container.
    func killAll() {
        if isGroupMember, let group {
            group.kill()
        } else {
            if let identity, pidfd >= 0, !isAdopted { Survivors.signal(group: identity.pid, 9) }
            for pid in survivors() { Survivors.signal(pid, 9) }
        }
        if pidfd >= 0 { try? Processes.signal(pidfd, 9) }
    }

    /// Others than the first process. Without a control group: orphans among our children that bear the marker, or have a descriptor or a directory of
    /// the pod's; and when an earlier agent started it, whoever bears it.
    private func survivors() -> [Int32] {
        let candidates = isAdopted ? Survivors.everybody() : Survivors.children()
        let isOurs = { [marker, podUID] pid in
            Survivors.isMarked(pid, marker)
                || !self.isAdopted && Survivors.environmentIsCleared(pid) && Survivors.uses(pid, anythingNamed: podUID)
        }
        return candidates.filter { $0 != identity?.pid && !context.leaders.contains($0) && isOurs($0) }
    }

    private var hasSurvivors: Bool { isGroupMember ? group?.isPopulated ?? false : !survivors().isEmpty }

    /// Calls `done` when no process of the container is left; after `patience` the others are killed.
    func clear(within patience: Duration, _ done: @escaping () -> Void) {
        dropListener()
        closeListenersBeside()
        told = []
        poll(killAt: context.loop.now + patience, pause: .milliseconds(1), done)
    }

    /// TERM went to the first process and its group only: the others are told once each, also those that appear as others die.
    private func tellSurvivors() {
        for pid in isGroupMember ? group?.members ?? [] : survivors() where told.insert(pid).inserted { Survivors.signal(pid, 15) }
    }

    private func poll(killAt: Instant, pause: Duration, _ done: @escaping () -> Void) {
        clearTimer?.cancel()
        if !isGroupMember, let identity, pidfd < 0, !isAdopted, Clock.monotonic() >= killAt {
            // Members of its process group that are no children of ours yet. The group's name stays taken as long as one is left.
            Survivors.signal(group: identity.pid, 9)
        }
        guard hasSurvivors else {
            // Killed orphans are zombies of ours until they are reaped.
            context.reapOrphans()
            context.loop.schedule(after: .milliseconds(10)) { [weak context] in context?.reapOrphans() }
            if isLimited { context.limits.remove(groupName) }
            identity = nil
            return done()
        }
        if Clock.monotonic() >= killAt { killAll() } else { tellSurvivors() }
        clearTimer = context.loop.schedule(after: pause) { [weak self] in
            self?.poll(killAt: killAt, pause: min(pause * 2, .milliseconds(20)), done)
        }
    }
}
