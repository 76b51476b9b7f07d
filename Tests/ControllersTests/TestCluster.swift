import APIClient
import Controllers
import Formats
import Foundation
import Linux
import Resources
import Storage
import Testing
import Timing

/// The real store behind the controllers' protocol.
final class StorageAPI: ResourceAPI {
    let storage: Storage
    var loop: EventLoop { storage.loop }
    /// While it hangs nothing is answered, as when its disk does not come back from a sync.
    var hangs = false { didSet { if !hangs { goOn() } } }
    private var held: [() -> Void] = []

    init(_ storage: Storage) { self.storage = storage }

    func perform(_ request: Request, _ done: @escaping (Result<Reply, StatusError>) -> Void) {
        guard hangs else { return storage.perform(request, done) }
        held.append { [storage] in storage.perform(request, done) }
    }

    private func goOn() {
        let waiting = held
        held = []
        for request in waiting { request() }
    }

    func watch(_ list: ListRequest, from: Revision?, _ onEvent: @escaping (WatchSignal) -> Void) -> Cancellation {
        storage.watch(list, from: from, onEvent)
    }
}

/// A store in a temporary directory, the controllers on it, and agents that only write what agents write.
final class TestCluster {
    let loop: EventLoop
    let storage: Storage
    let api: StorageAPI
    private(set) var controllers: ControllerLoops!
    private let directory: String
    let pods: ObjectCache
    let slices: ObjectCache
    let deployments: ObjectCache
    let events: ObjectCache
    /// Whether a pod gets ready once it runs.
    var becomesReady: (Value) -> Bool = { _ in true }
    /// Nodes whose agents do nothing.
    var silent: Set<String> = []
    var fenced: [String] = []
    /// Answers in place of what fences at once.
    var fence: NodeFence?
    private var nextAddress: UInt32 = 1
    private var addresses: [String: String] = [:]

    init(nodes: [(name: String, zone: String)] = [("a1", "a"), ("b1", "b"), ("c1", "c")], leaseSeconds: Int64 = 10) throws {
        directory = NSTemporaryDirectory() + "steady-controllers-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        loop = try EventLoop()
        storage = try Storage(loop: loop, directory: directory)
        api = StorageAPI(storage)
        pods = ObjectCache(api: api, list: ListRequest(.pods))
        slices = ObjectCache(api: api, list: ListRequest(.endpointSlices))
        deployments = ObjectCache(api: api, list: ListRequest(.deployments))
        events = ObjectCache(api: api, list: ListRequest(.events))
        slices.start(onChange: { _, _, _ in })
        deployments.start(onChange: { _, _, _ in })
        events.start(onChange: { _, _, _ in })
        pods.start(onChange: { [unowned self] key, _, new in if let new { agent(key, new) } })
        for node in nodes {
            create(.nodes, Self.node(node.name, zone: node.zone))
            renew(node.name, seconds: leaseSeconds)
        }
        controllers = ControllerLoops(api: api) { [unowned self] node, isWanted, done in
            if let fence { return fence(node, isWanted, done) }
            fenced.append(node)
            loop.later { done(true) }
        }
        controllers.start()
        let isRunning = loop.runUntil(within: .seconds(60)) { controllers.isRunning }
        #expect(isRunning)
    }

