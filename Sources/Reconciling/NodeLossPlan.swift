import Formats
import Resources

/// What plans read of a ProxyStatus.
package struct ObservedProxy: Sendable {
    package var meta: ObservedMeta
    package var routeRevision: Revision
    /// The nodes where nobody accepts, each with the absence of its agent during which that was found.
    package var refusals: [String: String]

    package init(_ value: Value) {
        meta = ObservedMeta(value)
        let status = ProxyStatus(value)
        routeRevision = status.routeRevision
        refusals = status.refusals
    }
}

/// Finds long before its lease runs out that a node is lost, from two witnesses that know nothing of each other: `up` misses its agent, and no proxy
/// reaches anything that it routes to there.
///
/// Neither is enough. An agent that is away leaves its processes serving, and endpoints that refuse are their agent's to start again; an agent that is
/// merely stopped is not away. Where one of the two says nothing, the lease decides.
///
/// Only a node on which nothing has begun is lost by the absence alone: what its agent may have started without a word to anybody is in no slice, and is
/// killed by its records BEFORE the pods are replaced, as on every lost node. What has begun is what the store knows: a status that could not be written,
/// of a full disk or right after a start of the server, leaves a pod unbegun that runs. Such a pod begins once more elsewhere, and what it had done is lost,
/// if its agent stays away in that time. Therefore a pod that nobody makes again keeps its node until the lease decides.
package struct NodeLossPlan {
    /// What the plan looks at.
    package struct View {
        package var name: String
        /// The absence of the node's agent, by the name that `up` gave it; nil: the agent is there, or nobody knows.
        package var absence: String?
        /// There is an agent that may come back, or one was heard of by its lease.
        package var hasAgent: Bool
        /// The newest write of a slice that offers a ready endpoint on the node; nil: none does.
        package var offered: Revision?
        /// Pods are bound to the node, and its agent has not said a word of any of them.
        package var isUnbegun: Bool
        /// Each of the pods has a controller, which makes another one.
        package var isReplaceable: Bool
        package var proxies: [ObservedProxy]
        /// How many proxies the instance runs. With fewer reports than that one is silent: a server that was restarted has forgotten all of them.
        package var proxyCount: Int
        /// Those that have to be heard of, as far as that is known.
        package var live: Set<String>

        /// - Parameter pods: those that are bound to the node.
        package init(
            name: String, absence: String?, hasAgent: Bool = true, offered: Revision?, pods: [ObservedPod] = [], proxies: [ObservedProxy],
            proxyCount: Int,
            live: Set<String> = []
        ) {
            isUnbegun = !pods.isEmpty && !pods.contains(where: \.hasBegun)
            isReplaceable = pods.allSatisfy { $0.meta.controller != nil }
            self.name = name
            self.absence = absence
            self.hasAgent = hasAgent
            self.offered = offered
            self.proxies = proxies
            self.proxyCount = proxyCount
            self.live = live
        }
    }

    /// What is to be thought of the node.
    package enum Verdict: Hashable, Sendable {
        case unsuspected
        /// Its agent is away; why that is not enough.
        case suspected(because: String)
        case lost(NodeHealthPlan.Cause)
    }

    /// Lost once every proxy has found, since the agent went and with all in its table that is offered on the node, that nobody accepts there; at once
    /// where nothing has begun that would not be made again, or no agent is to come.
    package static func verdict(_ view: View) -> Verdict {
        guard let absence = view.absence else { return .unsuspected }
        if !view.hasAgent { return .lost(.noAgent) }
        guard let offered = view.offered else {
            if view.isUnbegun, view.isReplaceable { return .lost(.nothingBegun) }
            if view.isUnbegun { return .suspected(because: "one of its pods has nobody who would make it again") }
            return .suspected(because: "no Service offers anything there that could tell whether it lives")
        }
        guard view.proxies.count >= view.proxyCount else { return .suspected(because: "a proxy is silent") }
        let silent = view.live.subtracting(view.proxies.map(\.meta.name)).sorted()
        guard silent.isEmpty else { return .suspected(because: "\(silent.joined(separator: ", ")) is silent") }
        let others = view.proxies.filter { $0.refusals[view.name] != absence || $0.routeRevision < offered }.map(\.meta.name).sorted()
        return others.isEmpty
            ? .lost(.nobodyThere) : .suspected(because: "\(others.joined(separator: ", ")) has not found its endpoints refused")
    }
}
