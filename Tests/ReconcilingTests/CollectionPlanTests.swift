import Formats
import Reconciling
import Resources
import Testing
import Timing

@Suite struct CollectionPlanTests {
    let key = ObjectKey(.replicaSets, namespace: "default", name: "rs")

    func meta(_ name: String = "rs", owners: [String] = [], finalizers: [Value] = [], deleting: Bool = false) -> ObservedMeta {
        var value: Value = [
            "metadata": [
                "name": .string(name), "namespace": "default", "uid": .string("u-" + name), "resourceVersion": "3",
                "finalizers": .array(finalizers),
                "ownerReferences": .array(owners.map { Owner(apiVersion: "apps/v1", kind: "Deployment", name: $0, uid: "u-" + $0).value }),
            ]
        ]
        if deleting { value["metadata"]["deletionTimestamp"] = .string(start.rfc3339) }
        return ObservedMeta(value)
    }

    func plan(_ meta: ObservedMeta, _ owners: [CollectionPlan.OwnerState] = [], dependents: [String] = []) -> Plan {
        let below = dependents.map { (key: ObjectKey(.pods, namespace: "default", name: $0), meta: self.meta($0, owners: ["rs"])) }
        return CollectionPlan.plan(.init(key: key, meta: meta, owners: owners, dependents: below))
    }

    @Test func `what has a living owner stays, what has lost them all goes`() {
        #expect(plan(meta(owners: ["d"]), [.living]).changes.isEmpty)
        #expect(plan(meta(owners: ["d"]), [.absent]).deeds == ["delete rs"])
        #expect(plan(meta()).changes.isEmpty)
    }

    @Test func `a lost owner beside a living one is struck out`() {
        let made = plan(meta(owners: ["d", "e"]), [.absent, .living])
        #expect(made.body("patch rs")["metadata"]["ownerReferences"].elements.map { $0["name"] } == ["e"])
    }

    @Test func `an owner that waits takes its dependents with it, in the foreground when they have dependents`() {
        guard case .delete(_, let options) = plan(meta(owners: ["d"]), [.waiting], dependents: ["p"]).changes[0].request else {
            return _ = Issue.record("nothing is deleted")
        }
        #expect(options.propagation == .foreground)
    }

    @Test func `the foreground deletion ends with the last dependent that blocks it`() {
        let waiting = meta(finalizers: ["foregroundDeletion"], deleting: true)
        #expect(plan(waiting, dependents: ["p"]).changes.isEmpty)
        #expect(plan(waiting).body("patch rs")["metadata"].object?["finalizers"] == .null)
    }

    @Test func `orphaning lets the dependents go first`() {
        let orphaning = meta(finalizers: ["orphan", "mine"], deleting: true)
        #expect(plan(orphaning, dependents: ["p", "q"]).deeds == ["patch p", "patch q"])
        #expect(plan(orphaning).body("patch rs")["metadata"]["finalizers"] == ["mine"])
    }
}
