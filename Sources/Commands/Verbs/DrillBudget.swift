import Formats
import Resources
import Timing

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
        var out: [String] = []
        var covered: Set<String> = []
        for (budget, _, own) in claims {
            covered.formUnion(own.map(Self.uid))
            let status = budget.status
            let name = "the disruption budget \(budget.meta.namespace)/\(budget.meta.name)"
            let new = own.filter { status.disruptedPods[$0.name] == nil }
            guard status.observedGeneration >= budget.meta.generation else {
                out.append("\(name) is still being processed by the server")
                continue
            }
            guard new.count > status.disruptionsAllowed else { continue }
            out.append("\(name) allows \(status.disruptionsAllowed) pods to be missing now, and \(new.count) of its pods run there")
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

    /// What the drill takes off the budgets, as a granted eviction does: the pods are named, so that they are not counted as healthy for the moment in
    /// which nobody has noticed. Each holds only while the budget is as it was judged (409 else).
    func reservations(now: Timestamp) -> [Request] {
        claims.compactMap { budget, stored, own -> Request? in
            var status = budget.status
            let new = own.filter { status.disruptedPods[$0.name] == nil }
            guard !new.isEmpty else { return nil }
            status.disruptionsAllowed = max(0, status.disruptionsAllowed - new.count)
            for pod in new { status.disruptedPods[pod.name] = now }
            let body: Value = [
                "metadata": ["resourceVersion": stored["metadata"]["resourceVersion"]],
                "status": status.value(conditions: stored["status"]["conditions"], now: now),
            ]
            return .patch(budget.key, .merge(body), .status)
        }
    }

    /// Pods that serve and are to be lost.
    private var taken: [Value] { pods.filter { isServing($0) && nodes.contains($0["spec"]["nodeName"].string ?? "") } }

    /// Each budget of which something is to be lost, in the order of their keys, with what.
    private var claims: [(budget: DisruptionBudget, stored: Value, pods: [Value])] {
        let taken = taken
        return budgets.map { (DisruptionBudget($0), $0) }.sorted { $0.0.key < $1.0.key }.compactMap { budget, stored in
            let own = taken.filter { pod in
                pod.namespaceName == budget.meta.namespace && budget.selector?.matches(pod["metadata"]["labels"].stringMap) ?? false
            }
            return own.isEmpty ? nil : (budget, stored, own)
        }
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
