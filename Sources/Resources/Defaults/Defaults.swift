import Formats

/// Fills in what a manifest leaves out, as Kubernetes does, so that everybody who reads an object reads whole fields.
///
/// Applied BEFORE validation, at every create and update. A second application changes nothing.
package enum Defaults {
    /// Fills in what Kubernetes fills in for fields that were left out.
    package static func apply(_ value: inout Value, _ type: ResourceType) {
        guard case .object(var object) = value else { return }
        // The tree is let go of here, so that changes below happen in place.
        value = .null
        switch (type.group, type.plural) {
        case ("", "pods"): applyPod(&object)
        case ("apps", "deployments"): applyDeployment(&object)
        case ("apps", "replicasets"): applyReplicaSet(&object)
        case ("", "services"): ServiceDefaults.apply(&object)
        case ("", "namespaces"): applyNamespace(&object)
        case ("", "nodes"): applyNode(&object)
        case ("", "secrets"): applySecret(&object)
        case ("discovery.k8s.io", "endpointslices"): applyEndpointSlice(&object)
        case ("steady.dev", "images"):
            object.updateObject("spec") { spec in spec.updateEach("ports") { $0.setDefault("protocol", "TCP") } }
        default: break
        }
        value = .object(object)
    }

    private static func applyPod(_ pod: inout Object) {
        pod.updateObject("spec") { spec in
            PodDefaults.apply(&spec)
            PodDefaults.applyToPodItself(&spec)
        }
        let spec = pod["spec"] ?? .null
        pod.ensureObject("status") { status in
            status.setDefault("phase", "Pending")
            status.setDefault("qosClass", .string(PodDefaults.qualityOfService(PodSpec(spec))))
        }
    }

    private static func applyDeployment(_ deployment: inout Object) {
        deployment.updateObject("spec") { spec in
            spec.setDefault("replicas", 1)
            spec.ensureObject("strategy") { strategy in
                strategy.setDefault("type", "RollingUpdate")
                guard strategy["type"] == "RollingUpdate" else { return }
                strategy.ensureObject("rollingUpdate") { rolling in
                    rolling.setDefault("maxUnavailable", "25%")
                    rolling.setDefault("maxSurge", "25%")
                }
            }
            spec.setDefault("revisionHistoryLimit", 10)
            spec.setDefault("progressDeadlineSeconds", 600)
            spec.updateObject("template") { template in template.updateObject("spec") { PodDefaults.apply(&$0) } }
        }
        deployment.setDefault("status", [:])
    }

    private static func applyReplicaSet(_ set: inout Object) {
        set.updateObject("spec") { spec in
            spec.setDefault("replicas", 1)
            spec.updateObject("template") { template in template.updateObject("spec") { PodDefaults.apply(&$0) } }
        }
        set.ensureObject("status") { $0.setDefault("replicas", 0) }
    }

    private static func applyNamespace(_ namespace: inout Object) {
        namespace.ensureObject("spec") { $0.setDefault("finalizers", ["kubernetes"]) }
        namespace.ensureObject("status") { $0.setDefault("phase", "Active") }
        namespace.ensureObject("metadata") { metadata in
            guard let name = metadata["name"], case .string = name else { return }
            metadata.ensureObject("labels") { $0["kubernetes.io/metadata.name"] = name }
        }
    }

    private static func applyNode(_ node: inout Object) {
        node.setDefault("spec", [:])
        node.ensureObject("status") { status in
            for list in ["capacity", "allocatable"] { status.updateObject(list) { $0.canonicalizeQuantities() } }
            if let capacity = status["capacity"] { status.setDefault("allocatable", capacity) }
        }
    }

    /// `stringData` is written only: it wins over `data` and is never stored.
    private static func applySecret(_ secret: inout Object) {
        secret.setDefault("type", "Opaque")
        guard case .object(let plain)? = secret["stringData"] else { return }
        secret["stringData"] = nil
        if plain.isEmpty { return }
        secret.ensureObject("data") { data in
            for (key, text) in plain { if case .string(let text) = text { data[key] = .string(Base64.encode(text.utf8)) } }
        }
    }

    private static func applyEndpointSlice(_ slice: inout Object) {
        slice.setDefault("endpoints", [])
        slice.updateEach("ports") { port in
            port.setDefault("name", "")
            port.setDefault("protocol", "TCP")
        }
    }
}

extension Object {
    /// Sets a member that is absent, null or an empty string, which Kubernetes' clients take for the same.
    mutating func setDefault(_ key: String, _ value: @autoclosure () -> Value) {
        switch self[key] {
        case nil, .null?, .string("")?: self[key] = value()
        default: break
        }
    }

    /// Sets a number that is absent or 0.
    mutating func setDefaultOverZero(_ key: String, _ number: Int64) {
        if self[key] == 0 { self[key] = .int(number) } else { setDefault(key, .int(number)) }
    }

    /// Changes a member that is an object; leaves anything else alone (validation names it).
    mutating func updateObject(_ key: String, _ body: (inout Object) -> Void) {
        guard case .object? = self[key] else { return }
        update(key) { $0.updateObject(body) }
    }

    /// Changes a member that is an object, making one where there is none.
    mutating func ensureObject(_ key: String, _ body: (inout Object) -> Void) {
        setDefault(key, [:])
        updateObject(key, body)
    }

    /// Changes every object of a list.
    mutating func updateEach(_ key: String, _ body: (inout Object) -> Void) {
        guard case .array? = self[key] else { return }
        update(key) { value in
            guard case .array(var list) = value else { return }
            value = .null
            for index in list.indices { list[index].updateObject(body) }
            value = .array(list)
        }
    }

    /// Writes every member that is a quantity in its canonical form: `0.5` as `500m`.
    mutating func canonicalizeQuantities() {
        for key in keys {
            if let value = self[key], let quantity = Quantity(reading: value) {
                let text = quantity.description
                if value != .string(text) { self[key] = .string(text) }
            }
        }
    }
}

extension Value {
    fileprivate mutating func updateObject(_ body: (inout Object) -> Void) {
        guard case .object(var object) = self else { return }
        self = .null
        body(&object)
        self = .object(object)
    }
}
