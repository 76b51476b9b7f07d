import Formats
import Resources

/// The Services, EndpointSlices and TrafficPolicies that were seen, decoded once each; composes the `RouteTable` from them.
package struct RouteSource: Sendable {
    private var services: [RouteTable.ServiceName: ServicePorts] = [:]
    /// By service, then by the slice's name: a service can have many slices.
    private var slices: [RouteTable.ServiceName: [String: SliceEndpoints]] = [:]
    /// Which service a slice was counted under: its label can change.
    private var serviceOfSlice: [RouteTable.ServiceName: RouteTable.ServiceName] = [:]
    /// By namespace and the policy's name.
    private var policies: [RouteTable.ServiceName: TrafficPolicy] = [:]

    package init() {}

    /// For tests and for one-off tables.
    package init(services: [Value], slices: [Value], policies: [Value] = []) {
        for value in services {
            set(service: value, namespace: value["metadata"]["namespace"].string ?? "", name: value["metadata"]["name"].string ?? "")
        }
        for value in slices {
            set(slice: value, namespace: value["metadata"]["namespace"].string ?? "", name: value["metadata"]["name"].string ?? "")
        }
        for value in policies {
            set(policy: value, namespace: value["metadata"]["namespace"].string ?? "", name: value["metadata"]["name"].string ?? "")
        }
    }

    /// Takes in a TrafficPolicy; nil when it was deleted.
    package mutating func set(policy: Value?, namespace: String, name: String) {
        policies[.init(namespace, name)] = policy.map { TrafficPolicy($0) }
    }

    /// Takes in a Service; nil when it was deleted.
    package mutating func set(service: Value?, namespace: String, name: String) {
        services[.init(namespace, name)] = service.map { ServicePorts($0) }
    }

    /// Takes in an EndpointSlice; nil when it was deleted.
    package mutating func set(slice: Value?, namespace: String, name: String) {
        let key = RouteTable.ServiceName(namespace, name)
        if let before = serviceOfSlice.removeValue(forKey: key) { slices[before]?[name] = nil }
        guard let slice, let service = slice["metadata"]["labels"]["kubernetes.io/service-name"].string else { return }
        let owner = RouteTable.ServiceName(namespace, service)
        serviceOfSlice[key] = owner
        slices[owner, default: [:]][name] = SliceEndpoints(slice)
    }

    /// The table of everything seen so far. Cost: linear in services and endpoints, plus sorting.
    package func table() -> RouteTable {
        var table = RouteTable()
        var taken: [RouteTable.Entrance: RouteTable.BackendName] = [:]
        let rules = rulesByTarget()
        for (service, ports) in services.sorted(by: { $0.key < $1.key }) {
            if ports.isLoadBalanced { table.loadBalanced.append(service) }
            let slices = (slices[service] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
            for port in ports.ports {
                let backend = RouteTable.BackendName(service, port: port.port)
                guard port.transport == "TCP" else {
                    table.refusals.append(.init(backend, port: port.port, .unsupportedProtocol(port.transport)))
                    continue
                }
                table.backends.append(
                    .init(
                        name: backend, carriage: port.carriage, isDetected: port.isDetected, endpoints: endpoints(of: port, in: slices),
                        affinity: ports.affinity,
                        rules: rules[PortTarget(service, port.name)] ?? rules[PortTarget(service, "")] ?? TrafficRules()))
                for entrance in ports.entrances(of: port) {
                    if let owner = taken[entrance] {
                        // A LoadBalancer names its node port too: the same backend twice is no conflict.
                        if owner != backend { table.refusals.append(.init(backend, port: entrance.port, .takenBy(owner))) }
                    } else {
                        taken[entrance] = backend
                        table.routes.append(.init(entrance, backend))
                    }
                }
            }
        }
        table.backends.sort { $0.name < $1.name }
        table.routes.sort { $0.entrance < $1.entrance }
        return table
    }

    /// A service's port by name; an empty one stands for all of them.
    private struct PortTarget: Hashable {
        var service: RouteTable.ServiceName
        var port: String

        init(_ service: RouteTable.ServiceName, _ port: String) {
            self.service = service
            self.port = port
        }
    }

    /// Which rules hold where. What names a port goes before what names the whole Service; of several the oldest policy holds, then the first by name
    /// (the Gateway API's order for conflicts, GEP-713).
    private func rulesByTarget() -> [PortTarget: TrafficRules] {
        var rules: [PortTarget: TrafficRules] = [:]
        let order = policies.sorted { $0.value.goesBefore($1.value) }
        for (key, policy) in order {
            for target in policy.targets {
                let port = PortTarget(.init(key.namespace, target.service), target.port)
                if rules[port] == nil { rules[port] = policy.rules }
            }
        }
        return rules
    }

    private func endpoints(of port: ServicePorts.Port, in slices: [SliceEndpoints]) -> [RouteTable.Endpoint] {
        var all: [RouteTable.Endpoint] = []
        for slice in slices {
            guard let target = slice.ports.first(where: { $0.name == port.name && $0.transport == port.transport }) else { continue }
            all.reserveCapacity(all.count + slice.endpoints.count)
            for endpoint in slice.endpoints {
                all.append(
                    .init(
                        EndpointAddress(host: endpoint.host, port: target.port), endpoint.standing, node: endpoint.node,
                        zone: endpoint.zone,
                        pod: endpoint.pod, users: endpoint.users))
            }
        }
        // While endpoints move between slices one can be in two of them; Kubernetes asks consumers to take it once. The better standing
        // wins.
        all.sort { ($0.address, $0.standing.rank) < ($1.address, $1.standing.rank) }
        var last: EndpointAddress?
        return all.filter { endpoint in
            defer { last = endpoint.address }
            return endpoint.address != last
        }
    }
}

extension RouteTable.Standing {
    fileprivate var rank: Int {
        switch self {
        case .ready: 0
        case .terminating: 1
        case .withheld: 2
        }
    }
}

/// What a Service says about entrances.
private struct ServicePorts: Sendable {
    struct Port: Sendable {
        var name: String
        var port: UInt16
        var nodePort: UInt16?
        var transport: String
        var carriage: RouteTable.Carriage
        var isDetected: Bool
    }
    var ports: [Port] = []
    var clusterIPs: [UInt32] = []
    var isLoadBalanced = false
    var affinity: Duration?

    /// Kubernetes' default for `sessionAffinityConfig.clientIP.timeoutSeconds`: three hours.
    static let defaultAffinityTimeout = Duration.seconds(10_800)

    init(_ service: Value) {
        let spec = service["spec"]
        let type = spec["type"].string ?? "ClusterIP"
        if type == "ExternalName" || service["metadata"]["deletionTimestamp"].string != nil { return }
        isLoadBalanced = type == "LoadBalancer"
        if let host = spec["clusterIP"].string.flatMap(EndpointAddress.host) { clusterIPs = [host] }
        for text in spec["clusterIPs"].elements {
            if let host = text.string.flatMap(EndpointAddress.host), !clusterIPs.contains(host) { clusterIPs.append(host) }
        }
        if spec["sessionAffinity"].string == "ClientIP" {
            affinity = spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].int.map { .seconds($0) } ?? Self.defaultAffinityTimeout
        }
        let hasNodePorts = type == "NodePort" || type == "LoadBalancer"
        for entry in spec["ports"].elements {
            guard let number = entry["port"].int.flatMap(UInt16.init(exactly:)), number > 0 else { continue }
            let name = entry["name"].string ?? ""
            let (carriage, isDetected) = Self.carriage(name: name, appProtocol: entry["appProtocol"].string)
            let nodePort = entry["nodePort"].int.flatMap(UInt16.init(exactly:)).flatMap { $0 > 0 && hasNodePorts ? $0 : nil }
            ports.append(
                Port(
                    name: name, port: number, nodePort: nodePort, transport: entry["protocol"].string ?? "TCP",
                    carriage: carriage, isDetected: isDetected))
        }
    }

    /// Names of ports, or what they begin with before a hyphen, that say: this is no HTTP/1.
    private static let otherProtocols: Set = [
        "tcp", "tls", "https", "grpc", "h2c", "ws", "wss", "dns", "ssh", "smtp", "ldap", "mqtt", "amqp", "kafka", "mongo", "mysql",
        "mariadb",
        "postgres", "postgresql", "redis", "memcached",
    ]

    /// An explicit `appProtocol` decides; without one the port's name does: `http`, `http-admin`, `http2`. A name that says nothing leaves it to
    /// the first bytes of each connection, as in Istio: a Service whose port has no name is mostly one of HTTP, and a connection that is only
    /// copied breaks when its pod is drained.
    static func carriage(name: String, appProtocol: String?) -> (RouteTable.Carriage, isDetected: Bool) {
        if let appProtocol { return (appProtocol.lowercased() == "http" ? .exchanges : .flows, false) }
        // TLS is carried as it is: the proxy holds no keys.
        if name.hasPrefix("http") && !name.hasPrefix("https") { return (.exchanges, false) }
        let word = name.prefix { $0 != "-" }
        return (.flows, !otherProtocols.contains(String(word)) && !name.hasPrefix("https"))
    }

    func entrances(of port: Port) -> [RouteTable.Entrance] {
        var entrances = clusterIPs.map { RouteTable.Entrance(.clusterIP($0), port: port.port) }
        if let nodePort = port.nodePort { entrances.append(.init(.exposed, port: nodePort)) }
        if isLoadBalanced && port.port != port.nodePort { entrances.append(.init(.exposed, port: port.port)) }
        return entrances
    }
}

