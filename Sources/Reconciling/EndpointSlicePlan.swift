import Formats
import Resources
import Timing

/// Writes down behind which addresses a Service is.
///
/// A pod stays in the slice where it is, so that a change of one pod writes one slice. Pods that mean different numbers by a named port are in
/// different slices. A pod that is being deleted stays listed, not ready and terminating, until it is gone.
package struct EndpointSlicePlan {
    /// Kubernetes' default. A slice is written whole for every change in it: larger ones make start-up of a large service quadratic.
    package static let endpointLimit = 100
    private static let managedBy = "endpointslice.kubernetes.io/managed-by"
    private static let controllerName = "endpointslice-controller.k8s.io"

    /// What the plan looks at.
    package struct View {
        package var service: ObservedService
        /// The pods that the Service selects, in no order.
        package var pods: [ObservedPod]
        /// The slices that bear the Service's name.
        package var slices: [ObservedSlice]
        package var zoneOfNode: [String: String]
        /// What the Service's TrafficPolicies select pods by.
        package var labelKeys: Set<String>

        package init(
            service: ObservedService, pods: [ObservedPod], slices: [ObservedSlice], zoneOfNode: [String: String] = [:],
            labelKeys: Set<String> = []
        ) {
            self.labelKeys = labelKeys
            self.service = service
            self.pods = pods
            self.slices = slices
            self.zoneOfNode = zoneOfNode
        }
    }

    /// The slices as they should be, and who was withdrawn.
    package static func plan(_ view: View) -> Plan {
        var plan = Plan()
        let service = view.service
        guard !service.meta.isDeleting, !service.selector.isEmpty, !service.isExternalName else { return plan }
        var groups: [[ObservedSlice.Port]: [ObservedSlice.Endpoint]] = [:]
        if service.ports.allSatisfy(\.target.isNumber) {
            // The common case: every pod means the same numbers.
            let endpoints = view.pods.compactMap { endpoint($0, view) }
            if !endpoints.isEmpty { groups[ports(of: service, on: nil)] = endpoints }
        } else {
            for pod in view.pods {
                guard let endpoint = endpoint(pod, view) else { continue }
                groups[ports(of: service, on: pod), default: []].append(endpoint)
            }
        }
        if groups.isEmpty { groups[ports(of: service, on: nil)] = [] }
        var slices = view.slices.filter { !$0.meta.isDeleting && $0.meta.labels[managedBy] == controllerName }
        slices.sort { $0.meta.name < $1.meta.name }
        var spare = slices.filter { groups[$0.ports] == nil }
        for (ports, endpoints) in groups.sorted(by: { order($0.key) < order($1.key) }) {
            fill(ports, endpoints, slices.filter { $0.ports == ports }, &spare, service, &plan)
        }
        for slice in spare { plan.changes.append(.delete(slice.key, uid: slice.meta.uid)) }
        return plan
    }

    /// Whether a slice would list this pod: it has an address and has not finished.
    package static func lists(_ pod: ObservedPod) -> Bool { !pod.podIP.isEmpty && !pod.isFinished }

    private static func endpoint(_ pod: ObservedPod, _ view: View) -> ObservedSlice.Endpoint? {
        guard lists(pod) else { return nil }
        let isTerminating = pod.meta.isDeleting
        // A terminating pod is never ready, not even where unready ones are published: nothing new may go there.
        return ObservedSlice.Endpoint(
            address: pod.podIP, isReady: !isTerminating && (pod.isReady || view.service.publishesNotReady), isServing: pod.isReady,
            isTerminating: isTerminating, hostname: pod.subdomain == view.service.meta.name && !pod.subdomain.isEmpty ? pod.hostname : "",
            nodeName: pod.nodeName, zone: view.zoneOfNode[pod.nodeName] ?? "", podName: pod.meta.name, podUID: pod.meta.uid,
            labels: SelectedLabels(pod.meta.labels, keys: view.labelKeys), users: pod.listenerUsers)
    }

    /// - Parameter pod: nil for a Service without pods: only what it knows by itself.
    private static func ports(of service: ObservedService, on pod: ObservedPod?) -> [ObservedSlice.Port] {
        service.ports.compactMap { port in
            let number: Int64
            switch port.target {
            case .number(let n): number = n
            case .name(let name):
                guard let found = pod?.ports.first(where: { $0.name == name && $0.proto == port.proto }) else { return nil }
                number = found.number
            }
            return ObservedSlice.Port(name: port.name, number: number, proto: port.proto, appProtocol: port.appProtocol)
        }
    }

    private static func order(_ ports: [ObservedSlice.Port]) -> String {
        ports.map { "\($0.name)/\($0.number)/\($0.proto)" }.joined(separator: ",")
    }

    /// Puts the endpoints of one set of ports into slices: those that are there stay, gaps are filled, a spare slice is written anew before
    /// another one is made, what is empty and not the last goes.
    private static func fill(
        _ ports: [ObservedSlice.Port], _ endpoints: [ObservedSlice.Endpoint], _ present: [ObservedSlice], _ spare: inout [ObservedSlice],
        _ service: ObservedService, _ plan: inout Plan
    ) {
        var pending = Dictionary(endpoints.map { ($0.podUID, $0) }) { first, _ in first }
        var contents = present.map { slice in slice.endpoints.compactMap { pending.removeValue(forKey: $0.podUID) } }
        var fresh = pending.values.sorted { ($0.podName, $0.podUID) < ($1.podName, $1.podUID) }[...]
        for index in contents.indices {
            let room = endpointLimit - contents[index].count
            contents[index] += fresh.prefix(max(0, room))
            fresh = fresh.dropFirst(max(0, room))
        }
        var kept = 0
        for (slice, content) in zip(present, contents) {
            let isLast = slice.meta.uid == present.last?.meta.uid && kept == 0 && fresh.isEmpty
            if content.isEmpty, !isLast {
                plan.changes.append(.delete(slice.key, uid: slice.meta.uid))
                continue
            }
            kept += 1
            if content != slice.endpoints {
                plan.changes.append(.patch(slice.key, ["endpoints": list(content, service)]))
            }
        }
        while !fresh.isEmpty || kept == 0 {
            let content = Array(fresh.prefix(endpointLimit))
            fresh = fresh.dropFirst(endpointLimit)
            kept += 1
            if !spare.isEmpty {
                let slice = spare.removeFirst()
                plan.changes.append(
                    .patch(slice.key, ["endpoints": list(content, service), "ports": .array(ports.map(\.value))]))
            } else {
                plan.changes.append(creation(ports, content, service))
            }
        }
    }

    private static func list(_ endpoints: [ObservedSlice.Endpoint], _ service: ObservedService) -> Value {
        .array(endpoints.map { $0.value(namespace: service.meta.namespace) })
    }

    private static func creation(_ ports: [ObservedSlice.Port], _ endpoints: [ObservedSlice.Endpoint], _ service: ObservedService) -> Change
    {
        var labels = service.meta.labels
        labels[ObservedSlice.serviceName] = service.meta.name
        labels[managedBy] = controllerName
        if service.isHeadless { labels["service.kubernetes.io/headless"] = "" }
        let body: Value = [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
            "metadata": [
                "generateName": .string(service.meta.name + "-"), "namespace": .string(service.meta.namespace), "labels": .strings(labels),
                "ownerReferences": .array([Owner.controller(.services, service.meta).value]),
            ], "addressType": "IPv4", "endpoints": list(endpoints, service), "ports": .array(ports.map(\.value)),
        ]
        return Change(.create(body, type: .endpointSlices, namespace: service.meta.namespace))
    }
}
