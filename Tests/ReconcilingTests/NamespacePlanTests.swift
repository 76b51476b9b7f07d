import Formats
import Reconciling
import Resources
import Testing
import Timing

@Suite struct NamespacePlanTests {
    let shop: Value = [
        "metadata": ["name": "shop", "uid": "n", "deletionTimestamp": "2026-01-01T00:00:00Z"], "spec": ["finalizers": ["kubernetes"]],
    ]

    @Test func `it is emptied, then let go`() {
        let inside = pod("p").meta
        let full = NamespacePlan.plan(.init(namespace: shop, remaining: [(key: inside.key(.pods), meta: inside)]))
        #expect(full.deeds == ["delete p"])
        let going = pod("p", deleting: true).meta
        #expect(NamespacePlan.plan(.init(namespace: shop, remaining: [(key: going.key(.pods), meta: going)])).changes.isEmpty)
        let empty = NamespacePlan.plan(.init(namespace: shop, remaining: []))
        #expect(empty.body("patch shop") == ["spec": ["finalizers": []]])
    }

    @Test func `a living namespace is left alone`() {
        #expect(NamespacePlan.plan(.init(namespace: ["metadata": ["name": "shop"]], remaining: [])).changes.isEmpty)
    }
}
