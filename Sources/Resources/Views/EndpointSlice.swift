import Formats

/// The endpoints of one Service, as the endpoint plan writes them.
package struct EndpointSlice: Sendable {
    /// The label that names the Service.
    package static let serviceNameLabel = "kubernetes.io/service-name"
    /// The label that names the writer.
    package static let managedByLabel = "endpointslice.kubernetes.io/managed-by"

    package var meta: ObjectMeta
    package var addressType: String
    package var endpoints: [Endpoint]
    package var ports: [EndpointPort]
    package var value: Value

    package init(_ value: Value) {
        self.value = value
        meta = ObjectMeta(of: value)
        addressType = value["addressType"].string ?? "IPv4"
        endpoints = value["endpoints"].elements.map { Endpoint($0) }
        ports = value["ports"].elements.map { EndpointPort($0) }
    }

    package var key: ObjectKey { ObjectKey(.endpointSlices, namespace: meta.namespace, name: meta.name) }
    /// Empty: belongs to no Service.
    package var serviceName: String { meta.labels[Self.serviceNameLabel] ?? "" }
}

/// One pod behind a service, and how it stands.
package struct Endpoint: Hashable, Sendable {
    package var addresses: [String]
    /// Gets new traffic.
    package var isReady: Bool
    /// Answers its readiness probe, whether it is going away or not.
    package var isServing: Bool
    package var isTerminating: Bool
    package var nodeName: String
    package var zone: String
    package var hintZones: [String]
    /// Of the pod.
    package var targetName: String
    package var targetNamespace: String
    package var targetUID: String

    package init(
        addresses: [String], isReady: Bool, isServing: Bool, isTerminating: Bool, nodeName: String = "", zone: String = "",
        targetName: String = "",
        targetNamespace: String = "", targetUID: String = ""
    ) {
        self.addresses = addresses
        self.isReady = isReady
        self.isServing = isServing
        self.isTerminating = isTerminating
        self.nodeName = nodeName
        self.zone = zone
        self.hintZones = []
        self.targetName = targetName
        self.targetNamespace = targetNamespace
        self.targetUID = targetUID
    }

    package init(_ value: Value) {
        addresses = value["addresses"].strings
        let conditions = value["conditions"]
        // An absent condition means ready, and serving means what ready means (Kubernetes' API contract).
        isReady = conditions["ready"].bool ?? true
        isServing = conditions["serving"].bool ?? isReady
        isTerminating = conditions["terminating"].bool ?? false
        nodeName = value["nodeName"].string ?? ""
        zone = value["zone"].string ?? ""
        hintZones = value["hints"]["forZones"].elements.compactMap { $0["name"].string }
        targetName = value["targetRef"]["name"].string ?? ""
        targetNamespace = value["targetRef"]["namespace"].string ?? ""
        targetUID = value["targetRef"]["uid"].string ?? ""
    }

    package var value: Value {
        var out: Value = [
            "addresses": .array(addresses.map { .string($0) }),
            "conditions": ["ready": .bool(isReady), "serving": .bool(isServing), "terminating": .bool(isTerminating)],
        ]
        if !targetName.isEmpty {
            out["targetRef"] = [
                "kind": "Pod", "namespace": .string(targetNamespace), "name": .string(targetName), "uid": .string(targetUID),
            ]
        }
        if !nodeName.isEmpty { out["nodeName"] = .string(nodeName) }
        if !zone.isEmpty { out["zone"] = .string(zone) }
        if !hintZones.isEmpty { out["hints"] = ["forZones": .array(hintZones.map { ["name": .string($0)] })] }
        return out
    }
}

/// A port that all endpoints of the slice have.
package struct EndpointPort: Hashable, Sendable {
    package var name: String
    package var transport: TransportProtocol
    package var port: Port?
    package var appProtocol: String

    package init(name: String, transport: TransportProtocol, port: Port?, appProtocol: String = "") {
        self.name = name
        self.transport = transport
        self.port = port
        self.appProtocol = appProtocol
    }

    package init(_ value: Value) {
        self.init(
            name: value["name"].string ?? "", transport: value["protocol"].string.flatMap(TransportProtocol.init(rawValue:)) ?? .tcp,
            port: value["port"].int.flatMap { Port($0) }, appProtocol: value["appProtocol"].string ?? "")
    }

    package var value: Value {
        var out: Value = ["name": .string(name), "protocol": .string(transport.rawValue)]
        if let port { out["port"] = port.value }
        if !appProtocol.isEmpty { out["appProtocol"] = .string(appProtocol) }
        return out
    }
}
