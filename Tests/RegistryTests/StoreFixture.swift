import Formats
import Registry
import Resources
import Testing
import Timing

/// A registry whose journal always works at once, unless a test holds it back.
struct StoreFixture {
    var registry: Registry
    var random = SeededRandom(seed: 1)
    var now = Timestamp(rfc3339: "2026-01-01T00:00:00Z")!
    /// Every record that was to be journalled.
    var records: [RegistryRecord] = []
    var published: [PublishedEvent] = []

    init(_ settings: RegistrySettings = RegistrySettings()) {
        registry = Registry(settings: settings)
        records = registry.bootstrap(now: now, random: &random)
        published = registry.durable(through: registry.tipRevision)
    }

    /// Submits without making anything durable.
    mutating func submit(_ request: Request) -> Submission {
        let submission = registry.submit(request, now: now, random: &random)
        if case .commit(let ticket) = submission { records += ticket.records }
        return submission
    }

    /// Submits, makes it durable, answers.
    @discardableResult
    mutating func perform(_ request: Request) throws -> Reply {
        switch submit(request) {
        case .reply(let result, _): return try result.get()
        case .commit(let ticket):
            published += registry.durable(through: ticket.revision)
            return ticket.reply
        }
    }

    /// The refusal that a request gets.
    mutating func refusal(_ request: Request, sourceLocation: SourceLocation = #_sourceLocation) -> StatusError? {
        do {
            try perform(request)
            Issue.record("it was not refused", sourceLocation: sourceLocation)
            return nil
        } catch { return error as? StatusError }
    }

    mutating func create(_ value: Value, _ type: ResourceType, namespace: String = "default") throws -> Value {
        try perform(.create(value, type: type, namespace: namespace)).object
    }

    func object(_ key: ObjectKey) -> Value? { registry.object(key) }

    /// What a restart makes of the records, also as another instance.
    func restarted(_ settings: RegistrySettings? = nil) throws -> Registry {
        var recovery = Recovery(settings: settings ?? registry.settings)
        for record in records { try recovery.add(record.head + record.body, at: record.revision) }
        return try recovery.registry()
    }
}

enum Sample {
    static func pod(_ name: String, node: String? = nil, finalizers: [String] = [], labels: [String: String] = [:]) -> Value {
        var pod: Value = ["metadata": ["name": .string(name)], "spec": ["containers": [["name": "c", "image": "web"]]]]
        if let node { pod["spec"]["nodeName"] = .string(node) }
        if !finalizers.isEmpty { pod["metadata"]["finalizers"] = .array(finalizers.map { .string($0) }) }
        if !labels.isEmpty { pod["metadata"]["labels"] = .strings(labels) }
        return pod
    }

    static func podKey(_ name: String) -> ObjectKey { ObjectKey(.pods, namespace: "default", name: name) }

    static func configMap(_ name: String, _ value: String = "1", labels: [String: String] = [:]) -> Value {
        var map: Value = ["metadata": ["name": .string(name)], "data": ["a": .string(value)]]
        if !labels.isEmpty { map["metadata"]["labels"] = .strings(labels) }
        return map
    }

    static func configMapKey(_ name: String) -> ObjectKey { ObjectKey(.configMaps, namespace: "default", name: name) }

    static func service(_ name: String, type: String = "ClusterIP", nodePort: Int64? = nil, clusterIP: String? = nil, port: Int64 = 80)
        -> Value
    {
        var service: Value = [
            "metadata": ["name": .string(name)],
            "spec": ["type": .string(type), "selector": ["app": "web"], "ports": [["port": .int(port)]]],
        ]
        if let nodePort { service["spec"]["ports"] = [["port": .int(port), "nodePort": .int(nodePort)]] }
        if let clusterIP { service["spec"]["clusterIP"] = .string(clusterIP) }
        return service
    }

    static func serviceKey(_ name: String) -> ObjectKey { ObjectKey(.services, namespace: "default", name: name) }

    static func deployment(_ name: String, replicas: Int64 = 2) -> Value {
        [
            "metadata": ["name": .string(name)],
            "spec": [
                "replicas": .int(replicas), "selector": ["matchLabels": ["app": "web"]],
                "template": ["metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "c", "image": "web"]]]],
            ],
        ]
    }

    static func deploymentKey(_ name: String) -> ObjectKey { ObjectKey(.deployments, namespace: "default", name: name) }
}
