import Formats
import Resources
import Timing

/// What plans read of a Service.
package struct ObservedService: Sendable {
    /// One port, with what it leads to.
    package struct Port: Hashable, Sendable {
        package var name: String
        package var proto: String
        package var appProtocol: String?
        /// What clients connect to.
        package var number: Int64
        package var target: Target
    }

    /// A pod's port, by number or by name.
    package enum Target: Hashable, Sendable {
        case number(Int64)
        /// The name of a container's port: each pod may mean another number.
        case name(String)

        var isNumber: Bool { if case .number = self { true } else { false } }
    }

    package var meta: ObservedMeta
    package var selector: [String: String]
    package var ports: [Port]
    package var isHeadless: Bool
    /// Unready pods are routed to as well.
    package var publishesNotReady: Bool
    package var isExternalName: Bool

    package init(_ service: Value) {
        meta = ObservedMeta(service)
        let spec = service["spec"]
        selector = spec["selector"].stringMap
        isHeadless = spec["clusterIP"].string == "None"
        publishesNotReady = spec["publishNotReadyAddresses"].bool ?? false
        isExternalName = spec["type"].string == "ExternalName"
        ports = spec["ports"].elements.map { port in
            let target: Target =
                switch port["targetPort"] {
                case .int(let number): .number(number)
                case .string(let name): .name(name)
                default: .number(port["port"].int ?? 0)
                }
            return Port(
                name: port["name"].string ?? "", proto: port["protocol"].string ?? "TCP", appProtocol: port["appProtocol"].string,
                number: port["port"].int ?? 0, target: target)
        }
    }

    package var key: ObjectKey { meta.key(.services) }

    /// Services without a selector have their slices written by somebody else.
    package func selects(_ labels: [String: String]) -> Bool {
        !selector.isEmpty && !isExternalName && selector.allSatisfy { labels[$0.key] == $0.value }
    }
}

/// What plans read of an EndpointSlice.
package struct ObservedSlice: Sendable {
    /// One port, with what it leads to.
    package struct Port: Hashable, Sendable {
        package var name: String
        package var number: Int64
        package var proto: String
        package var appProtocol: String?
    }

    /// One pod behind a service.
    package struct Endpoint: Hashable, Sendable {
        package var address: String
        package var isReady: Bool
        package var isServing: Bool
        package var isTerminating: Bool
        package var hostname: String
        package var nodeName: String
        package var zone: String
        package var podName: String
        package var podUID: String
        /// Of the pod's, those that policies select by.
        package var labels = SelectedLabels([:], keys: [])
        /// Nil: nothing is required of who listens there.
        package var users: ListenerUsers?
    }

    package static let serviceName = "kubernetes.io/service-name"

    package var meta: ObservedMeta
    package var ports: [Port]
    package var endpoints: [Endpoint]

    package init(_ slice: Value) {
        meta = ObservedMeta(slice)
        ports = slice["ports"].elements.map {
            Port(
                name: $0["name"].string ?? "", number: $0["port"].int ?? 0, proto: $0["protocol"].string ?? "TCP",
                appProtocol: $0["appProtocol"].string)
        }
        endpoints = slice["endpoints"].elements.map { endpoint in
            let conditions = endpoint["conditions"]
            return Endpoint(
                address: endpoint["addresses"][0].string ?? "", isReady: conditions["ready"].bool ?? true,
                isServing: conditions["serving"].bool ?? conditions["ready"].bool ?? true,
                isTerminating: conditions["terminating"].bool ?? false,
                hostname: endpoint["hostname"].string ?? "", nodeName: endpoint["nodeName"].string ?? "",
                zone: endpoint["zone"].string ?? "",
                podName: endpoint["targetRef"]["name"].string ?? "", podUID: endpoint["targetRef"]["uid"].string ?? "",
                labels: SelectedLabels(endpoint: endpoint), users: ListenerUsers(endpoint: endpoint))
        }
    }

    package var key: ObjectKey { meta.key(.endpointSlices) }
    package var service: String? { meta.labels[Self.serviceName] }
}

extension ObservedSlice.Endpoint {
    func value(namespace: String) -> Value {
        var out: Value = [
            "addresses": [.string(address)],
            "conditions": ["ready": .bool(isReady), "serving": .bool(isServing), "terminating": .bool(isTerminating)],
            "targetRef": ["kind": "Pod", "namespace": .string(namespace), "name": .string(podName), "uid": .string(podUID)],
        ]
        if !hostname.isEmpty { out["hostname"] = .string(hostname) }
        if !nodeName.isEmpty { out["nodeName"] = .string(nodeName) }
        if !zone.isEmpty { out["zone"] = .string(zone) }
        if let users { out["deprecatedTopology"] = users.topologyValue }
        if let text = labels.topologyText { out["deprecatedTopology"][SelectedLabels.topologyKey] = .string(text) }
        return out
    }
}

extension ObservedSlice.Port {
    var value: Value {
        var out: Value = ["name": .string(name), "port": .int(number), "protocol": .string(proto)]
        if let appProtocol { out["appProtocol"] = .string(appProtocol) }
        return out
    }
}
