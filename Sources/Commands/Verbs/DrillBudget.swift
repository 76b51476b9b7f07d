import Formats
import Resources

/// What a drill would take, against the budgets that evictions and restarts are held to.
///
/// A disruption budget is its user's word and holds for drills as it stands. Where there is none a drill may take more than the standard share, for
/// that is what it tries, but only of a workload of which nothing is missing yet: two losses at a time are no drill.
struct DrillBudget {
    /// Of the nodes that are to fail.
    var nodes: Set<String>
    /// That have failed already: what the server believes of their pods may be older.
    var lost: Set<String> = []
    var pods: [Value]
    var sets: [Value]
    var deployments: [Value]
    var budgets: [Value]

    /// Why the drill is not to be now, one sentence for each budget; empty: it may begin.
    var refusals: [String] {
        let taken = pods.filter { isServing($0) && nodes.contains($0["spec"]["nodeName"].string ?? "") }
        var out: [String] = []
        var covered: Set<String> = []
        for budget in budgets.map({ DisruptionBudget($0) }).sorted(by: { $0.key < $1.key }) {
            let own = taken.filter { pod in
                pod.namespaceName == budget.meta.namespace && budget.selector?.matches(pod["metadata"]["labels"].stringMap) ?? false
            }
            covered.formUnion(own.map(Self.uid))
            guard own.count > budget.status.disruptionsAllowed else { continue }
            out.append(
                "the disruption budget \(budget.meta.namespace)/\(budget.meta.name) allows \(budget.status.disruptionsAllowed) pods to be missing now, and \(own.count) of its pods run there"
            )
        }
        var counts: [String: Int] = [:]
        for pod in taken where !covered.contains(Self.uid(pod)) {
            if let workload = workload(of: pod) { counts[workload, default: 0] += 1 }
        }
        for (workload, count) in counts.sorted(by: { name($0.key) < name($1.key) }) {
            let wanted = wanted(workload)
            let missing = wanted - pods.count { isServing($0) && self.workload(of: $0) == workload }
            guard missing > 0, missing + count > DisruptionBudget.standardShare(of: wanted) else { continue }
            out.append("of \(name(workload)) \(missing) of \(wanted) replicas are missing already, and \(count) run there")
        }
        return out
    }

    private func isServing(_ pod: Value) -> Bool {
        !lost.contains(pod["spec"]["nodeName"].string ?? "") && pod["metadata"]["deletionTimestamp"].isNull
            && !EvictionRequest.isMade(of: pod)
            && pod["status"]["conditions"].elements.contains { $0["type"].string == Condition.ready && $0["status"].string == "True" }
    }

    private static func uid(_ object: Value) -> String { object["metadata"]["uid"].string ?? "" }

    private static func controller(_ object: Value) -> String? {
        object["metadata"]["ownerReferences"].elements.first { $0["controller"].bool == true }?["uid"].string
    }

    /// The uid of the Deployment or the ReplicaSet that wants the pod; nil for one by itself.
    private func workload(of pod: Value) -> String? {
        guard let owner = Self.controller(pod), let set = sets.first(where: { Self.uid($0) == owner }) else { return nil }
        guard let above = Self.controller(set), deployments.contains(where: { Self.uid($0) == above }) else { return owner }
        return above
    }

    private func object(_ uid: String) -> Value { (deployments + sets).first { Self.uid($0) == uid } ?? .null }
    private func wanted(_ uid: String) -> Int { Int(object(uid)["spec"]["replicas"].int ?? 1) }
    private func name(_ uid: String) -> String { "\(object(uid).namespaceName)/\(object(uid).name)" }
}
