import Formats

/// A Service: one address for the ready pods that its selector matches.
package struct Service: Sendable {
    /// From where a service can be reached.
    package enum Kind: String, Sendable {
        case clusterIP = "ClusterIP"
        case nodePort = "NodePort"
        case loadBalancer = "LoadBalancer"
        case externalName = "ExternalName"
    }

    package var meta: ObjectMeta
    package var kind: Kind
    /// Empty: none given yet; `None`: headless.
    package var clusterIP: String
    package var clusterIPs: [String]
    package var selector: [String: String]
    package var ports: [ServicePort]
    package var externalIPs: [String]
    package var externalName: String
    package var loadBalancerClass: String
    /// ClientIP affinity and how long a client stays; nil: none.
    package var sessionAffinityTimeout: Duration?
    package var isPublishingNotReadyAddresses: Bool
    package var trafficDistribution: String
    package var isLocalInternalTraffic: Bool
    package var loadBalancerIPs: [String]
    package var value: Value

    package init(_ value: Value) {
        self.value = value
        meta = ObjectMeta(of: value)
        let spec = value["spec"]
        kind = spec["type"].string.flatMap(Kind.init(rawValue:)) ?? .clusterIP
        clusterIP = spec["clusterIP"].string ?? ""
        clusterIPs = spec["clusterIPs"].strings
        selector = spec["selector"].stringMap
        ports = spec["ports"].elements.map { ServicePort($0) }
        externalIPs = spec["externalIPs"].strings
        externalName = spec["externalName"].string ?? ""
        loadBalancerClass = spec["loadBalancerClass"].string ?? ""
        if spec["sessionAffinity"].string == "ClientIP" {
            sessionAffinityTimeout = spec["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"].seconds ?? .seconds(10800)
        }
        isPublishingNotReadyAddresses = spec["publishNotReadyAddresses"].bool ?? false
        trafficDistribution = spec["trafficDistribution"].string ?? ""
        isLocalInternalTraffic = spec["internalTrafficPolicy"].string == "Local"
        loadBalancerIPs = value["status"]["loadBalancer"]["ingress"].elements.compactMap { $0["ip"].string ?? $0["hostname"].string }
    }

    package var key: ObjectKey { ObjectKey(.services, namespace: meta.namespace, name: meta.name) }
    package var isHeadless: Bool { clusterIP == "None" }
    /// Has no selector: its endpoints are written by somebody else.
    package var isSelectorless: Bool { selector.isEmpty }
    /// Whether a pod with these labels stands behind the service; without a selector none does.
    package func selects(_ labels: [String: String]) -> Bool { !selector.isEmpty && selector.allSatisfy { labels[$0.key] == $0.value } }
}

/// One port of a service, and the pods' port that it leads to.
package struct ServicePort: Hashable, Sendable {
    package var name: String
    package var transport: TransportProtocol
    /// Nil when the manifest has no valid one.
    package var port: Port?
    /// Defaults to `port`.
    package var targetPort: PortReference?
    package var nodePort: Port?
    package var appProtocol: String

    package init(_ value: Value) {
        name = value["name"].string ?? ""
        transport = value["protocol"].string.flatMap(TransportProtocol.init(rawValue:)) ?? .tcp
        port = value["port"].int.flatMap { Port($0) }
        targetPort = PortReference(value["targetPort"]) ?? port.map { .number($0) }
        nodePort = value["nodePort"].int.flatMap { Port($0) }
        appProtocol = value["appProtocol"].string ?? ""
    }

    /// Speaks HTTP/1.1: by `appProtocol`, else by a name that begins with http.
    package var isHTTP: Bool {
        guard transport == .tcp else { return false }
        if !appProtocol.isEmpty { return appProtocol == "http" || appProtocol == "HTTP" }
        return name.hasPrefix("http") && !name.hasPrefix("https") && !name.hasPrefix("http2")
    }
}
