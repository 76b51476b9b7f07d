import Formats
import Registry
import Resources
import Testing
import Timing

/// What a registry must come to, as simply as it can be said: the whole state after each commit.
private struct Model {
    /// States by revision, oldest first; the last one is the tip. Keys are pod names, values label and node.
    var states: [(revision: Revision, pods: [String: [String: String]])]
    var durable: Revision

    var tip: [String: [String: String]] { states[states.count - 1].pods }
    var visible: [String: [String: String]] { states.last { $0.revision <= durable }?.pods ?? [:] }
}

struct `A registry against a model` {
    /// Creates, binds, relabels and deletes at random, while the journal succeeds late or fails.
    @Test(arguments: 0..<10) func `agrees after every step`(seed: Int) throws {
        var dice = SeededRandom(seed: UInt64(seed))
        var store = StoreFixture(RegistrySettings(windowLimit: 64))
        let start = store.registry.revision
        var model = Model(states: [(start, [:])], durable: start)
        // A cache that follows the events, selected by node.
        let watched = ListRequest(.pods, fieldSelector: FieldSelector([.init(["spec", "nodeName"], "a1")]))
        var cache: Set<String> = []
        var cacheRevision = start

        for _ in 0..<300 {
            let name = "p\(Int.random(in: 0..<12, using: &dice))"
            var pods = model.tip
            let request: Request
            switch Int.random(in: 0..<10, using: &dice) {
            case 0...3:
                request = .create(Sample.pod(name, labels: ["v": "0"]), type: .pods, namespace: "default")
                if pods[name] == nil { pods[name] = ["v": "0", "node": ""] }
            case 4...5:
                let version = "\(Int.random(in: 0..<3, using: &dice))"
                request = .patch(Sample.podKey(name), .merge(["metadata": ["labels": ["v": .string(version)]]]))
                if pods[name] != nil { pods[name]?["v"] = version }
            case 6:
                let node = Bool.random(using: &dice) ? "a1" : "b1"
                request = .patch(Sample.podKey(name), .merge(["spec": ["nodeName": .string(node)]]))
                if pods[name]?["node"] == "" { pods[name]?["node"] = node }
            case 7:
                request = .delete(Sample.podKey(name), DeleteOptions(gracePeriodSeconds: 0))
                pods[name] = nil
            case 8:
                let through = Revision(UInt64.random(in: store.registry.revision.number...store.registry.tipRevision.number, using: &dice))
                let published = store.registry.durable(through: through)
                #expect(published.map(\.revision) == model.states.map(\.revision).filter { $0 > model.durable && $0 <= through })
                model.durable = max(model.durable, published.last?.revision ?? model.durable)
                let events = try #require(store.registry.events(since: cacheRevision, matching: watched))
                for event in events {
                    let name = event.object["metadata"]["name"].string ?? ""
                    if event.kind == .deleted { cache.remove(name) } else { cache.insert(name) }
                }
                cacheRevision = store.registry.revision
                continue
            default:
                guard Int.random(in: 0..<4, using: &dice) == 0 else { continue }
                store.registry.discard(after: model.durable)
                model.states.removeAll { $0.revision > model.durable }
                continue
            }
            if case .commit(let ticket) = store.submit(request) { model.states.append((ticket.revision, pods)) }
            #expect(pods == model.tip)

            func seen(_ list: ListRequest) -> [String] { store.registry.list(list).items.compactMap { $0["metadata"]["name"].string } }
            #expect(seen(ListRequest(.pods)) == model.visible.keys.sorted())
            #expect(seen(watched) == model.visible.filter { $0.value["node"] == "a1" }.keys.sorted())
            let chosen = ListRequest(.pods, labelSelector: LabelSelector([.init("v", .in, ["2"])]))
            #expect(seen(chosen) == model.visible.filter { $0.value["v"] == "2" }.keys.sorted())
            #expect(
                cache
                    == Set(
                        model.states.last { $0.revision <= cacheRevision }?.pods.filter { $0.value["node"] == "a1" }.keys.map { $0 } ?? []))
        }
    }
}
