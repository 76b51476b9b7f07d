import Formats

/// Kubernetes' defaults of pod specs.
enum PodDefaults {
    /// What holds for pods and for the templates of workloads.
    static func apply(_ spec: inout Object) {
        spec.setDefault("restartPolicy", "Always")
        spec.setDefault("terminationGracePeriodSeconds", 30)
        spec.setDefault("dnsPolicy", "ClusterFirst")
        spec.setDefault("securityContext", [:])
        spec.setDefault("schedulerName", "default-scheduler")
        // The old name and the new one say the same.
        if let name = spec["serviceAccountName"] ?? spec["serviceAccount"] {
            spec.setDefault("serviceAccountName", name)
            spec.setDefault("serviceAccount", name)
        }
        let isHostNetwork = spec["hostNetwork"] == true
        for list in ["initContainers", "containers", "ephemeralContainers"] {
            spec.updateEach(list) { apply(container: &$0, isHostNetwork: isHostNetwork) }
        }
        spec.updateEach("volumes") { apply(volume: &$0) }
        spec.updateObject("overhead") { $0.canonicalizeQuantities() }
    }

    /// What holds for pods only, not for templates.
    static func applyToPodItself(_ spec: inout Object) {
        spec.setDefault("enableServiceLinks", true)
        spec.setDefault("serviceAccountName", "default")
        let account = spec["serviceAccountName"] ?? "default"
        spec.setDefault("serviceAccount", account)
        let priorityClass = spec["priorityClassName"]?.string
        spec.setDefault("priority", .int(PriorityClasses.priority(of: priorityClass)))
        spec.setDefault("preemptionPolicy", "PreemptLowerPriority")
        for list in ["initContainers", "containers"] {
            spec.updateEach(list) { container in
                container.updateObject("resources") { resources in
                    // What has a limit and no request, requests its limit.
                    guard case .object(let limits)? = resources["limits"], !limits.isEmpty else { return }
                    resources.ensureObject("requests") { requests in
                        for (name, amount) in limits where name != ResourceRequirements.processes { requests.setDefault(name, amount) }
                    }
                }
            }
        }
    }

    private static func apply(container: inout Object, isHostNetwork: Bool) {
        container.setDefault("terminationMessagePath", "/dev/termination-log")
        container.setDefault("terminationMessagePolicy", "File")
        if case .string(let image)? = container["image"] {
            container.setDefault("imagePullPolicy", ImageReference.isLatest(image) ? "Always" : "IfNotPresent")
        } else {
            container.setDefault("imagePullPolicy", "IfNotPresent")
        }
        container.ensureObject("resources") { resources in
            for list in ["limits", "requests"] { resources.updateObject(list) { $0.canonicalizeQuantities() } }
        }
        container.updateEach("ports") { port in
            port.setDefault("protocol", "TCP")
            if isHostNetwork, let number = port["containerPort"] { port.setDefault("hostPort", number) }
        }
        container.updateEach("env") { variable in variable.updateObject("valueFrom") { apply(source: &$0) } }
        for probe in ["livenessProbe", "readinessProbe", "startupProbe"] { container.updateObject(probe) { apply(probe: &$0) } }
        container.updateObject("lifecycle") { hooks in
            for hook in ["postStart", "preStop"] { hooks.updateObject(hook) { applyHTTPGet(&$0) } }
        }
    }

    private static func apply(probe: inout Object) {
        probe.setDefaultOverZero("timeoutSeconds", 1)
        probe.setDefaultOverZero("periodSeconds", 10)
        probe.setDefaultOverZero("successThreshold", 1)
        probe.setDefaultOverZero("failureThreshold", 3)
        applyHTTPGet(&probe)
        probe.updateObject("grpc") { $0.setDefault("service", "") }
    }

    private static func applyHTTPGet(_ handler: inout Object) {
        handler.updateObject("httpGet") { get in
            get.setDefault("path", "/")
            get.setDefault("scheme", "HTTP")
        }
    }

    private static func apply(source: inout Object) {
        source.updateObject("fieldRef") { $0.setDefault("apiVersion", "v1") }
        source.updateObject("resourceFieldRef") { reference in
            reference.setDefault("divisor", "0")
        }
    }

    private static func apply(volume: inout Object) {
        if volume.allSatisfy({ $0.key == "name" || $0.value.isNull }) { volume["emptyDir"] = [:] }
        for source in ["secret", "configMap", "downwardAPI", "projected"] {
            volume.updateObject(source) { $0.setDefault("defaultMode", 0o644) }
        }
        volume.updateObject("hostPath") { $0.setDefault("type", "") }
        volume.updateObject("emptyDir") { directory in
            if let limit = directory["sizeLimit"], let quantity = Quantity(reading: limit) {
                directory["sizeLimit"] = .string(quantity.description)
            }
        }
        volume.updateObject("downwardAPI") { api in api.updateEach("items") { apply(source: &$0) } }
        volume.updateObject("projected") { projected in
            projected.updateEach("sources") { source in
                source.updateObject("downwardAPI") { api in api.updateEach("items") { apply(source: &$0) } }
                source.updateObject("serviceAccountToken") { $0.setDefault("expirationSeconds", 3600) }
            }
        }
    }

    /// Kubernetes' quality of service: Guaranteed where every container has equal cpu and memory requests and limits, BestEffort where none has
    /// any, else Burstable.
    static func qualityOfService(_ spec: PodSpec) -> String {
        let relevant = ["cpu", "memory"]
        let all = (spec.containers + spec.initContainers).map(\.resources)
        let isAny = all.contains { resources in
            relevant.contains { (resources.requests[$0] ?? .zero) > .zero || (resources.limits[$0] ?? .zero) > .zero }
        }
        if !isAny { return "BestEffort" }
        let isGuaranteed = all.allSatisfy { resources in
            relevant.allSatisfy { name in
                guard let limit = resources.limits[name], limit > .zero else { return false }
                return (resources.requests[name] ?? limit) == limit
            }
        }
        return isGuaranteed ? "Guaranteed" : "Burstable"
    }
}
