import Formats

/// The users whose programs may listen at a pod's address: what tells a pod's listener from one that a stranger has put where the pod's was.
///
/// An agent writes it into its pods' status, the endpoint plan copies it into the slices, agents and proxies hold listeners against it. Where it is
/// not there nothing is required: it cannot be told, or an older agent wrote the status.
package struct ListenerUsers: Hashable, Sendable {
    /// Sorted, none twice, never empty.
    package let all: [UInt32]

    /// Nil for none.
    package init?(_ users: some Sequence<UInt32>) {
        all = Set(users).sorted()
        if all.isEmpty { return nil }
    }

    /// What the kernel says about an address.
    package enum Finding: Hashable, Sendable {
        case user(UInt32)
        /// Nobody listens.
        case nobody
        /// The kernel does not say.
        case untold
    }

    /// Whether a connection may go to a listener.
    package enum Verdict: Hashable, Sendable {
        case ours
        case stranger(UInt32)
        case nobody
    }

    /// Root is no stranger: it could read and write the pod's memory just as well. Where the kernel does not say, nothing is required.
    package func judge(_ finding: Finding) -> Verdict {
        switch finding {
        case .user(let user): user == 0 || all.contains(user) ? .ours : .stranger(user)
        case .nobody: .nobody
        case .untold: .ours
        }
    }

    /// `1000` or `0, 33`.
    package var text: String { all.map(String.init).joined(separator: ", ") }

    // MARK: - In a pod's status

    /// Beside Kubernetes' own `user.linux` in a container's status.
    package static let statusField = "listeners"

    package var statusValue: Value { .array(all.map { .int(Int64($0)) }) }

    /// Of all containers of a pod together: they share its address. Nil when one of them does not say.
    package init?(podStatus status: Value) {
        var users: Set<UInt32> = []
        for containers in [status["initContainerStatuses"], status["containerStatuses"]] {
            for container in containers.elements {
                let named = container["user"][Self.statusField].elements.compactMap { $0.int.flatMap(UInt32.init(exactly:)) }
                if named.isEmpty { return nil }
                users.formUnion(named)
            }
        }
        self.init(users)
    }

    // MARK: - In a slice

    /// The member of an endpoint's `deprecatedTopology`, the one map of it that is free for anything.
    package static let topologyKey = "steady.dev/listener-users"

    package init?(endpoint: Value) {
        guard let text = endpoint["deprecatedTopology"][Self.topologyKey].string else { return nil }
        self.init(text.split(separator: ",").compactMap { UInt32($0) })
    }

    package var topologyValue: Value { [Self.topologyKey: .string(all.map(String.init).joined(separator: ","))] }
}
