import Formats
import Registry
import Resources
import Testing

struct `A list in pages` {
    private func names(_ reply: Reply) -> [String] { reply.items.compactMap { $0["metadata"]["name"].string } }

    /// Ten maps, m0 to m9.
    private func filled(_ settings: RegistrySettings = RegistrySettings()) throws -> StoreFixture {
        var store = StoreFixture(settings)
        for index in 0..<10 {
            _ = try store.create(Sample.configMap("m\(index)", labels: ["odd": index % 2 == 1 ? "yes" : "no"]), .configMaps)
        }
        return store
    }

    @Test func `shows everything once, in order, and says how much is left`() throws {
        var store = try filled()
        var seen: [String] = []
        var remaining: [Int?] = []
        var page = Page(limit: 4)
        while true {
            let reply = try store.perform(.list(ListRequest(.configMaps, namespace: "default", page: page)))
            seen += names(reply)
            guard let next = reply.next else { break }
            remaining.append(next.remainingCount)
            page.after = Continuation(token: next.start.token)
            #expect(page.after == next.start)
        }
        #expect(seen == (0..<10).map { "m\($0)" })
        #expect(remaining == [6, 2])
    }

    @Test func `shows on every page the state of the first, whatever was written meanwhile`() throws {
        var store = try filled()
        let first = try store.perform(.list(ListRequest(.configMaps, page: Page(limit: 3))))
        let before = try store.perform(.list(ListRequest(.configMaps)))
        try store.perform(.delete(Sample.configMapKey("m5")))
        _ = try store.create(Sample.configMap("m55"), .configMaps)
        try store.perform(.patch(Sample.configMapKey("m7"), .merge(["data": ["a": "changed"]])))
        try store.perform(.patch(Sample.configMapKey("m7"), .merge(["data": ["a": "again"]])))
        try store.perform(.delete(Sample.configMapKey("m8")))
        _ = try store.create(Sample.configMap("m8", "another"), .configMaps)
        let rest = try store.perform(.list(ListRequest(.configMaps, page: Page(after: try #require(first.next).start))))
        #expect(first.items + rest.items == before.items)
        guard case .list(_, _, let revision) = rest.body, case .list(_, _, let start) = before.body else {
            return _ = Issue.record("no list")
        }
        #expect(revision == start)
        let exact = try store.perform(.list(ListRequest(.configMaps, page: Page(version: .exactly(start)))))
        #expect(exact.items == before.items)
        #expect(names(try store.perform(.list(ListRequest(.configMaps)))).contains("m55"))
    }

    @Test func `counts only what its selectors let through, and does not guess what is left`() throws {
        var store = try filled()
        let list = ListRequest(.configMaps, labelSelector: LabelSelector([.init("odd", .in, ["yes"])]), page: Page(limit: 2))
        let reply = try store.perform(.list(list))
        #expect(names(reply) == ["m1", "m3"])
        let next = try #require(reply.next)
        #expect(next.remainingCount == nil)
        // What stopped matching since then is shown as it was.
        try store.perform(.patch(Sample.configMapKey("m5"), .merge(["metadata": ["labels": ["odd": "no"]]])))
        var rest = list
        rest.page = Page(after: next.start)
        #expect(names(try store.perform(.list(rest))) == ["m5", "m7", "m9"])
    }

    @Test func `that was left lying too long is Expired, and can be ended in the newest state`() throws {
        var store = try filled(RegistrySettings(windowLimit: 4))
        let first = try store.perform(.list(ListRequest(.configMaps, page: Page(limit: 8))))
        for index in 0..<6 { _ = try store.create(Sample.configMap("n\(index)"), .configMaps) }
        let late = ListRequest(.configMaps, page: Page(after: try #require(first.next).start))
        let refused = store.refusal(.list(late))
        let refusal = try #require(refused)
        #expect(refusal.code == 410 && refusal.reason == "Expired")
        let token = try #require(refusal.value["metadata"]["continue"].string)
        let rest = ListRequest(.configMaps, page: Page(limit: 4, after: Continuation(token: token)))
        let reply = try store.perform(.list(rest))
        #expect(names(reply) == ["m8", "m9", "n0", "n1"])
        #expect(reply.next?.start.revision == store.registry.revision)
    }

    @Test func `of a revision that was never reached is refused as too large, of one that is gone as Expired`() throws {
        var store = try filled(RegistrySettings(windowLimit: 4))
        let now = store.registry.revision
        let future = Revision(now.number + 1)
        for version in [Page.Version.notOlder(than: future), .exactly(future)] {
            let refusal = store.refusal(.list(ListRequest(.configMaps, page: Page(version: version))))
            #expect(refusal?.code == 504 && refusal?.details?.causes.map(\.reason) == ["ResourceVersionTooLarge"])
        }
        #expect(store.refusal(.list(ListRequest(.configMaps, page: Page(version: .exactly(Revision(1))))))?.code == 410)
        #expect(try store.perform(.list(ListRequest(.configMaps, page: Page(version: .notOlder(than: now))))).items.count == 10)
    }

    @Test(arguments: ["", "x", "e30=", "eyJuYW1lIjoiYSIsInJldmlzaW9uIjoieCJ9"])
    func `does not go on behind a token that nobody gave out`(token: String) { #expect(Continuation(token: token) == nil) }
}
