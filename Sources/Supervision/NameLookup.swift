import Resources
import Wire

/// How a pod's programs look for names, as Kubernetes derives it from `dnsPolicy` and `dnsConfig`.
///
/// On Kubernetes it becomes the pod's `/etc/resolv.conf`. Here that file is the machine's, so resolvers are told by the variables that override it:
/// LOCALDOMAIN and RES_OPTIONS, which glibc and c-ares read. Whose questions go to the cluster is the agent's to see to.
package struct NameLookup: Hashable, Sendable {
    /// Turns it off for a pod: `"off"`.
    package static let annotation = "steady.dev/dns"
    /// Kubernetes' option for pods that ask the cluster: a name of fewer dots is looked for in the search list first.
    package static let dotCount = PodDNS.Option("ndots", "5")
    /// glibc and c-ares believe an answer over UDP only from the address that they asked, and that is not where it comes from: so they ask over TCP.
    package static let overStream = PodDNS.Option("use-vc")
    /// As in Kubernetes.
    package static let searchLimit = 32

    /// Whether questions about names go to the cluster.
    package let asksCluster: Bool
    /// Whom questions go to instead of the machine's resolvers, where that is not the cluster: the pod's own. Kubernetes puts those of the other policies
    /// behind the cluster's and the machine's, where they are asked when nobody else answers; here they are not asked at all.
    package let nameServers: [String]
    /// Nil: the machine's own.
    package let searches: [String]?
    /// Beside the machine's own.
    package let options: [PodDNS.Option]

    package init(pod: Pod, machine: ResolverConfiguration) {
        let dns = pod.spec.dns
        let isOff = pod.meta.annotations[Self.annotation] == "off"
        asksCluster = !isOff && !pod.spec.isHostNetwork && [.clusterFirst, .clusterFirstWithHostNetwork].contains(dns.policy)
        nameServers = isOff || pod.spec.isHostNetwork || dns.policy != .none ? [] : dns.nameServers
        if isOff {
            searches = nil
            options = []
            return
        }
        var own: [String] = []
        if asksCluster { own = ["\(pod.meta.namespace).svc.cluster.local", "svc.cluster.local", "cluster.local"] }
        let machineSearches = dns.policy == .none ? [] : machine.searches
        var seen: Set<String> = []
        let all = (own + machineSearches + dns.searches).filter { seen.insert($0).inserted }.prefix(Self.searchLimit)
        searches = own.isEmpty && dns.searches.isEmpty && dns.policy != .none ? nil : Array(all)
        var options = asksCluster ? [Self.dotCount, Self.overStream] : nameServers.isEmpty ? [] : [Self.overStream]
        for option in dns.options {
            if let index = options.firstIndex(where: { $0.name == option.name }) { options[index] = option } else { options.append(option) }
        }
        self.options = options
    }

    /// `NAME` and value. An empty search list cannot be said: a lone dot stands for the root, below which names are as they are.
    package var variables: [(String, String)] {
        var out: [(String, String)] = []
        if let searches { out.append(("LOCALDOMAIN", searches.isEmpty ? "." : searches.joined(separator: " "))) }
        if !options.isEmpty { out.append(("RES_OPTIONS", options.map(\.text).joined(separator: " "))) }
        return out
    }
}
