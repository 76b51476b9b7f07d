import Formats
import Registry
import Resources
import Testing

struct `What is not durable` {
    @Test func `is read by nobody, and judged by`() throws {
        var store = StoreFixture()
        let key = Sample.configMapKey("a")
        guard case .commit(let ticket) = store.submit(.create(Sample.configMap("a"), type: .configMaps, namespace: "default")) else {
            Issue.record("not accepted")
            return
        }
        #expect(store.object(key) == nil)
        #expect(try store.perform(.list(ListRequest(.configMaps))).items.isEmpty)
        // The second one is refused by what is at the tip, but may not say so before that is durable.
        guard
            case .reply(.failure(let error), after: ticket.revision) = store.submit(
                .create(Sample.configMap("a"), type: .configMaps, namespace: "default"))
        else {
            Issue.record("not held back")
            return
        }
        #expect(error.reason == "AlreadyExists")
        #expect(store.registry.durable(through: ticket.revision).count == 1)
        #expect(store.object(key) == ticket.reply.object)
    }

    @Test func `is forgotten as a whole when it cannot be written`() throws {
        var store = StoreFixture()
        _ = try store.create(Sample.configMap("a", "1"), .configMaps)
        _ = try store.create(Sample.service("s", clusterIP: "127.32.0.5"), .services)
        let durable = store.registry.revision
        _ = store.submit(.patch(Sample.configMapKey("a"), .merge(["data": ["a": "2"]])))
        _ = store.submit(.patch(Sample.configMapKey("a"), .merge(["data": ["a": "3"]])))
        _ = store.submit(.create(Sample.configMap("b"), type: .configMaps, namespace: "default"))
        _ = store.submit(.delete(Sample.serviceKey("s")))
        let tip = store.registry.tipRevision
        #expect(store.registry.undurableCount == 4)
        store.registry.discard(after: durable)

        #expect(store.registry.revision == durable)
        #expect(store.registry.undurableCount == 0)
        #expect(store.object(Sample.configMapKey("a"))?["data"]["a"].string == "1")
        // Its address is still taken, and its revisions are not given out again.
        #expect(store.refusal(.create(Sample.service("t", clusterIP: "127.32.0.5"), type: .services, namespace: "default"))?.code == 422)
        _ = try store.create(Sample.configMap("b"), .configMaps)
        #expect(store.registry.revision > tip)
    }

    @Test func `holds back what lives in memory only behind it, and nothing else does`() throws {
        var store = StoreFixture()
        func lease(_ name: String) -> Request {
            .create(["metadata": ["name": .string(name)]], type: .leases, namespace: "kube-node-lease")
        }
        // The first one reserves revisions on disk.
        guard case .commit(let first) = store.submit(lease("a")) else { return _ = Issue.record("nothing to commit") }
        #expect(first.records.count == 1)
        _ = store.registry.durable(through: first.revision)
        guard case .commit(let second) = store.submit(lease("b")) else { return _ = Issue.record("nothing to commit") }
        #expect(second.records.isEmpty)
        #expect(store.registry.durable(through: first.revision).map(\.revision) == [second.revision])

        _ = store.submit(.create(Sample.configMap("a"), type: .configMaps, namespace: "default"))
        _ = store.submit(lease("c"))
        #expect(store.registry.durable(through: second.revision).isEmpty)
        #expect(store.registry.durable(through: store.registry.tipRevision).map(\.name) == ["a", "c"])
    }

    @Test func `does not keep leases from being renewed when it is lost`() throws {
        var store = StoreFixture()
        let lease = try store.create(["metadata": ["name": "a"]], .leases, namespace: "kube-node-lease")
        _ = store.submit(.create(Sample.configMap("a"), type: .configMaps, namespace: "default"))
        store.registry.discard(after: store.registry.revision)
        let key = ObjectKey(.leases, namespace: "kube-node-lease", name: "a")
        guard case .commit(let ticket) = store.submit(.patch(key, .merge(["spec": ["holderIdentity": "a"]]))) else {
            Issue.record("not accepted")
            return
        }
        // No record: it needs no disk.
        #expect(ticket.records.isEmpty)
        #expect(store.registry.durable(through: .zero).map(\.revision) == [ticket.revision])
        #expect(store.object(key) != lease)
    }

    @Test func `is all or nothing for a collection that may be deleted in part only`() throws {
        var store = StoreFixture()
        let first = try store.create(Sample.configMap("a"), .configMaps)
        _ = try store.create(Sample.configMap("b"), .configMaps)
        let tip = store.registry.tipRevision
        let options = DeleteOptions(preconditionUID: first["metadata"]["uid"].string)
        #expect(store.refusal(.deleteCollection(ListRequest(.configMaps, namespace: "default"), options))?.code == 409)
        #expect(store.registry.tipRevision == tip && store.registry.undurableCount == 0)
    }
}

struct `Recovering` {
    @Test func `makes the same objects of the records, and a revision that nobody has seen`() throws {
        var store = StoreFixture()
        _ = try store.create(Sample.deployment("web"), .deployments)
        for index in 0..<5 {
            try store.perform(.patch(Sample.deploymentKey("web"), .merge(["spec": ["replicas": .int(Int64(index + 5))]])))
        }
        _ = try store.create(Sample.configMap("a"), .configMaps)
        try store.perform(.delete(Sample.configMapKey("a")))
        _ = try store.create(Sample.service("s", clusterIP: "127.32.0.5"), .services)
        _ = try store.create(["metadata": ["name": "a1"]], .leases, namespace: "kube-node-lease")

        var again = store
        again.registry = try store.restarted()
        #expect(again.object(Sample.deploymentKey("web")) == store.object(Sample.deploymentKey("web")))
        #expect(again.object(Sample.configMapKey("a")) == nil)
        #expect(again.object(ObjectKey(.leases, namespace: "kube-node-lease", name: "a1")) == nil)
        #expect(again.registry.revision > store.registry.tipRevision)
        #expect(again.registry.events(since: store.registry.revision, matching: ListRequest(.configMaps)) == nil)
        #expect(again.refusal(.create(Sample.service("t", clusterIP: "127.32.0.5"), type: .services, namespace: "default"))?.code == 422)
    }

    @Test func `from a snapshot is the same as from the records`() throws {
        var store = StoreFixture()
        for index in 0..<20 { _ = try store.create(Sample.configMap("m\(index)"), .configMaps) }
        try store.perform(.delete(Sample.configMapKey("m7")))
        _ = store.submit(.delete(Sample.configMapKey("m8")))
        let snapshot = store.registry.snapshot()
        var recovery = Recovery(settings: store.registry.settings)
        for index in 0..<snapshot.count {
            let record = snapshot.record(index)
            try recovery.add(record.head + record.body, at: record.revision)
        }
        let again = try recovery.registry()
        #expect(again.list(ListRequest(.configMaps)).items == store.registry.list(ListRequest(.configMaps)).items)
        #expect(again.revision > store.registry.revision)
    }

    @Test func `names a record that it does not understand, and leaves out kinds it does not serve`() throws {
        var recovery = Recovery(settings: RegistrySettings())
        let error = #expect(throws: RecoveryError.self) { try recovery.add([1, 2, 3], at: Revision(9)) }
        #expect(error?.description.contains("the record of revision 9 is not understood") == true)
        try recovery.add(Array("Pnew.dev/things\0default\0a\0{}".utf8), at: Revision(10))
        #expect(recovery.unknownResources == ["new.dev/things"])
        #expect(try recovery.registry().revision == Revision(11))
    }
}
