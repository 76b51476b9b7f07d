import Formats
import Resources

/// What a PodDisruptionBudget allows, and whom it keeps waiting. Refusals are not recorded: who waits is seen from the pods and their nodes.
extension Scene {
    var budget: Cause {
        let budget = DisruptionBudget(object)
        let status = budget.status
        let name = "pdb/\(object.name)"
        if pods.isEmpty { return Cause("\(name) holds for no pod", because: [Cause("no pod has the labels that it selects")]) }
        if status.observedGeneration < budget.meta.generation {
            return Cause("\(name) was changed, and its controller has not come to it yet: nothing may go until then")
        }
        var because: [Cause] = []
        let unready = pods.filter { condition("Ready", of: $0)["status"].string != "True" }
        for (gone, at) in status.disruptedPods.sorted(by: { $0.key < $1.key }) {
            because.append(Cause("pod/\(gone) was let go \(age(.string(at.rfc3339)) ?? "") ago"))
        }
        because += unready.prefix(Self.waitingLimit).map { pod($0, isSubject: false) }
        if status.disruptionsAllowed == 0 {
            if status.desiredHealthy >= status.expectedPods, status.expectedPods > 0 {
                because.append(Cause("it needs every one of its pods: nothing may ever go but what is replaced first"))
            }
            because += waiting
        }
        let allowed = status.disruptionsAllowed == 0 ? "none" : "\(status.disruptionsAllowed)"
        return Cause(
            "\(name) lets \(allowed) of its \(status.expectedPods) pods go now: \(status.desiredHealthy) have to be healthy, \(status.currentHealthy) are",
            because: because)
    }

    /// Those that the budget holds up.
    private var waiting: [Cause] {
        var out: [Cause] = []
        for pod in pods.sorted(by: { $0.name < $1.name }) {
            let held = condition(Condition.restartHeldBack, of: pod)
            if held["status"].string == "True" {
                out.append(Cause("pod/\(pod.name) waits for its restart: \(held["message"].plainText)"))
            } else if EvictionRequest.isMade(of: pod) {
                out.append(Cause("pod/\(pod.name) is to go, and waits until its replacement is available"))
            } else if let node = pod["spec"]["nodeName"].string, cordoned.contains(node) {
                out.append(Cause("a drain of node/\(node), which is cordoned, waits for it: pod/\(pod.name) runs there"))
            }
        }
        let rest = out.count - Self.waitingLimit
        return rest > 0 ? out.prefix(Self.waitingLimit) + [Cause("\(rest) more pods wait")] : out
    }

    /// What a drain of the node has to wait for, where it is cordoned.
    var drainObstacles: [Cause] {
        guard object["spec"]["unschedulable"].bool == true else { return [] }
        return budgets.map { DisruptionBudget($0) }.filter { $0.status.disruptionsAllowed == 0 }.compactMap { budget in
            let own = pods.filter { pod in
                pod.namespaceName == budget.meta.namespace && budget.selector?.matches(pod["metadata"]["labels"].stringMap) ?? false
            }
            guard !own.isEmpty else { return nil }
            let names = own.prefix(Self.waitingLimit).map { "pod/\($0.name)" }.joined(separator: ", ")
            return Cause(
                "a drain of it has to wait: pdb/\(budget.meta.name) lets none of its pods go now (\(names)); \"steady drain \(object.name)\" replaces them first"
            )
        }
    }

    /// Of a kind, told one by one.
    private static var waitingLimit: Int { 5 }
}
