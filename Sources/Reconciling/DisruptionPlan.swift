import Formats
import Resources
import Timing

/// What plans read of a PodDisruptionBudget.
package struct ObservedBudget: Sendable {
    package var meta: ObservedMeta
    package var budget: DisruptionBudget
    /// `status` as stored.
    package var status: Value

    package init(_ value: Value) {
        meta = ObservedMeta(value)
        budget = DisruptionBudget(value)
        status = value["status"]
    }

    package var key: ObjectKey { meta.key(.disruptionBudgets) }
    /// Whether it counts a pod: an empty selector counts every one of its namespace, none at all counts nothing.
    package func selects(_ labels: [String: String]) -> Bool { budget.selector?.matches(labels) ?? false }
}

/// Counts the pods of a disruption budget and says how many of them evictions may take away now.
///
/// As Kubernetes' disruption controller: of a share the whole is what the pods' workloads ask for, rounded up; a pod is healthy when it is Ready,
/// not going, and was not evicted within the last two minutes. The registry takes each eviction off what is written here, so that no two
/// evictions use the same allowance.
package struct DisruptionPlan {
    package static let component = "disruption-controller"

    /// What the plan looks at.
    package struct View {
        package var budget: ObservedBudget
        /// The pods of its namespace that it selects.
        package var pods: [ObservedPod]
        /// The replicas that the workloads of these pods ask for, together.
        package var wantedReplicas: Int

        package init(budget: ObservedBudget, pods: [ObservedPod], wantedReplicas: Int) {
            self.budget = budget
            self.pods = pods
            self.wantedReplicas = wantedReplicas
        }
    }

    /// The status as it should be.
    package static func plan(_ view: View, now: Timestamp) -> Plan {
        var plan = Plan()
        let budget = view.budget.budget
        let pods = view.pods.filter { !$0.isFinished }
        let expected: Int
        let desired: Int
        switch (budget.minAvailable, budget.maxUnavailable) {
        case (_, let most?):
            expected = view.wantedReplicas
            desired = max(0, expected - most.resolved(of: expected, rounding: .up))
        case (.count(let least)?, nil):
            expected = pods.count
            desired = least
        case (let least?, nil):
            expected = view.wantedReplicas
            desired = least.resolved(of: expected, rounding: .up)
        case (nil, nil):
            expected = pods.count
            desired = 0
        }
        let disrupted = stillDisrupted(budget.status.disruptedPods, pods, now, &plan)
        let healthy = pods.count { $0.isReady && !$0.meta.isDeleting && disrupted[$0.meta.name] == nil }
        let status = DisruptionBudget.Status(
            observedGeneration: view.budget.meta.generation, disruptedPods: disrupted,
            disruptionsAllowed: expected > 0 ? max(0, healthy - desired) : 0, currentHealthy: healthy, desiredHealthy: desired,
            expectedPods: expected)
        plan.explanation.append(
            "\(healthy) of \(expected) pods are healthy and \(desired) must stay so: \(status.disruptionsAllowed) may be evicted")
        let value = status.value(conditions: view.budget.status["conditions"], now: now)
        guard value != view.budget.status else { return plan }
        // The whole status, and only while the budget is as it was seen: an eviction that was granted meanwhile is not forgotten.
        let body: Value = [
            "metadata": ["resourceVersion": .string(view.budget.meta.revision.description)],
            "status": .object(replacing(value, view.budget.status)),
        ]
        plan.changes.append(Change(.patch(view.budget.key, .merge(body), .status)))
        return plan
    }

    /// Evicted pods that are still there, and those about to be restarted, within the time in which they must go. Named here rather than counted: they may be Ready yet.
    private static func stillDisrupted(
        _ recorded: [String: Timestamp], _ pods: [ObservedPod], _ now: Timestamp, _ plan: inout Plan
    ) -> [String: Timestamp] {
        var out: [String: Timestamp] = [:]
        for pod in pods where !pod.meta.isDeleting {
            guard let since = recorded[pod.meta.name], pod.meta.creation <= since else { continue }
            // Recorded for a restart that has come: from then on its readiness counts.
            if let trial = pod.restartTrial, trial.permit?.at == since, trial.permit?.isUsed(restartTotal: trial.restartTotal) == true {
                continue
            }
            let left = since + DisruptionBudget.Status.disruptionTimeout - now
            guard left > .zero else { continue }
            out[pod.meta.name] = since
            plan.lookAgain(after: left)
        }
        return out
    }

    /// As a merge patch that leaves nothing of what was there: names that are not among the evicted pods any more are taken out by name.
    private static func replacing(_ status: Value, _ old: Value) -> Object {
        var out = status.object ?? [:]
        guard var disrupted = out["disruptedPods"]?.object else {
            out["disruptedPods"] = .some(.null)
            return out
        }
        for (name, _) in old["disruptedPods"].object ?? [:] where disrupted[name] == nil { disrupted[name] = .some(.null) }
        out["disruptedPods"] = .object(disrupted)
        return out
    }
}
