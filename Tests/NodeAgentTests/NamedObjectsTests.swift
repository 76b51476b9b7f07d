import Formats
import Linux
import Resources
import Testing
import Timing

@testable import NodeAgent

extension AgentTests {
    /// What an agent keeps of ConfigMaps and Secrets.
    @Suite(.serialized) struct NamedObjectsTests {
        private let loop: EventLoop
        private let api: MemoryAPI

        init() throws {
            loop = try EventLoop()
            api = MemoryAPI(loop: loop)
            for name in ["a", "b", "c"] {
                api.put(["metadata": ["name": .string(name), "namespace": "default"], "data": ["k": "1"]], .configMaps)
                api.put(["metadata": ["name": .string(name), "namespace": "default"], "data": ["k": "MQ=="]], .secrets)
            }
        }

        private func map(_ name: String) -> ObjectKey { ObjectKey(.configMaps, namespace: "default", name: name) }
        private func secret(_ name: String) -> ObjectKey { ObjectKey(.secrets, namespace: "default", name: name) }
        private func pod(_ uid: String, maps: [String], secrets: [String] = []) -> Pod {
            let all: [Value] =
                maps.map { ["configMapRef": ["name": .string($0)]] } + secrets.map { ["secretRef": ["name": .string($0)]] }
            return Pod([
                "metadata": ["name": .string(uid), "namespace": "default", "uid": .string(uid)],
                "spec": ["containers": [["name": "c", "envFrom": .array(all)]]],
            ])
        }
        private func wait(for pod: String, in named: NamedObjects) -> Bool {
            var isDone = false
            named.whenKnown(to: [pod]) { isDone = true }
            return loop.runUntil(within: patience) { isDone }
        }

        @Test(arguments: [0, 1, 256])
        func `only what pods name is sent to a node, and it is forgotten with the last of them`(watches: Int) {
            let named = NamedObjects(api: api, watchLimit: watches, readPeriod: .milliseconds(10))
            defer { named.stop() }
            named.follow(pod("p", maps: ["a", "missing"], secrets: ["a"]))
            named.follow(pod("q", maps: ["a"]))
            #expect(!named.isKnown(to: "p") && wait(for: "p", in: named) && named.isKnown(to: "p") && named.isKnown(to: "q"))
            #expect(named[map("a")]?["data"]["k"] == "1" && named[secret("a")]?["data"]["k"] == "MQ==" && named[map("missing")] == nil)
            #expect(api.sent == [map("a"), secret("a")])
            named.release("p")
            #expect(named.count == 1 && named[secret("a")] == nil && named[map("a")] != nil)
            named.release("q")
            #expect(named.count == 0 && api.watched(.configMaps).isEmpty && api.watched(.secrets).isEmpty)
        }

        @Test(arguments: [0, 256])
        func `what changes, comes and goes is told`(watches: Int) {
            let named = NamedObjects(api: api, watchLimit: watches, readPeriod: .milliseconds(10))
            defer { named.stop() }
            named.follow(pod("p", maps: ["a", "late"]))
            #expect(wait(for: "p", in: named))
            var told: [ObjectKey] = []
            named.onChange = { told.append($0) }
            api.put(["metadata": ["name": "a", "namespace": "default"], "data": ["k": "2"]], .configMaps)
            #expect(loop.runUntil(within: patience) { named[map("a")]?["data"]["k"] == "2" && told == [map("a")] })
            api.put(["metadata": ["name": "late", "namespace": "default"], "data": [:]], .configMaps)
            #expect(loop.runUntil(within: patience) { named[map("late")] != nil && told.last == map("late") })
            api.remove(map("a"))
            #expect(loop.runUntil(within: patience) { named[map("a")] == nil && told.count == 3 })
        }

        @Test func `more than may be watched are read, and the watch that was let go serves the next`() {
            let named = NamedObjects(api: api, watchLimit: 1, readPeriod: .milliseconds(10))
            defer { named.stop() }
            named.follow(pod("p", maps: ["a"]))
            named.follow(pod("q", maps: ["b"]))
            #expect(wait(for: "p", in: named) && wait(for: "q", in: named) && named[map("b")] != nil)
            #expect(api.watched(.configMaps) == ["metadata.name=a"])
            named.release("p")
            named.follow(pod("r", maps: ["c"]))
            #expect(wait(for: "r", in: named))
            #expect(api.watched(.configMaps) == ["metadata.name=c"])
        }

