import Formats
import Reconciling
import Resources
import Testing
import Timing

@Suite struct NamespacePlanTests {
    let shop: Value = [
        "metadata": ["name": "shop", "uid": "n", "deletionTimestamp": "2026-01-01T00:00:00Z"], "spec": ["finalizers": ["kubernetes"]],
    ]

    private func plan(_ namespace: Value, _ pods: [ObservedMeta]) -> Plan {
        NamespacePlan.plan(
            .init(namespace: namespace, remaining: pods.map { (key: $0.key(.pods), meta: $0) }), now: Timestamp(secondsSince1970: 0))
    }

    @Test func `one that waits says for what, once`() {
        var going = pod("p", deleting: true).meta
        going.finalizers = ["example.com/x"]
        let said = plan(shop, [going]).body("status shop")["status"]
        #expect(
            said["conditions"].elements.map { $0["message"].string } == [
                "Some resources are remaining: pods has 1 resource instances",
                "Some content in the namespace has finalizers remaining: example.com/x in 1 resource instances",
            ])
        var waiting = shop
        waiting["status"] = said
        #expect(plan(waiting, [going]).changes.isEmpty)
    }

    @Test func `it is emptied, then let go`() {
        let inside = pod("p").meta
        let full = plan(shop, [inside])
        #expect(full.deeds == ["delete p"])
        let going = pod("p", deleting: true).meta
        #expect(plan(shop, [going]).deeds == ["status shop"])
        let empty = plan(shop, [])
        #expect(empty.body("patch shop") == ["spec": ["finalizers": []]])
    }

    @Test func `a living namespace is left alone`() {
        #expect(plan(["metadata": ["name": "shop"]], []).changes.isEmpty)
    }
}
