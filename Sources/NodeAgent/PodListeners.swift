import Linux
import Resources
import Supervision

/// Whose programs may listen at a pod's address.
extension PodDriver {
    /// As whom each container's program runs, and who may listen for it.
    var users: [String: PodStatusReport.User] {
        var users: [String: PodStatusReport.User] = [:]
        for container in pod.spec.initContainers + pod.spec.containers {
            let user = context.user(for: pod.spec, container) ?? Ownership.own
            users[container.name] = PodStatusReport.User(
                user: user.user, group: user.group, groups: user.groups, listeners: listeners(of: user))
        }
        return users
    }

    /// Of all containers together: they share the address.
    var listeners: ListenerUsers? {
        let all = users.values.map(\.listeners)
        return all.contains(nil) ? nil : ListenerUsers(all.flatMap { $0?.all ?? [] })
    }

    /// A program that begins as root may go on as anybody (a web server that drops its rights): then those count whom its binds have shown. Where its
    /// binds are not seen, it cannot be told.
    private func listeners(of user: Launch.User) -> ListenerUsers? {
        if user.user != 0 { return ListenerUsers([user.user]) }
        return pod.spec.isHostNetwork || !context.canHandOff ? nil : ListenerUsers(seenListeners.union([0]))
    }

    /// Has the pod's binds watched where a program begins as root. BEFORE anything of it is launched.
    func watchListeners(_ handOff: SharedHandOff) {
        let all = pod.spec.initContainers + pod.spec.containers
        guard all.contains(where: { (context.user(for: pod.spec, $0) ?? Ownership.own).user == 0 }) else { return }
        handOff.onBind = { [weak self] owner in
            if self?.seenListeners.insert(owner).inserted == true { self?.scheduleReport() }
        }
    }
}
