import Formats
import Resources

/// v1 Endpoints, for clients that know no EndpointSlices (kubectl's describe up to 1.30): made from the slices when they are asked for, never stored.
///
/// They can be read and listed; watches and writes are for the slices.
package enum ServiceEndpoints {
    package static let type = ResourceType.endpoints

    /// What of the derived objects is asked for.
    package struct Wish: Sendable {
        /// Nil: a list.
        package var key: ObjectKey?
        package var labels: LabelSelector
        package var fields: FieldSelector
    }

    /// The slices that hold what a wish asks for.
    static func slices(for wish: Wish, namespace: String?) -> ListRequest {
        guard let key = wish.key else { return ListRequest(.endpointSlices, namespace: namespace) }
        let service = LabelSelector.Requirement(EndpointSlice.serviceNameLabel, .in, [key.name])
        return ListRequest(.endpointSlices, namespace: key.namespace, labelSelector: LabelSelector([service]))
    }

    /// The answer that the slices come to.
    static func reply(_ wish: Wish, from slices: Reply) throws(StatusError) -> Reply {
        guard case .list(_, let items, let revision) = slices.body else { return slices }
        let all = objects(from: items)
        if let key = wish.key {
            guard let found = all.first else { throw .notFound(key) }
            return Reply(.object(found))
        }
        let selected = all.filter { wish.labels.matches($0["metadata"]["labels"].stringMap) && wish.fields.matches($0) }
        return Reply(.list(type: type, items: selected, revision: revision))
    }

    /// One object for each Service that has slices, by namespace and name.
    package static func objects(from slices: [Value]) -> [Value] {
        struct Owner: Hashable, Comparable {
            var namespace: String
            var name: String
            static func < (a: Owner, b: Owner) -> Bool { (a.namespace, a.name) < (b.namespace, b.name) }
        }
        var byService: [Owner: [EndpointSlice]] = [:]
        for value in slices {
            let slice = EndpointSlice(value)
            guard !slice.serviceName.isEmpty else { continue }
            byService[Owner(namespace: slice.meta.namespace, name: slice.serviceName), default: []].append(slice)
        }
        return byService.sorted { $0.key < $1.key }.map { owner, slices in
            object(owner.name, owner.namespace, slices.sorted { $0.meta.name < $1.meta.name })
        }
    }

    private static func object(_ name: String, _ namespace: String, _ slices: [EndpointSlice]) -> Value {
        var labels = slices[0].meta.labels
        labels[EndpointSlice.serviceNameLabel] = nil
        labels[EndpointSlice.managedByLabel] = nil
        var metadata: Value = ["name": .string(name), "namespace": .string(namespace), "uid": .string(slices[0].meta.uid)]
        metadata["resourceVersion"] = .string((slices.map(\.meta.resourceVersion).max() ?? .zero).description)
        if let oldest = slices.compactMap(\.meta.creationTimestamp).min() { metadata["creationTimestamp"] = .string(oldest.rfc3339) }
        if !labels.isEmpty { metadata["labels"] = .strings(labels) }
        var out: Value = ["kind": "Endpoints", "apiVersion": "v1", "metadata": metadata]
        var ports: [[EndpointPort]] = []
        for slice in slices where !ports.contains(slice.ports) { ports.append(slice.ports) }
        let subsets = ports.compactMap { ports in subset(ports, slices.filter { $0.ports == ports }.flatMap(\.endpoints)) }
        if !subsets.isEmpty { out["subsets"] = .array(subsets) }
        return out
    }

    /// Those who are going are in neither list, as Kubernetes has it.
    private static func subset(_ ports: [EndpointPort], _ endpoints: [Endpoint]) -> Value? {
        let staying = endpoints.filter { !$0.isTerminating || $0.isReady }
        guard !staying.isEmpty else { return nil }
        var out = Value.object([:])
        for (field, isReady) in [("addresses", true), ("notReadyAddresses", false)] {
            let addresses = staying.filter { $0.isReady == isReady }.flatMap(addresses).sorted { $0.ip < $1.ip }.map(\.value)
            if !addresses.isEmpty { out[field] = .array(addresses) }
        }
        out["ports"] = .array(ports.map(Self.port))
        return out
    }

    private static func port(_ port: EndpointPort) -> Value {
        var members = port.value.object ?? [:]
        if port.name.isEmpty { members["name"] = nil }
        return .object(members)
    }

    private static func addresses(_ endpoint: Endpoint) -> [(ip: String, value: Value)] {
        endpoint.addresses.map { ip in
            var out: Value = ["ip": .string(ip)]
            if !endpoint.nodeName.isEmpty { out["nodeName"] = .string(endpoint.nodeName) }
            let target = endpoint.value["targetRef"]
            if !target.isNull { out["targetRef"] = target }
            return (ip, out)
        }
    }
}