/// What an EndpointSlice says; target ports are numbers there already.
private struct SliceEndpoints: Sendable {
    struct Port: Sendable {
        var name: String
        var port: UInt16
        var transport: String
    }
    struct Endpoint: Sendable {
        var host: UInt32
        var standing: RouteTable.Standing
        var node: String
        var zone: String
        var pod: String
        var users: ListenerUsers?
    }
    var ports: [Port] = []
    var endpoints: [Endpoint] = []

    init(_ slice: Value) {
        guard (slice["addressType"].string ?? "IPv4") == "IPv4" else { return }
        for entry in slice["ports"].elements {
            guard let number = entry["port"].int.flatMap(UInt16.init(exactly:)), number > 0 else { continue }
            ports.append(Port(name: entry["name"].string ?? "", port: number, transport: entry["protocol"].string ?? "TCP"))
        }
        for entry in slice["endpoints"].elements {
            let standing = Self.standing(entry["conditions"])
            // Only the first address counts: Kubernetes calls the others fungible and its proxies ignore them.
            guard let host = entry["addresses"][0].string.flatMap(EndpointAddress.host) else { continue }
            endpoints.append(
                Endpoint(
                    host: host, standing: standing, node: entry["nodeName"].string ?? "", zone: entry["zone"].string ?? "",
                    pod: entry["targetRef"]["kind"].string == "Pod" ? entry["targetRef"]["name"].string ?? "" : "",
                    users: ListenerUsers(endpoint: entry)))
        }
    }

    /// Unset conditions mean: ready, serving as ready, not terminating.
    static func standing(_ conditions: Value) -> RouteTable.Standing {
        let ready = conditions["ready"].bool ?? true
        let terminating = conditions["terminating"].bool ?? false
        let serving = conditions["serving"].bool ?? ready
        if terminating { return serving ? .terminating : .withheld }
        return ready ? .ready : .withheld
    }
}
