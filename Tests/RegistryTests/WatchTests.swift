import Formats
import Registry
import Resources
import Testing

struct `A watch` {
    private func texts(_ events: [WatchEvent]?) -> [String]? {
        events?.map { "\($0.kind.rawValue) \($0.object["metadata"]["name"].string ?? "") \($0.revision)" }
    }

    @Test func `sees an object come and go with its selector`() throws {
        var store = StoreFixture()
        let list = ListRequest(.configMaps, labelSelector: LabelSelector([.init("app", .in, ["x"])]))
        let start = store.registry.revision
        let key = Sample.configMapKey("a")
        let first = try store.create(Sample.configMap("a", labels: ["app": "y"]), .configMaps)
        try store.perform(.patch(key, .merge(["metadata": ["labels": ["app": "x"]]])))
        try store.perform(.patch(key, .merge(["data": ["a": "2"]])))
        let last = try store.perform(.patch(key, .merge(["metadata": ["labels": ["app": "z"]]]))).object
        try store.perform(.delete(key))
        let r = try #require(UInt64(first["metadata"]["resourceVersion"].string ?? ""))
        #expect(
            texts(store.registry.events(since: start, matching: list)) == ["ADDED a \(r + 1)", "MODIFIED a \(r + 2)", "DELETED a \(r + 3)"])
        let gone = try #require(store.registry.events(since: start, matching: list)?.last)
        #expect(gone.object["metadata"]["labels"]["app"].string == "x")
        #expect(gone.object["metadata"]["resourceVersion"] == last["metadata"]["resourceVersion"])
        #expect(
            texts(store.registry.events(since: start, matching: ListRequest(.configMaps)))
                == ["ADDED a \(r)", "MODIFIED a \(r + 1)", "MODIFIED a \(r + 2)", "MODIFIED a \(r + 3)", "DELETED a \(r + 4)"])
    }

    @Test func `by node sees a pod when it is bound there`() throws {
        var store = StoreFixture()
        let list = ListRequest(.pods, fieldSelector: FieldSelector([.init(["spec", "nodeName"], "a1")]))
        let start = store.registry.revision
        for name in ["p", "q"] { _ = try store.create(Sample.pod(name), .pods) }
        try store.perform(.patch(Sample.podKey("q"), .merge(["spec": ["nodeName": "a1"]])))
        try store.perform(.patch(Sample.podKey("p"), .merge(["spec": ["nodeName": "b1"]])))
        #expect(texts(store.registry.events(since: start, matching: list))?.count == 1)
        #expect(try store.perform(.list(list)).items.map { $0["metadata"]["name"].string } == ["q"])
        try store.perform(.delete(Sample.podKey("q"), DeleteOptions(gracePeriodSeconds: 0)))
        #expect(try store.perform(.list(list)).items.isEmpty)
        #expect(store.registry.events(since: start, matching: list)?.map(\.kind) == [.added, .deleted])
    }

    @Test func `reaches back as far as the window, and not into the future`() throws {
        var store = StoreFixture(RegistrySettings(windowLimit: 4))
        let list = ListRequest(.configMaps)
        let start = store.registry.revision
        for index in 0..<6 { _ = try store.create(Sample.configMap("m\(index)"), .configMaps) }
        let end = store.registry.revision
        #expect(store.registry.events(since: start, matching: list) == nil)
        #expect(store.registry.expired(start).code == 410)
        for back in 0...4 { #expect(store.registry.events(since: Revision(end.number - UInt64(back)), matching: list)?.count == back) }
        #expect(store.registry.events(since: Revision(end.number - 5), matching: list) == nil)
        let future = Revision(end.number + 1)
        #expect(store.registry.events(since: future, matching: list) == nil)
        #expect(store.registry.expired(future) == .tooLargeVersion(future, current: end))
    }
}
