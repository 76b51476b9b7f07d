import Foundation
import Formats
import Linux
import Registry
import Resources
import Storage
import Testing

struct `The storage` {
    @Test func `answers a write after it can be read, and finds it again after a restart`() throws {
        let fixture = try StorageFixture()
        let created = try fixture.perform(fixture.configMap("one"))
        #expect(created.isCreated)
        #expect(try fixture.perform(.get(key("one"))).object == created.object)

        try fixture.reopen()
        #expect(try fixture.perform(.get(key("one"))).object == created.object)
        #expect(fixture.storage.notices.isEmpty)
    }

    @Test func `never gives out a revision again after a restart, not even one of a commit that lived in memory only`() throws {
        let fixture = try StorageFixture()
        let lease = try fixture.perform(.create(["metadata": ["name": "a1"]], type: .leases, namespace: "kube-node-lease"))
        let last = try #require(lease.object["metadata"]["resourceVersion"].string.flatMap { Revision($0) })
        try fixture.reopen()
        #expect(fixture.storage.revision > last)
        #expect(throws: StatusError.notFound(ObjectKey(.leases, namespace: "kube-node-lease", name: "a1"))) {
            try fixture.perform(.get(ObjectKey(.leases, namespace: "kube-node-lease", name: "a1")))
        }
    }

    @Test func `publishes and answers what closing has made durable, and refuses what comes later`() throws {
        let fixture = try StorageFixture()
        _ = try fixture.perform(fixture.configMap("one"))
        var seen: [String] = []
        _ = fixture.storage.watch(ListRequest(.configMaps, namespace: "default"), from: nil) { seen.append(text($0)) }
        #expect(fixture.loop.runUntil(within: .seconds(60)) { seen.last == "synced" })
        var answers: [Bool] = []
        for name in ["two", "three"] {
            fixture.storage.perform(fixture.configMap(name)) { if case .success(let reply) = $0 { answers.append(reply.isCreated) } }
        }
        fixture.storage.close()
        #expect(answers == [true, true])
        #expect(seen == ["ADDED one", "synced", "ADDED two", "ADDED three", "ended "])
        #expect(throws: StatusError.self) { try fixture.perform(fixture.configMap("four")) }

        try fixture.reopen()
        #expect(
            try fixture.perform(.list(ListRequest(.configMaps))).items.compactMap { $0["metadata"]["name"].string } == [
                "one", "three", "two",
            ])
    }

    @Test func `writes what one turn of the loop commits with one fsync`() throws {
        let fixture = try StorageFixture()
        let before = fixture.storage.metrics
        var answered = 0
        for index in 0..<8 { fixture.storage.perform(fixture.configMap("c\(index)")) { _ in answered += 1 } }
        #expect(fixture.loop.runUntil(within: .seconds(60)) { answered == 8 })
        #expect(fixture.storage.metrics.commitCount - before.commitCount == 8)
        #expect(fixture.storage.metrics.batchCount - before.batchCount == 1)
    }

    @Test func `tells those who watch one node's pods of these alone, in the order in which they came`() throws {
        let fixture = try StorageFixture()
        var heard: [String] = []
        func watch(_ name: String, _ terms: [FieldSelector.Term]) {
            _ = fixture.storage.watch(ListRequest(.pods, fieldSelector: FieldSelector(terms)), from: fixture.storage.revision) {
                if case .event(let event) = $0 {
                    heard.append("\(name): \(event.kind.rawValue) \(event.object["metadata"]["name"].string ?? "")")
                }
            }
        }
        watch("all", [])
        watch("n1", [.init(["spec", "nodeName"], "n1")])
        watch("unbound", [.init(["spec", "nodeName"], "")])
        watch("n1 again", [.init(["spec", "nodeName"], "n1")])
        watch("n2", [.init(["spec", "nodeName"], "n2")])
        watch("not n2", [.init(["spec", "nodeName"], "n2", isEqual: false)])
        _ = fixture.loop.runUntil(within: .milliseconds(20)) { false }
        let pod: Value = ["metadata": ["name": "p"], "spec": ["containers": [["name": "c", "image": "i"]]]]
        let key = ObjectKey(.pods, namespace: "default", name: "p")
        _ = try fixture.perform(.create(pod, type: .pods, namespace: "default"))
        #expect(heard == ["all: ADDED p", "unbound: ADDED p", "not n2: ADDED p"])
        heard = []
        _ = try fixture.perform(.patch(key, .merge(["spec": ["nodeName": "n1"]])))
        #expect(heard == ["all: MODIFIED p", "n1: ADDED p", "unbound: DELETED p", "n1 again: ADDED p", "not n2: MODIFIED p"])
        heard = []
        _ = try fixture.perform(.delete(key, DeleteOptions(gracePeriodSeconds: 0)))
        #expect(heard.filter { $0.contains("DELETED") } == ["all", "n1", "n1 again", "not n2"].map { $0 + ": DELETED p" })
    }

    @Test func `has the namespaces that always exist`() throws {
        let fixture = try StorageFixture()
        let names = try fixture.perform(.list(ListRequest(.namespaces))).items.compactMap { $0["metadata"]["name"].string }
        #expect(names == ["default", "kube-node-lease", "kube-system", "steady-system"])
    }

    @Test func `tells a watcher what exists, that this is all, and then what happens`() throws {
        let fixture = try StorageFixture()
        _ = try fixture.perform(fixture.configMap("one"))
        var seen: [String] = []
        let watch = fixture.storage.watch(ListRequest(.configMaps, namespace: "default"), from: nil) { seen.append(text($0)) }
        #expect(fixture.loop.runUntil(within: .seconds(60)) { seen.last == "synced" })
        _ = try fixture.perform(fixture.configMap("two"))
        _ = try fixture.perform(.patch(key("two"), .merge(["data": ["a": "2"]])))
        _ = try fixture.perform(.delete(key("one")))
        #expect(seen == ["ADDED one", "synced", "ADDED two", "MODIFIED two", "DELETED one"])
        watch.cancel()
        _ = try fixture.perform(.delete(key("two")))
        #expect(seen.count == 5)
    }

    @Test func `goes on with a watch from a revision, and ends one from before the restart`() throws {
        let fixture = try StorageFixture()
        let one = try fixture.perform(fixture.configMap("one"))
        _ = try fixture.perform(fixture.configMap("two"))
        let revision = try #require(one.object["metadata"]["resourceVersion"].string.flatMap { Revision($0) })
        var seen: [String] = []
        _ = fixture.storage.watch(ListRequest(.configMaps), from: revision) { seen.append(text($0)) }
        #expect(fixture.loop.runUntil(within: .seconds(60)) { seen == ["ADDED two"] })

        try fixture.reopen()
        seen = []
        _ = fixture.storage.watch(ListRequest(.configMaps), from: revision) { seen.append(text($0)) }
        #expect(fixture.loop.runUntil(within: .seconds(60)) { seen == ["ended Expired"] })
    }

    @Test func `a turn of the loop answers no more than were asked before it, however soon each asks again`() throws {
        let fixture = try StorageFixture()
        let (clients, each) = (20, 50)
        var answered = 0
        var answeredBefore = 0
        var most = 0
        func ask(_ client: Int, _ number: Int) {
            guard number < each else { return }
            fixture.storage.perform(fixture.configMap("map-\(client)-\(number)")) { _ in
                answered += 1
                ask(client, number + 1)
            }
        }
        func turn() {
            most = max(most, answered - answeredBefore)
            answeredBefore = answered
            if answered < clients * each { fixture.loop.later(turn) }
        }
        for client in 0..<clients { ask(client, 0) }
        turn()
        #expect(fixture.loop.runUntil(within: .seconds(60)) { answered == clients * each })
        #expect(most <= 2 * clients)
    }

    @Test func `lets a watcher cancel itself and others while it is told`() throws {
        let fixture = try StorageFixture()
        var seen = 0
        var watches: [Cancellation] = []
        for _ in 0..<3 {
            watches.append(
                fixture.storage.watch(ListRequest(.configMaps), from: nil) { signal in
                    guard case .event = signal else { return }
                    seen += 1
                    watches.forEach { $0.cancel() }
                })
        }
        _ = try fixture.perform(fixture.configMap("one"))
        _ = try fixture.perform(fixture.configMap("two"))
        #expect(seen == 1)
        #expect(fixture.storage.watcherCount == 0)
    }

    @Test func `tells watchers that heard nothing how far they are`() throws {
        let fixture = try StorageFixture(settings: StorageSettings(bookmarkInterval: .milliseconds(5)))
        var bookmark: WatchEvent?
        _ = fixture.storage.watch(ListRequest(.secrets), from: nil) { signal in
            if case .event(let event) = signal, event.kind == .bookmark { bookmark = event }
        }
        _ = try fixture.perform(fixture.configMap("one"))
        let revision = fixture.storage.revision
        #expect(fixture.loop.runUntil(within: .seconds(60)) { bookmark?.revision == revision })
        #expect(bookmark?.object["kind"].string == "Secret")
    }
}

func text(_ signal: WatchSignal) -> String {
    switch signal {
    case .event(let event): "\(event.kind.rawValue) \(event.object["metadata"]["name"].string ?? "")"
    case .synced: "synced"
    case .ended(let error): "ended \(error?.reason ?? "")"
    }
}
