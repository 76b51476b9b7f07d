import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension Transcripts {
    /// A node goes: by the drill, and by kills of its agent and its programs that nobody announced.
    @Suite(.serialized) struct NodeLossTests {
        enum Way: String, CaseIterable, CustomTestStringConvertible {
            case drill = "zone fail", kills = "agent and programs killed"
            var testDescription: String { rawValue }
        }

        @Test(arguments: Way.allCases)
        func `A node that goes fails no GET, what is left of it is killed, and only then it is replaced`(way: Way) throws {
            let siege = try Siege()
            defer { siege.stop() }
            let instance = siege.instance
            // No Service offers it, and nothing in this test kills it: it is what is left of the node.
            let mark = "MARK=\(UUID().uuidString)"
            try siege.apply(Siege.deployment("quiet", replicas: 3, environment: ["MARK": String(mark.dropFirst(5))]))
            try siege.settle(3, of: "quiet")
            let victims = try siege.replicas().filter { $0.node == "b1" }
            let left = try #require(try siege.replicas(of: "quiet").first { $0.node == "b1" })
            #expect(victims.count == 1)

            let watch = StoreWatch(instance)
            defer { watch.stop() }
            try Self.follow(watch, node: "b1", old: try (siege.replicas() + siege.replicas(of: "quiet")).map(\.name)) {
                Self.isDead(left.pid) ? "" : " too early"
            }
            let loads = try ["keep", "close"].map { mode in
                try ConstantLoad(
                    instance.directory + "/load", port: instance.port, method: "get", mode: mode, rate: 200,
                    ids: instance.directory + "/\(mode)")
            }
            defer { loads.forEach { $0.terminate() } }
            let lock = try RoleLock("agent-b1", of: instance)
            defer { lock.release() }

            let begin = ContinuousClock.now
            switch way {
            case .drill: try instance.steady("zone fail b")
            case .kills:
                try lock.kill()
                for victim in victims { #expect(kill(victim.pid, SIGKILL) == 0) }
                #expect(!Self.isDead(left.pid))
            }
            // Its lease is good for ten seconds.
            let replaced = try #require(watch.wait(for: "web is ready elsewhere"), "\(watch.moments.map(\.words))")
            try siege.settle(3)
            try siege.settle(3, of: "quiet")

            let order = watch.moments.map(\.words)
            let story = [
                "proxy-1 is refused by b1", "b1 is not ready", "b1's agent is outdated", "web of b1 is deleted", "web is made anew",
                "web is ready elsewhere",
            ]
            #expect(story.map { order.firstIndex(of: $0) ?? -1 } == story.map { order.firstIndex(of: $0) ?? -2 }.sorted(), "\(order)")
            #expect(order.contains("quiet of b1 is deleted") && order.contains("quiet is made anew"))
            #expect(siege.processes(with: mark).count == 3)
            #expect(try instance.steady("get node b1").contains("NotReady"))

            var tally = ConstantLoad.Tally()
            for load in loads { tally += load.end() }
            #expect(tally.failedCount == 0, "\(tally)")
            let took = begin.duration(to: replaced.at)
            print(
                "a node is lost (\(way.rawValue)): replacement Ready after \(took), \(tally.requestCount) GETs, \(tally.failedCount) failed, "
                    + "slowest \(tally.slowest) ms, longest silence \(tally.silence) ms")

            lock.release()
            if way == .drill { try instance.steady("zone recover b") }
            try instance.steady("wait node/b1 --for=condition=Ready --timeout 30s")
        }

        @Test func `With two nodes a zone nothing is placed on one that is gone, neither by a scale-up nor when its zone goes as well`()
            throws
        {
            let siege = try Siege(flags: "--nodes-per-zone 2")
            defer { siege.stop() }
            let instance = siege.instance
            let before = try siege.replicas()
            let gone = try #require(["b1", "b2"].first { name in !before.contains { $0.node == name } })
            let watch = StoreWatch(instance)
            defer { watch.stop() }
            try watch.follow("/api/v1/namespaces/default/pods") { _, object in
                let node = (object["spec"] as? [String: Any])?["nodeName"] as? String ?? ""
                return node.isEmpty ? nil : "\(Self.name(object)) on \(node)"
            }

            // Nothing runs there, so nobody but `up` can tell.
            try instance.steady("node fail \(gone)")
            try instance.wait("it is known, and not enough") {
                try instance.steady("why node/\(gone)").contains("the agent of \(gone) is away")
            }
            try instance.steady("scale deployment/web --replicas 5")
            try siege.settle(5)

            // The zone's other node goes: who goes there, or to the first one, comes to nobody.
            let known = try siege.replicas()
            try instance.steady("zone fail b")
            let lost = known.filter { $0.node.hasPrefix("b") }.map(\.name)
            #expect(!lost.isEmpty)
            try instance.wait("what ran there is gone") { try !siege.replicas().contains { lost.contains($0.name) } }
            try siege.settle(5)

            let placed = watch.moments.map { $0.words.split(separator: " ").map(String.init) }
            let isNew = { (name: String) in !known.contains { $0.name == name } }
            #expect(!placed.contains { $0[2] == gone }, "\(placed)")
            #expect(!placed.contains { isNew($0[0]) && $0[2].hasPrefix("b") }, "\(placed)")
            #expect(placed.contains { isNew($0[0]) })
        }

        @Test func `An agent that waited for the place of the one that is killed does not keep a failed node alive`() throws {
            let siege = try Siege()
            defer { siege.stop() }
            let instance = siege.instance
            let agent = siege.pid(of: "agent-b1")
            let words = try String(contentsOfFile: "/proc/\(agent)/cmdline", encoding: .utf8).split(separator: "\0").map(String.init)
            // As an up that is killed right after it has started one leaves it.
            let second = try Command(Instance.products + "/steady", Array(words.dropFirst()), environment: ["PATH": "/usr/bin:/bin"])
            defer { second.end() }
            try instance.wait("it is about to wait for the lock") {
                let files = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(second.pid)/fd")) ?? []
                return files.contains { name in
                    let path = "/proc/\(second.pid)/fd/\(name)"
                    return (try? FileManager.default.destinationOfSymbolicLink(atPath: path))?.contains("eventpoll") ?? false
                }
            }
            try instance.steady("node fail b1 --force")
            try instance.wait("what ran there is replaced") {
                let found = try siege.replicas()
                return found.count == 3 && found.allSatisfy { $0.isReady && $0.node != "b1" }
            }
            #expect(second.finish(within: 60).code != 0)
            #expect(try instance.steady("get node b1 -o jsonpath={.status.conditions[?(@.type==\"Ready\")].status}") == "Unknown")
        }

        @Test func `Of several drills at once a disruption budget allows one, and what it costs is taken off at once`() throws {
            let siege = try Siege()
            defer { siege.stop() }
            let instance = siege.instance
            let budget = instance.directory + "/budget.yaml"
            try instance.write(
                """
                apiVersion: policy/v1
                kind: PodDisruptionBudget
                metadata: {name: web}
                spec: {minAvailable: 2, selector: {matchLabels: {app: web}}}
                """, to: budget)
            try instance.steady("apply -f \(budget)")
            func allowed() throws -> String { try instance.steady("get pdb web -o jsonpath={.status.disruptionsAllowed}") }
            try instance.wait("the budget allows one") { try allowed() == "1" }
            // What is lost is not replaced in this test: nobody can get an allowance back.
            try instance.steady("cordon a1 b1 c1")

            let drills = try ["node fail a1", "node fail b1", "zone fail c"].map { try instance.start($0) }
            let ends = drills.map { $0.finish() }
            #expect(ends.map(\.code).sorted() == [0, 1, 1], "\(ends.map(\.text))")
            for end in ends where end.code != 0 { #expect(end.text.contains("default/web allows 0 pods to be missing now"), "\(end.text)") }
            #expect(try allowed() == "0")
            #expect(try instance.start("node fail \(ends[0].code == 0 ? "b1" : "a1")").finish().code == 1)
        }

        @Test func `A node whose agent is missed, or stopped, keeps what serves there`() throws {
            let siege = try Siege()
            defer { siege.stop() }
            let before = try siege.replicas()
            let watch = StoreWatch(siege.instance)
            defer { watch.stop() }
            try Self.follow(watch, node: "b1", old: before.map(\.name)) { "" }
            try siege.begin()

            // Missed: far longer than an agent may be away.
            let lock = try RoleLock("agent-b1", of: siege.instance)
            defer { lock.release() }
            try lock.kill()
            try siege.instance.wait("it is known, and not enough") {
                try siege.instance.steady("why node/b1").contains("the agent of b1 is away, which alone says nothing of its pods")
            }
            try siege.flow(500)
            // The next agent is there when its lease is renewed once more: the one that was killed may have renewed it as well.
            let earlier = watch.count(of: "b1 renews its lease")
            lock.release()
            try siege.wait("the next agent renews its lease") { watch.count(of: "b1 renews its lease") > earlier }

            // Stopped: its connections stay, it only says nothing. Two renewals of another node are shorter than its lease.
            let stopped = siege.pid(of: "agent-b1")
            try #require(stopped > 1)
            let renewals = watch.count(of: "a1 renews its lease")
            #expect(kill(stopped, SIGSTOP) == 0)
            // Renewals are heard of in the order of the store: they wait for whatever is being synced to a disk that hangs.
            try siege.wait(within: 60, "time passes") { watch.count(of: "a1 renews its lease") >= renewals + 2 }
            // On a slow machine that is longer than `up` bears the silence: then there is another one.
            if siege.pid(of: "agent-b1") == stopped { _ = kill(stopped, SIGCONT) }
            try siege.flow(500)

            try siege.settle(3)
            try siege.end()
            #expect(try siege.replicas() == before)
            #expect(!watch.moments.contains { ["b1 is not ready", "proxy-1 is refused by b1"].contains($0.words) })
        }

        /// Notes what a node's loss is made of.
        ///
        /// - Parameter check: what is added to the words of a replacement that is made; called when it is heard of.
        private static func follow(_ watch: StoreWatch, node: String, old: [String], _ check: @escaping @Sendable () -> String) throws {
            try watch.follow("/apis/steady.dev/v1/proxystatuses") { _, object in
                let refusals = (object["status"] as? [String: Any])?["refusals"] as? [[String: Any]] ?? []
                return refusals.contains { $0["node"] as? String == node } ? "proxy-1 is refused by \(node)" : nil
            }
            try watch.follow("/api/v1/nodes") { _, object in
                let conditions = (object["status"] as? [String: Any])?["conditions"] as? [[String: Any]] ?? []
                let isUnknown = conditions.contains { $0["type"] as? String == "Ready" && $0["status"] as? String == "Unknown" }
                return isUnknown && Self.name(object) == node ? "\(node) is not ready" : nil
            }
            let transitions = Transitions()
            try watch.follow("/apis/coordination.k8s.io/v1/namespaces/kube-node-lease/leases") { type, object in
                let spec = object["spec"] as? [String: Any] ?? [:]
                let name = Self.name(object)
                let isOutdated = transitions.hasGrown(
                    name, spec["leaseTransitions"] as? Int ?? 0, holder: spec["holderIdentity"] as? String ?? "")
                if type == "ADDED" { return nil }
                return isOutdated ? "\(name)'s agent is outdated" : "\(name) renews its lease"
            }
            try watch.follow("/api/v1/namespaces/default/pods") { type, object in
                let name = Self.name(object)
                let app = ((object["metadata"] as? [String: Any])?["labels"] as? [String: String])?["app"] ?? ""
                let conditions = (object["status"] as? [String: Any])?["conditions"] as? [[String: Any]] ?? []
                let isReady = conditions.contains { $0["type"] as? String == "Ready" && $0["status"] as? String == "True" }
                switch (type, old.contains(name)) {
                case ("DELETED", true): return "\(app) of \(node) is deleted"
                case ("ADDED", false): return "\(app) is made anew" + check()
                case ("MODIFIED", false): return isReady ? "\(app) is ready elsewhere" : nil
                default: return nil
                }
            }
        }

        private static func name(_ object: [String: Any]) -> String { (object["metadata"] as? [String: Any])?["name"] as? String ?? "" }

        /// Whether the process has ended, though nobody may have asked yet how.
        private static func isDead(_ pid: Int32) -> Bool {
            guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8) else { return true }
            return stat.split(separator: ")").last?.split(separator: " ").first == "Z"
        }

        /// Tells a lease that was taken from its holder from one that changed hands.
        private final class Transitions: @unchecked Sendable {
            private let lock = NSLock()
            private var seen: [String: (count: Int, holder: String)] = [:]

            func hasGrown(_ name: String, _ count: Int, holder: String) -> Bool {
                lock.withLock {
                    defer { seen[name] = (count, holder) }
                    return seen[name].map { count > $0.count && holder == $0.holder } ?? false
                }
            }
        }
    }
}
