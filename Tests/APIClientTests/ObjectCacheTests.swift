import Formats
import Linux
import Resources
import Testing
import Timing

@testable import APIClient

@Suite struct `The object cache` {
    /// What was reported, one line a change: `+a 1`, `~a 1 2`, `-a 2`.
    final class Report {
        var lines: [String] = []
        var syncedCount = 0
        var revisions: [UInt64] = []
    }

    private func start(_ api: ScriptedAPI) -> (cache: ObjectCache, report: Report) {
        let cache = ObjectCache(api: api, list: ListRequest(.configMaps))
        let report = Report()
        cache.onRevision = { report.revisions.append($0.number) }
        cache.start { key, old, new in
            let versions = [old, new].compactMap { $0?["data"]["x"].string }.joined(separator: " ")
            report.lines.append((old == nil ? "+" : new == nil ? "-" : "~") + key.name + " " + versions)
        } onSynced: {
            report.syncedCount += 1
        }
        return (cache, report)
    }

    @Test func `lists, then follows`() throws {
        let api = try ScriptedAPI()
        let (cache, report) = start(api)
        #expect(api.watches.map(\.from) == [nil])
        api.watches[0].send(signal(.added, "b", 3, "1"))
        api.watches[0].send(signal(.added, "a", 5, "1"))
        #expect(!cache.isSynced)
        #expect(report.revisions == [])
        api.watches[0].send(.synced(Revision(9)))
        #expect(cache.isSynced)
        api.watches[0].send(signal(.modified, "a", 10, "2"))
        api.watches[0].send(signal(.bookmark, "", 12))
        api.watches[0].send(signal(.deleted, "b", 13, "1"))
        #expect(report.lines == ["+b 1", "+a 1", "~a 1 2", "-b 1"])
        #expect(report.revisions == [9, 10, 12, 13])
        #expect(report.syncedCount == 1)
        #expect(cache.all.map { $0["metadata"]["name"].string } == ["a"])
        #expect(cache["default", "a"]?["data"]["x"] == "2")
    }

    @Test func `goes on from its revision when the watch ended in good order`() throws {
        let api = try ScriptedAPI()
        let (cache, report) = start(api)
        #expect(!cache.isConnected)
        api.watches[0].send(signal(.added, "a", 5, "1"))
        api.watches[0].send(.synced(Revision(9)))
        api.watches[0].send(.ended(nil))
        #expect(cache.isConnected)
        #expect(api.until { api.watches.count == 2 })
        #expect(api.watches[1].from == Revision(9))
        api.watches[1].send(signal(.modified, "a", 11, "2"))
        #expect(report.lines == ["+a 1", "~a 1 2"])
    }

    @Test(arguments: [StatusError.expired("too old"), .unavailable("gone")])
    func `lists anew after a failure and reports what changed meanwhile`(error: StatusError) throws {
        let api = try ScriptedAPI()
        let (cache, report) = start(api)
        for name in ["a", "b", "c"] { api.watches[0].send(signal(.added, name, 5, "1")) }
        api.watches[0].send(.synced(Revision(9)))
        #expect(cache.isConnected)
        api.watches[0].send(.ended(error))
        #expect(!cache.isConnected)
        #expect(api.until { api.watches.count == 2 })
        #expect(api.watches[1].from == nil && !cache.isConnected)
        report.lines = []
        // The server was restarted: its revisions are lower than ours.
        api.watches[1].send(signal(.added, "a", 5, "1"))
        api.watches[1].send(signal(.added, "b", 6, "2"))
        api.watches[1].send(signal(.added, "d", 6, "1"))
        #expect(cache.isSynced)
        #expect(cache["default", "c"] != nil)
        api.watches[1].send(.synced(Revision(7)))
        #expect(report.lines == ["~b 1 2", "+d 1", "-c 1"])
        #expect(report.syncedCount == 1)
        #expect(cache.revision == Revision(7))
    }

    @Test func `lists anew when the first listing was cut off`() throws {
        let api = try ScriptedAPI()
        let (_, report) = start(api)
        api.watches[0].send(signal(.added, "a", 5, "1"))
        api.watches[0].send(.ended(nil))
        #expect(api.until { api.watches.count == 2 })
        #expect(api.watches[1].from == nil)
        api.watches[1].send(.synced(Revision(7)))
        #expect(report.lines == ["+a 1", "-a 1"])
    }

    @Test func `hears nothing from an earlier watch, nor after it was stopped`() throws {
        let api = try ScriptedAPI()
        let (cache, report) = start(api)
        api.watches[0].send(.ended(nil))
        #expect(api.until { api.watches.count == 2 })
        api.watches[0].send(signal(.added, "a", 5, "1"))
        cache.stop()
        api.watches[1].send(signal(.added, "b", 5, "1"))
        #expect(report.lines == [])
        #expect(api.cancelledCount == 1)
    }
}
