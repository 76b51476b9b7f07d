import Formats
import Resources

/// What a Service says about entrances.
struct ServicePorts: Sendable, Equatable {
    struct Port: Sendable, Equatable {
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
    var distribution = RouteTable.Distribution.anywhere

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
        switch spec["trafficDistribution"].string {
        case "PreferSameNode": distribution = .sameNode
        case "PreferSameZone", "PreferClose": distribution = .sameZone
        default: break
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
