import Formats

/// Who writes which field: every field path and condition type has one writer (a few have a second one, for a named occasion).
///
/// Two writers of one field undo each other's work; this table is what the simulator holds every change against.
package enum Writers {
    /// Who may write a field.
    package enum Writer: String, Hashable, Sendable, CaseIterable {
        /// People and their tools, through the API.
        case user
        /// What the registry gives out at admission: addresses, ports, ranges, defaults.
        case admission
        /// The registry's own bookkeeping.
        case registry
        case autoscaler
        case deploymentPlan
        case replicaSetPlan
        case endpointPlan
        case scheduler
        case disruptionPlan
        /// The agent of the pod's or the lease's node, under its lease epoch.
        case nodeAgent
        /// Only once the node is fenced.
        case nodeHealth
        case namespacePlan
        case trafficPolicyPlan
        case proxy
        /// Whoever says what happened.
        case eventRecorder
    }

    /// A field path of a kind, and its one writer.
    package struct Rule: Sendable {
        /// Nil: every kind.
        package var type: ResourceType?
        /// Field names without indices; holds for everything below, unless a longer rule says otherwise.
        package var path: [String]
        /// One condition of `status.conditions`.
        package var condition: String?
        package var writers: Set<Writer>

        init(_ type: ResourceType?, _ path: String, condition: String? = nil, _ writers: Set<Writer>) {
            self.type = type
            self.path = path.split(separator: ".").map(String.init)
            self.condition = condition
            self.writers = writers
        }

        init(_ type: ResourceType?, annotation: String, _ writers: Set<Writer>) {
            self.type = type
            path = ["metadata", "annotations", annotation]
            self.writers = writers
        }
    }

    package static let rules: [Rule] = [
        // Names and labels belong to whoever makes the object.
        Rule(nil, "metadata", [.user]),
        Rule(nil, "metadata.uid", [.registry]), Rule(nil, "metadata.resourceVersion", [.registry]),
        Rule(nil, "metadata.generation", [.registry]),
        Rule(nil, "metadata.creationTimestamp", [.registry]), Rule(nil, "metadata.deletionTimestamp", [.registry]),
        Rule(nil, "metadata.deletionGracePeriodSeconds", [.registry]), Rule(nil, "metadata.managedFields", [.registry]),
        Rule(nil, "metadata.selfLink", [.registry]), Rule(nil, "metadata.generateName", [.user]),

        Rule(.pods, "spec", [.replicaSetPlan, .user]), Rule(.pods, "spec.nodeName", [.scheduler]),
        Rule(.pods, "metadata.ownerReferences", [.replicaSetPlan]),
        // Restarts are granted, and counted against budgets, where every request passes.
        Rule(.pods, annotation: RestartPermit.annotation, [.registry]),
        Rule(.pods, "status", [.nodeAgent, .nodeHealth]), Rule(.pods, "status.qosClass", [.admission]),
        Rule(.pods, "status.nominatedNodeName", [.scheduler]),
        Rule(.pods, "status.conditions", condition: Condition.podScheduled, [.scheduler]),
        Rule(.pods, "status.conditions", condition: Condition.withdrawn, [.endpointPlan]),

        Rule(.deployments, "spec", [.user]), Rule(.deployments, "spec.replicas", [.user, .autoscaler]),
        // The plan only where it was told to go back by itself.
        Rule(.deployments, "spec.template", [.user, .deploymentPlan]),
        Rule(.deployments, "status", [.deploymentPlan]), Rule(.deployments, "metadata.annotations", [.user, .deploymentPlan]),

        Rule(.replicaSets, "spec", [.deploymentPlan, .user]), Rule(.replicaSets, "metadata.labels", [.deploymentPlan, .user]),
        Rule(.replicaSets, "metadata.annotations", [.deploymentPlan, .user]),
        Rule(.replicaSets, "metadata.ownerReferences", [.deploymentPlan]),
        Rule(.replicaSets, "status", [.replicaSetPlan]),

        Rule(.services, "spec", [.user]), Rule(.services, "spec.clusterIP", [.admission]), Rule(.services, "spec.clusterIPs", [.admission]),
        Rule(.services, "spec.ports", [.user, .admission]), Rule(.services, "status", [.proxy]),

        Rule(.endpointSlices, "metadata", [.endpointPlan]), Rule(.endpointSlices, "endpoints", [.endpointPlan]),
        Rule(.endpointSlices, "ports", [.endpointPlan]), Rule(.endpointSlices, "addressType", [.endpointPlan]),

        // The registry takes each eviction off what the plan allows.
        Rule(.disruptionBudgets, "spec", [.user]), Rule(.disruptionBudgets, "status", [.disruptionPlan, .registry]),

        Rule(.nodes, "metadata", [.nodeAgent, .user]), Rule(.nodes, "spec", [.user]), Rule(.nodes, "spec.podCIDR", [.admission]),
        Rule(.nodes, "spec.podCIDRs", [.admission]), Rule(.nodes, "spec.taints", [.nodeHealth, .user]),
        Rule(.nodes, "status", [.nodeAgent]),
        Rule(.nodes, "status.conditions", condition: Condition.ready, [.nodeAgent, .nodeHealth]),

        Rule(.leases, "metadata", [.nodeAgent, .proxy]), Rule(.leases, "spec", [.nodeAgent, .proxy]),
        Rule(.namespaces, "spec", [.admission]), Rule(.namespaces, "spec.finalizers", [.admission, .namespacePlan]),
        Rule(.namespaces, "status", [.namespacePlan, .admission]),

        Rule(.configMaps, "data", [.user]), Rule(.configMaps, "binaryData", [.user]), Rule(.configMaps, "immutable", [.user]),
        Rule(.secrets, "data", [.user]), Rule(.secrets, "stringData", [.user]), Rule(.secrets, "type", [.user]),
        Rule(.secrets, "immutable", [.user]), Rule(.images, "spec", [.user]),
        Rule(.trafficPolicies, "spec", [.user]), Rule(.trafficPolicies, "status", [.trafficPolicyPlan]),
        Rule(.proxyStatuses, "metadata", [.proxy]), Rule(.proxyStatuses, "spec", [.proxy]), Rule(.proxyStatuses, "status", [.proxy]),
        Rule(.events, "", [.eventRecorder]),
    ]

    /// Who may write a field: by the longest rule, one for this kind before one for every kind. Empty: nobody.
    package static func writers(_ type: ResourceType, _ path: [String], condition: String? = nil) -> Set<Writer> {
        var best: (length: Int, writers: Set<Writer>)?
        for rule in rules where (rule.type == nil || rule.type == type) && path.starts(with: rule.path) {
            guard rule.condition == nil || rule.condition == condition else { continue }
            let length = rule.path.count * 4 + (rule.condition == nil ? 0 : 2) + (rule.type == nil ? 0 : 1)
            if length > best?.length ?? -1 { best = (length, rule.writers) }
        }
        return best?.writers ?? []
    }

    /// The fields that `writer` changed although they are another's, sorted; what the registry itself writes at every commit does not count.
    package static func trespasses(by writer: Writer, from old: Value, to new: Value, _ type: ResourceType) -> [String] {
        var found: [String] = []
        visit(old, new, [], writer, type, &found)
        return found.sorted()
    }

    private static func visit(_ old: Value, _ new: Value, _ path: [String], _ writer: Writer, _ type: ResourceType, _ found: inout [String])
    {
        if old == new { return }
        if path == ["status", "conditions"] {
            let (before, after) = ([Condition](conditions: old), [Condition](conditions: new))
            for name in Set((before + after).map(\.type)).sorted() where before[name] != after[name] {
                if !writers(type, path, condition: name).contains(writer) { found.append("status.conditions[\(name)]") }
            }
            return
        }
        let isDivided = path.isEmpty || path == ["status"] || rules.contains { $0.path.count > path.count && $0.path.starts(with: path) }
        if isDivided {
            for key in Set((old.object?.keys ?? []) + (new.object?.keys ?? [])).sorted() {
                visit(old[key], new[key], path + [key], writer, type, &found)
            }
            return
        }
        let allowed = writers(type, path)
        if !allowed.contains(writer), !allowed.contains(.registry) { found.append(path.joined(separator: ".")) }
    }
}