        @Test func `beyond the watches what a pod names is read when it comes, though others have named it before, and they are told`() {
            let named = NamedObjects(api: api, watchLimit: 0, readPeriod: .seconds(3600))
            defer { named.stop() }
            named.follow(pod("old", maps: ["a", "b"]))
            #expect(wait(for: "old", in: named))
            var told: [ObjectKey] = []
            named.onChange = { told.append($0) }
            for value in ["2", "3"] {
                api.put(["metadata": ["name": "a", "namespace": "default"], "data": ["k": .string(value)]], .configMaps)
                // Several that come at once share a read, or the one after it.
                for uid in ["new", "newer"] { named.follow(pod(uid + value, maps: ["a"])) }
                #expect(!named.isKnown(to: "newer" + value))
                #expect(wait(for: "newer" + value, in: named) && named.isKnown(to: "new" + value))
                #expect(named[map("a")]?["data"]["k"].string == value)
            }
            #expect(told == [map("a"), map("a")])
            #expect(named[map("b")]?["data"]["k"] == "1")
        }

        @Test func `what was read from time to time is watched when a pod comes and a watch is to be had`() {
            let named = NamedObjects(api: api, watchLimit: 1, readPeriod: .seconds(3600))
            defer { named.stop() }
            named.follow(pod("p", maps: ["a"]))
            named.follow(pod("q", maps: ["b", "c"]))
            #expect(wait(for: "p", in: named) && wait(for: "q", in: named))
            var told: [ObjectKey] = []
            named.onChange = { told.append($0) }
            named.release("p")
            api.remove(map("b"))
            named.follow(pod("r", maps: ["b"]))
            #expect(wait(for: "r", in: named) && named[map("b")] == nil && told == [map("b")])
            #expect(api.watched(.configMaps) == ["metadata.name=b"])
            api.put(["metadata": ["name": "b", "namespace": "default"], "data": ["k": "2"]], .configMaps)
            #expect(loop.runUntil(within: patience) { named[map("b")]?["data"]["k"] == "2" && told == [map("b"), map("b")] })
        }

        @Test func `the agents of a large instance have fewer watches each, and together half of the server's connections at most`() {
            #expect([1, 3, 8].map { NamedObjects.watchLimit(nodeCount: $0) } == [256, 256, 256])
            #expect([9, 16, 100, 128].map { NamedObjects.watchLimit(nodeCount: $0) } == [227, 128, 20, 16])
            for count in 1...128 { #expect(NamedObjects.watchLimit(nodeCount: count) * count <= 2048) }
        }

        @Test func `what a pod names is waited for as long as the server is away`() {
            let named = NamedObjects(api: api, watchLimit: 0, readPeriod: .milliseconds(10))
            defer { named.stop() }
            api.isAway = true
            named.follow(pod("p", maps: ["a"]))
            var isDone = false
            named.whenKnown(to: ["p"]) { isDone = true }
            var tries = 0
            loop.schedule(after: .milliseconds(100)) { tries = 1 }
            #expect(loop.runUntil(within: patience) { tries == 1 } && !isDone)
            api.isAway = false
            #expect(loop.runUntil(within: patience) { isDone } && named[map("a")] != nil)
        }

        @Test func `an agent holds what its pods name, from before the first starts until the last is gone`() throws {
            let bench = try AgentBench()
            for name in ["settings", "other"] {
                bench.api.put(["metadata": ["name": .string(name), "namespace": "default"], "data": ["color": "red"]], .configMaps)
                bench.api.put(["metadata": ["name": .string(name), "namespace": "default"], "data": ["t": "MQ=="]], .secrets)
            }
            let key = bench.pod("web", ["command": ["/bin/sleep", "1000"], "envFrom": [["configMapRef": ["name": "settings"]]]])
            #expect(bench.wait(key) { !$0.main["state"]["running"].isNull })
            #expect(bench.api.sent.contains(map("settings")) && !bench.api.sent.contains(map("other")))
            #expect(!bench.api.sent.contains { $0.type == .secrets })
            try bench.restartAgent()
            #expect(bench.loop.runUntil(within: patience) { bench.agent.podCount == 1 })
            #expect(bench.api.watched(.configMaps) == ["metadata.name=settings"])
            bench.delete(key)
            #expect(bench.loop.runUntil(within: patience) { bench.api[key].isNull && bench.api.watched(.configMaps).isEmpty })
            #expect(!bench.api.sent.contains(map("other")))
        }
    }
}
