import Formats

/// How a pod's programs look for names: `dnsPolicy` and `dnsConfig` of its spec.
package struct PodDNS: Hashable, Sendable {
    /// Who is asked.
    package enum Policy: String, Sendable {
        /// The cluster, which asks the machine's resolvers for what is not its own. A pod on the host's network has `Default` instead.
        case clusterFirst = "ClusterFirst"
        case clusterFirstWithHostNetwork = "ClusterFirstWithHostNet"
        /// The machine's resolvers.
        case machine = "Default"
        /// Whom `dnsConfig` names.
        case none = "None"
    }

    package var policy: Policy
    package var nameServers: [String]
    package var searches: [String]
    /// In order; an option without a value has nil.
    package var options: [Option]

    /// An option of the resolver, as in resolv.conf(5).
    package struct Option: Hashable, Sendable {
        package var name: String
        package var value: String?
        package init(_ name: String, _ value: String? = nil) {
            self.name = name
            self.value = value
        }
        /// `ndots:5`.
        package init(text: String) {
            let parts = text.split(separator: ":", maxSplits: 1).map(String.init)
            self.init(parts.first ?? text, parts.count > 1 ? parts[1] : nil)
        }
        package var text: String { value.map { "\(name):\($0)" } ?? name }
    }

    package init(_ spec: Value) {
        policy = spec["dnsPolicy"].string.flatMap(Policy.init(rawValue:)) ?? .clusterFirst
        let config = spec["dnsConfig"]
        nameServers = config["nameservers"].strings
        searches = config["searches"].strings
        options = config["options"].elements.compactMap { entry in entry["name"].string.map { Option($0, entry["value"].string) } }
    }
}
