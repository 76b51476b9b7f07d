import Formats
import Resources

/// What an EndpointSlice says; target ports are numbers there already.
struct SliceEndpoints: Sendable, Equatable {
    struct Port: Sendable, Equatable {
        var name: String
        var port: UInt16
        var transport: String
    }
    struct Endpoint: Sendable, Equatable {
        var host: UInt32
        var standing: RouteTable.Standing
        var node: String
        var zone: String
        var pod: String
        /// As far as policies select by them.
        var labels: [String: String]
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
                    labels: SelectedLabels(endpoint: entry).labels, users: ListenerUsers(endpoint: entry)))
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
