import Formats
import Resources

/// The Services, EndpointSlices and TrafficPolicies that were seen, decoded once each; composes the `RouteTable` from them.
package struct RouteSource: Sendable {
    /// What came since the last `update`: Services of which only endpoints are other, or more than that.
    private var changedServices: Set<RouteTable.ServiceName> = []
    private var isTableOutdated = true
    private var services: [RouteTable.ServiceName: ServicePorts] = [:]
    /// By service, then by the slice's name: a service can have many slices.
    private var slices: [RouteTable.ServiceName: [String: SliceEndpoints]] = [:]
    /// Which service a slice was counted under: its label can change.
    private var serviceOfSlice: [RouteTable.ServiceName: RouteTable.ServiceName] = [:]
    /// By namespace and the policy's name.
    private var policies: [RouteTable.ServiceName: TrafficPolicy] = [:]
    /// By namespace and the ConfigMap's name: what bodies of fallbacks are taken from.
    private var bodies: [RouteTable.ServiceName: [String: String]] = [:]
    /// By the node's name.
    private var clients: [String: ClientRange] = [:]
    /// What `rulesByTarget` found; nil when a policy has changed since.
    private var rules: [PortTarget: TrafficRules]?

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
        let policy = policy.map { TrafficPolicy($0) }
        let old = policies.updateOrRemove(policy, at: .init(namespace, name))
        // A policy's status is written more often than its rules.
        if old?.rules != policy?.rules || old?.targets != policy?.targets
            || old?.meta.creationTimestamp != policy?.meta.creationTimestamp
        {
            rules = nil
            isTableOutdated = true
        }
    }

    /// Takes in a ConfigMap; nil when it was deleted, or is not asked for any more.
    package mutating func set(configMap: Value?, namespace: String, name: String) {
        let data = configMap.map { $0["data"].stringMap }
        guard bodies.updateOrRemove(data, at: .init(namespace, name)) != data else { return }
        rules = nil
        isTableOutdated = true
    }

    /// The ConfigMaps that policies take bodies from, by namespace and name. Cost: linear in the policies.
    package var bodySources: Set<RouteTable.ServiceName> {
        Set(policies.flatMap { policy in policy.value.bodySources.map { .init(policy.key.namespace, $0) } })
    }

    /// The rules with the bodies that stand in ConfigMaps.
    private func filled(_ policy: TrafficPolicy, in namespace: String) -> TrafficRules {
        var rules = policy.rules
        for (place, fallback) in rules.fallbacks.enumerated() {
            guard case .response(let response) = fallback, let source = response.bodySource else { continue }
            rules.fallbacks[place] = .response(response.taking(bodies[.init(namespace, source)]))
        }
        return rules
    }

    /// Takes in a Node; nil when it was deleted. Returns whether that changes anything.
    package mutating func set(node: Value?, name: String) -> Bool {
        let range = node.map { Node($0) }.flatMap { node in
            AddressRange(node.podCIDR).map { ClientRange($0, node: name, zone: node.zone) }
        }
        // A node is written every few seconds, its range and its zone hardly ever.
        if clients.updateOrRemove(range, at: name) == range { return false }
        isTableOutdated = true
        return true
    }

    /// Takes in a Service; nil when it was deleted.
    package mutating func set(service: Value?, namespace: String, name: String) {
        let ports = service.map { ServicePorts($0) }
        if services.updateOrRemove(ports, at: .init(namespace, name)) != ports { isTableOutdated = true }
    }

    /// Takes in an EndpointSlice; nil when it was deleted.
    package mutating func set(slice: Value?, namespace: String, name: String) {
        let key = RouteTable.ServiceName(namespace, name)
        let new = slice.map { SliceEndpoints($0) }
        let owner = slice?["metadata"]["labels"]["kubernetes.io/service-name"].string.map { RouteTable.ServiceName(namespace, $0) }
        if let before = serviceOfSlice.removeValue(forKey: key) {
            // Written anew with what it said before: a label, an annotation.
            if before == owner, slices[before]?[name] == new {
                serviceOfSlice[key] = before
                return
            }
            slices[before]?[name] = nil
            if slices[before]?.isEmpty ?? false { slices[before] = nil }
            changedServices.insert(before)
        }
        guard let owner, let new else { return }
        serviceOfSlice[key] = owner
        slices[owner, default: [:]][name] = new
        changedServices.insert(owner)
    }

    /// What is other since the last update; nil for nothing. Cost: linear in the endpoints of the Services that changed; where a Service or a policy
    /// is other, that of `table`.
    package mutating func update() -> RouteUpdate? {
        defer {
            changedServices = []
            isTableOutdated = false
        }
        let rules = rulesByTarget()
        self.rules = rules
        if isTableOutdated { return .table(table()) }
        var backends: [RouteTable.Backend] = []
        for service in changedServices.sorted() {
            guard let ports = services[service] else { continue }
            let slices = slices(of: service)
            for port in ports.ports where port.transport == "TCP" {
                backends.append(backend(port, of: service, ports, slices, rules))
            }
        }
        return backends.isEmpty ? nil : .endpoints(backends)
    }

    private func slices(of service: RouteTable.ServiceName) -> [SliceEndpoints] {
        (slices[service] ?? [:]).sorted { $0.key < $1.key }.map(\.value)
    }

    private func backend(
        _ port: ServicePorts.Port, of service: RouteTable.ServiceName, _ ports: ServicePorts, _ slices: [SliceEndpoints],
        _ rules: [PortTarget: TrafficRules]
    ) -> RouteTable.Backend {
        let rules = rules[PortTarget(service, port.name)] ?? rules[PortTarget(service, "")] ?? TrafficRules()
        return .init(
            name: RouteTable.BackendName(service, port: port.port), carriage: port.carriage, isDetected: port.isDetected,
            endpoints: endpoints(of: port, in: slices, rules.balance), affinity: ports.affinity, distribution: ports.distribution,
            rules: rules)
    }

    /// The table of everything seen so far. Cost: linear in services and endpoints, plus sorting.
    package func table() -> RouteTable {
        var table = RouteTable()
        var taken: [RouteTable.Entrance: RouteTable.BackendName] = [:]
        let rules = rulesByTarget()
        for (service, ports) in services.sorted(by: { $0.key < $1.key }) {
            if ports.isLoadBalanced { table.loadBalanced.append(service) }
            let slices = slices(of: service)
            for port in ports.ports {
                let backend = RouteTable.BackendName(service, port: port.port)
                guard port.transport == "TCP" else {
                    table.refusals.append(.init(backend, port: port.port, .unsupportedProtocol(port.transport)))
                    continue
                }
                table.backends.append(self.backend(port, of: service, ports, slices, rules))
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
        table.clients = clients.values.sorted { $0.range.first < $1.range.first }
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
        if let rules { return rules }
        var rules: [PortTarget: TrafficRules] = [:]
        let order = policies.sorted { $0.value.goesBefore($1.value) }
        for (key, policy) in order {
            for target in policy.targets {
                let port = PortTarget(.init(key.namespace, target.service), target.port)
                if rules[port] == nil { rules[port] = filled(policy, in: key.namespace) }
            }
        }
        return rules
    }

    private func endpoints(of port: ServicePorts.Port, in slices: [SliceEndpoints], _ rules: BalancingRules)
        -> [RouteTable.Endpoint]
    {
        var all: [RouteTable.Endpoint] = []
        for slice in slices {
            guard let target = slice.ports.first(where: { $0.name == port.name && $0.transport == port.transport }) else { continue }
            all.reserveCapacity(all.count + slice.endpoints.count)
            for endpoint in slice.endpoints {
                all.append(
                    .init(
                        EndpointAddress(host: endpoint.host, port: target.port), endpoint.standing, node: endpoint.node,
                        zone: endpoint.zone,
                        pod: endpoint.pod, group: rules.groups.isEmpty ? 0 : rules.group(of: endpoint.labels), users: endpoint.users))
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

extension Dictionary {
    /// What was there before.
    fileprivate mutating func updateOrRemove(_ value: Value?, at key: Key) -> Value? {
        if let value { updateValue(value, forKey: key) } else { removeValue(forKey: key) }
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