    func close() {
        storage.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    static func node(_ name: String, zone: String, cpu: Value = "8") -> Value {
        [
            "apiVersion": "v1", "kind": "Node",
            "metadata": [
                "name": .string(name), "labels": ["topology.kubernetes.io/zone": .string(zone), "kubernetes.io/hostname": .string(name)],
            ],
            "status": [
                "capacity": ["cpu": cpu, "memory": "16Gi", "pods": 1000], "allocatable": ["cpu": cpu, "memory": "16Gi", "pods": 1000],
                "conditions": [
                    ["type": "Ready", "status": "True", "reason": "KubeletReady", "lastTransitionTime": "2026-01-01T00:00:00Z"]
                ],
            ],
        ]
    }

    // MARK: Requests

    func list(_ type: ResourceType) -> [Value] {
        if case .success(let reply) = perform(.list(ListRequest(type))) { reply.items } else { [] }
    }

    @discardableResult
    func perform(_ request: Request) -> Result<Reply, StatusError> {
        var answer: Result<Reply, StatusError>?
        api.perform(request) { answer = $0 }
        let isAnswered = loop.runUntil(within: .seconds(60)) { answer != nil }
        #expect(isAnswered)
        return answer ?? .failure(.internalError("no answer"))
    }

    func create(_ type: ResourceType, _ object: Value, namespace: String = "default") {
        if case .failure(let error) = perform(.create(object, type: type, namespace: namespace)) { Issue.record("\(error)") }
    }

    func patch(_ key: ObjectKey, _ body: Value) {
        if case .failure(let error) = perform(.patch(key, .merge(body))) { Issue.record("\(error)") }
    }

    func renew(_ node: String, seconds: Int64 = 10) {
        let spec: Value = [
            "holderIdentity": .string(node), "leaseDurationSeconds": .int(seconds), "leaseTransitions": 0,
            "renewTime": .string(Clock.realtime().rfc3339Micro),
        ]
        let key = ObjectKey(.leases, namespace: "kube-node-lease", name: node)
        if storage.object(key) == nil {
            create(.leases, ["metadata": ["name": .string(node)], "spec": spec], namespace: "kube-node-lease")
        } else {
            patch(key, ["spec": ["renewTime": spec["renewTime"]]])
        }
    }

    func deployment(
        _ name: String = "web", replicas: Int64 = 3, image: String = "web:v1", strategy: Value = .null, cpu: Value = .null
    ) -> Value {
        var out: Value = [
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": .string(name)],
            "spec": [
                "replicas": .int(replicas), "selector": ["matchLabels": ["app": .string(name)]],
                "template": [
                    "metadata": ["labels": ["app": .string(name)]],
                    "spec": [
                        "containers": [["name": "web", "image": .string(image), "ports": [["name": "http", "containerPort": 8080]]]]
                    ],
                ],
            ],
        ]
        if !strategy.isNull { out["spec"]["strategy"] = strategy }
        if !cpu.isNull {
            out["spec"]["template"]["spec"]["containers"] = [
                ["name": "web", "image": .string(image), "resources": ["requests": ["cpu": cpu]]]
            ]
        }
        return out
    }

    func service(_ name: String = "web") -> Value {
        [
            "apiVersion": "v1", "kind": "Service", "metadata": ["name": .string(name)],
            "spec": ["selector": ["app": .string(name)], "ports": [["name": "http", "port": 80, "targetPort": "http"]]],
        ]
    }

    func wait(_ what: Comment, seconds: Int = 10, location: SourceLocation = #_sourceLocation, _ done: () -> Bool) {
        let isDone = loop.runUntil(within: .seconds(seconds), done)
        #expect(isDone, what, sourceLocation: location)
    }

    // MARK: What can be seen

    var readyPods: [Pod] { pods.all.map { Pod($0) }.filter { $0.isReady && !$0.isTerminating } }
    var readyEndpointCount: Int { slices.all.flatMap { EndpointSlice($0).endpoints }.count { $0.isReady } }
    func isComplete(_ name: String = "web") -> Bool {
        guard let value = deployments["default", name] else { return false }
        let deployment = Deployment(value)
        let status = deployment.status
        return status.observedGeneration >= deployment.meta.generation && status.updatedReplicas == deployment.replicas
            && status.replicas == deployment.replicas && status.availableReplicas == deployment.replicas
    }

    // MARK: Agents

    private func agent(_ key: ObjectKey, _ value: Value) {
        let pod = Pod(value)
        guard !pod.spec.nodeName.isEmpty, !silent.contains(pod.spec.nodeName) else { return }
        if pod.isTerminating {
            guard pod.status.conditions.isTrue(Condition.withdrawn) else { return }
            api.perform(.delete(key, DeleteOptions(gracePeriodSeconds: 0, preconditionUID: pod.meta.uid))) { _ in }
        } else if addresses[pod.meta.uid] == nil {
            let address = "127.64.\(nextAddress / 250).\(nextAddress % 250 + 1)"
            nextAddress += 1
            addresses[pod.meta.uid] = address
            report(key, pod.meta.uid, address: address, isReady: becomesReady(value))
        }
    }

    func report(_ key: ObjectKey, _ uid: String, address: String? = nil, isReady: Bool) {
        var status: Value = [
            "phase": "Running",
            "conditions": [
                ["type": "Ready", "status": isReady ? "True" : "False", "lastTransitionTime": .string(Clock.realtime().rfc3339)]
            ],
        ]
        if let address { status["podIP"] = .string(address) }
        api.perform(.patch(key, .strategic(["metadata": ["uid": .string(uid)], "status": status]), .status)) { _ in }
    }
}
