import Formats
import Reconciling
import Resources
import Timing

/// Whether everything is as wanted: what the store says, what runs, and where requests go.
enum Rest {
    /// For this long nothing durable has changed.
    static let quietTime: Duration = .seconds(3)

    /// The first thing that is not as wanted; nil when all is, and quiet.
    static func problem(in world: World) -> String? {
        guard let server = world.host.server, !server.life.isPaused else { return "the server does not run" }
        for role in world.host.roleNames where world.host.isExpected(role) && !world.host.isRunning(role) { return "\(role) does not run" }
        let registry = server.store.registry
        var wanted = 0
        let pods = registry.list(ListRequest(.pods)).items.map { ObservedPod($0) }
        for pod in pods {
            if pod.meta.isDeleting { return "pod \(pod.meta.name) on \(pod.nodeName) is still on its way out" }
            if pod.isFinished { continue }
            if pod.nodeName.isEmpty {
                let why = server.plane.scheduling.explanations[ObjectKey(.pods, namespace: pod.meta.namespace, name: pod.meta.name)]
                return "pod \(pod.meta.name) on no node is not ready" + (why.map { ": \($0)" } ?? "")
            }
            if !pod.isReady { return "pod \(pod.meta.name) on \(pod.nodeName) is not ready" }
            wanted += 1
        }
        for object in registry.list(ListRequest(.deployments)).items {
            let deployment = ObservedDeployment(object)
            let status = deployment.status
            guard status.observedGeneration >= deployment.meta.generation, status.replicas == deployment.replicas,
                status.updated == deployment.replicas, status.available == deployment.replicas
            else {
                return
                    "deployment \(deployment.meta.name): \(status.updated) updated, \(status.available) available, \(status.replicas) in all"
                    + " of \(deployment.replicas) wanted"
            }
        }
        for pod in pods where !pod.isFinished {
            let alive = world.host.machines[pod.nodeName]?.processes ?? [:]
            if !alive.values.contains(where: { $0.podUID == pod.meta.uid }) { return "pod \(pod.meta.name) is Running without a process" }
        }
        for node in world.host.nodes {
            for child in (world.host.machines[node]?.children.keys.sorted() ?? [])
            where !pods.contains(where: { $0.meta.uid == child.podUID }) {
                return "processes that \(child.container) has started run on \(node) for no pod"
            }
        }
        let processes = world.host.processes
        for process in processes where !pods.contains(where: { $0.meta.uid == process.podUID }) {
            return "\(process.name) (\(process.pid)) on \(process.node) runs for no pod"
        }
        if let problem = routes(registry.list(ListRequest(.services)).items.map { ObservedService($0) }, pods, world) { return problem }
        if world.now - world.lastChange < quietTime { return "the store still changes" }
        return nil
    }

    private static func routes(_ services: [ObservedService], _ pods: [ObservedPod], _ world: World) -> String? {
        var addresses: Set<String> = []
        for service in services {
            for pod in pods where pod.isActive && pod.isReady && service.selects(pod.meta.labels) { addresses.insert(pod.podIP) }
        }
        for (name, proxy) in world.host.proxies.sorted(by: { $0.key < $1.key }) {
            let routed = Set(proxy.readyAddresses.map { "\($0)".split(separator: ":")[0] }.map(String.init))
            if let missing = addresses.subtracting(routed).sorted().first { return "\(name) does not route to \(missing)" }
            if let extra = routed.subtracting(addresses).sorted().first { return "\(name) still routes to \(extra)" }
        }
        return nil
    }

    /// What a cache shows that the store does not have, or lacks. To be asked when nothing is under way.
    static func staleCache(in world: World) -> String? {
        guard let registry = world.host.server?.store.registry else { return nil }
        for cache in world.host.caches where !cache.life.isOver && world.host.isExpected(cache.life.name) {
            let stored = registry.list(cache.objects.list).items
            let name = "\(cache.life.name)'s cache of \(cache.objects.list.type.plural)"
            if stored.count != cache.objects.objects.count {
                return "\(name) has \(cache.objects.objects.count) of \(stored.count) objects"
            }
            guard cache.objects.list.type.isDurable else { continue }
            for object in stored {
                let metadata = object["metadata"]
                let key = ObjectKey(
                    cache.objects.list.type, namespace: metadata["namespace"].string ?? "", name: metadata["name"].string ?? "")
                if cache.objects[key]?["metadata"]["resourceVersion"] != metadata["resourceVersion"] {
                    return "\(name) has an old \(key.name)"
                }
            }
        }
        return nil
    }
}
