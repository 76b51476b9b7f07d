import Formats
import Resources
import Wire

/// The names that Services and their endpoints have, as Kubernetes' specification of service discovery by DNS gives them.
///
/// Taken in as they change; every question is answered from what is there then.
package struct ClusterNames: Sendable {
    typealias ServiceName = RouteTable.ServiceName

    /// Below it all names are ours: what is not there does not exist.
    package static let zone = DNSName(unsafe: "cluster.local")
    /// Seconds that an answer may be kept, also that something does not exist: endpoints come and go.
    package static let timeToLive: UInt32 = 5

    /// Whose addresses have names that are ours alone.
    let addresses: InstanceAddresses
    private(set) var services: [ServiceName: NamedService] = [:]
    /// Services of each namespace: one without any has no names.
    private var serviceCounts: [String: Int] = [:]
    private var serviceOfAddress: [UInt32: ServiceName] = [:]
    /// By service, then by the slice's name.
    private(set) var slices: [ServiceName: [String: NamedSlice]] = [:]
    private var serviceOfSlice: [ServiceName: ServiceName] = [:]
    /// The name of each endpoint's address; nil: to be made when it is asked for.
    private var endpointNames: [UInt32: [String]]?

    package init(_ addresses: InstanceAddresses) { self.addresses = addresses }

    /// Takes in a Service; nil when it was deleted.
    package mutating func set(service value: Value?, namespace: String, name: String) {
        let key = ServiceName(namespace, name)
        if let before = services.removeValue(forKey: key) {
            serviceCounts[namespace, default: 1] -= 1
            if serviceCounts[namespace] == 0 { serviceCounts[namespace] = nil }
            for address in before.addresses where serviceOfAddress[address] == key { serviceOfAddress[address] = nil }
        }
        guard let value, value["metadata"]["deletionTimestamp"].string == nil else { return }
        let service = NamedService(value)
        services[key] = service
        serviceCounts[namespace, default: 0] += 1
        for address in service.addresses { serviceOfAddress[address] = key }
    }

    /// Takes in an EndpointSlice; nil when it was deleted.
    package mutating func set(slice value: Value?, namespace: String, name: String) {
        endpointNames = nil
        let key = ServiceName(namespace, name)
        if let before = serviceOfSlice.removeValue(forKey: key) {
            slices[before]?[name] = nil
            if slices[before]?.isEmpty == true { slices[before] = nil }
        }
        guard let value, let service = value["metadata"]["labels"]["kubernetes.io/service-name"].string else { return }
        let owner = ServiceName(namespace, service)
        serviceOfSlice[key] = owner
        slices[owner, default: [:]][name] = NamedSlice(value)
    }

    func hasNamespace(_ name: String) -> Bool { serviceCounts[name] != nil }

    /// The ready endpoints of a service with the ports that each has, sorted by address, no address twice.
    func endpoints(of service: ServiceName) -> [(endpoint: NamedSlice.Endpoint, ports: [NamedPort])] {
        var all = (slices[service] ?? [:]).values.flatMap { slice in slice.endpoints.map { (endpoint: $0, ports: slice.ports) } }
        all.sort { ($0.endpoint.host, $0.endpoint.label) < ($1.endpoint.host, $1.endpoint.label) }
        var last: UInt32?
        return all.filter { entry in
            defer { last = entry.endpoint.host }
            return entry.endpoint.host != last
        }
    }

    /// The labels in front of the zone that an address stands for; nil where nothing is known of it.
    mutating func labels(ofAddress host: UInt32) -> [String]? {
        if let service = serviceOfAddress[host] { return [service.name, service.namespace, "svc"] }
        if endpointNames == nil {
            var names: [UInt32: [String]] = [:]
            for service in slices.keys.sorted() where services[service] != nil {
                for (endpoint, _) in endpoints(of: service) where names[endpoint.host] == nil {
                    names[endpoint.host] = [endpoint.label, service.name, service.namespace, "svc"]
                }
            }
            endpointNames = names
        }
        return endpointNames?[host]
    }
}

/// A port that has a name in DNS.
struct NamedPort: Hashable, Sendable {
    var name: String
    /// `tcp`, `udp` or `sctp`.
    var transport: String
    var port: UInt16

    init?(_ value: Value) {
        guard let number = value["port"].int.flatMap(UInt16.init(exactly:)), number > 0 else { return nil }
        name = value["name"].string ?? ""
        transport = (value["protocol"].string ?? "TCP").lowercased()
        port = number
    }
}

/// What a Service says about its names.
struct NamedService: Sendable {
    var addresses: [UInt32] = []
    var isHeadless = false
    /// Nil: has addresses of its own.
    var externalName: DNSName?
    var isExternal = false
    var ports: [NamedPort] = []

    init(_ service: Value) {
        let spec = service["spec"]
        ports = spec["ports"].elements.compactMap { NamedPort($0) }
        if spec["type"].string == "ExternalName" {
            isExternal = true
            externalName = spec["externalName"].string.flatMap { DNSName($0) }
            return
        }
        isHeadless = spec["clusterIP"].string == "None"
        for text in [spec["clusterIP"]] + spec["clusterIPs"].elements {
            if let host = text.string.flatMap(EndpointAddress.host), !addresses.contains(host) { addresses.append(host) }
        }
    }
}

/// What an EndpointSlice says about names: its ready endpoints.
struct NamedSlice: Sendable {
    struct Endpoint: Sendable {
        var host: UInt32
        /// Its hostname, or its address with dashes.
        var label: String
    }
    var endpoints: [Endpoint] = []
    var ports: [NamedPort] = []

    init(_ slice: Value) {
        guard (slice["addressType"].string ?? "IPv4") == "IPv4" else { return }
        ports = slice["ports"].elements.compactMap { NamedPort($0) }
        for entry in slice["endpoints"].elements where entry["conditions"]["ready"].bool ?? true {
            guard let host = entry["addresses"][0].string.flatMap(EndpointAddress.host) else { continue }
            let hostname = entry["hostname"].string ?? ""
            endpoints.append(
                Endpoint(host: host, label: hostname.isEmpty ? Self.dashed(host) : hostname.lowercased()))
        }
    }

    /// `127-64-0-1`.
    static func dashed(_ host: UInt32) -> String { EndpointAddress.text(host).replacing(".", with: "-") }
}

extension DNSName {
    /// A name that stands in the program; traps where it is none.
    fileprivate init(unsafe text: String) {
        guard let name = DNSName(text) else { preconditionFailure("\(text) is no domain name") }
        self = name
    }
}
