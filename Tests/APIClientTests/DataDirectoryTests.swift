import Linux
import Testing

@testable import APIClient

struct DataDirectoryTests {
    /// What says where it is, from the strongest to the weakest; the user database's home comes last.
    @Test(
        arguments: [
            ("--data-dir", "/given", ["STEADY_DATA_DIR": "/named", "XDG_STATE_HOME": "/state", "HOME": "/home/me"], "/db", "/given"),
            ("STEADY_DATA_DIR", nil, ["STEADY_DATA_DIR": "/named", "XDG_STATE_HOME": "/state", "HOME": "/home/me"], "/db", "/named"),
            ("an empty one", nil, ["STEADY_DATA_DIR": "", "XDG_STATE_HOME": "/state"], "/db", "/state/steady"),
            ("XDG_STATE_HOME", nil, ["XDG_STATE_HOME": "/state", "HOME": "/home/me"], "/db", "/state/steady"),
            ("a relative one", nil, ["XDG_STATE_HOME": "state", "HOME": "/home/me"], "/db", "/home/me/.local/state/steady"),
            ("HOME", nil, ["HOME": "/home/me"], "/db", "/home/me/.local/state/steady"),
            ("no HOME", nil, [:], "/db", "/db/.local/state/steady"), ("an empty HOME", nil, ["HOME": ""], "/db", "/db/.local/state/steady"),
            ("a relative HOME", nil, ["HOME": "me"], "/db", "/db/.local/state/steady"),
        ] as [(String, String?, [String: String], String?, String)])
    func `the data directory is what the nearest word says`(
        name: String, argument: String?, environment: [String: String], home: String?, path: String
    ) throws {
        #expect(try DataDirectory.chosen(argument, environment: { environment[$0] }, home: { home }).path == path, "\(name)")
    }

    @Test func `a user without a home is told to name a directory, and is given none that others may write in`() {
        let error = #expect(throws: NoDataDirectory.self) { try DataDirectory.chosen(nil, environment: { _ in nil }, home: { nil }) }
        #expect(error?.description.contains("--data-dir") == true)
    }

    @Test func `a purge that is cut off leaves a whole journal or none, and no record of a state that is gone`() throws {
        let root = DataDirectory("/tmp/steady-purge-\(Processes.current)")
        defer { try? Files.removeTree(root.path) }
        var count = 0
        repeat {
            try? Files.removeTree(root.path)
            try Files.makeDirectories(root.journal)
            try Files.makeDirectories(root.journal + ".replaced-2026")
            for directory in [root.snapshots, root.roles, root.node("a1")] { try Files.makeDirectories(directory) }
            let notes = [root.hostRecord, root.journalReached]
            let files = notes + [root.journal + "/1", root.journal + "/2", root.hostLock, root.decisionLog, root.roleLog("up")]
            for file in files { try Files.replace(file, with: "x".utf8) }
            let pathCount = root.everything.count
            // It may have been cut off before, in the midst of the journal.
            if count % 2 == 1 { try Files.makeDirectories(root.journal + ".replaced-purged/3") }
            #expect(root.purge(upTo: count) == nil)
            let left = (try? Files.list(root.journal)) ?? []
            #expect(left == ["1", "2"] || !Files.exists(root.journal), "\(count)")
            #expect(left.count == 2 || !notes.contains { Files.exists($0) }, "\(count)")
            #expect(Files.exists(root.hostLock) || (try? Files.list(root.path)) == [], "\(count)")
            count += 1
            if count > pathCount { break }
        } while true
        #expect(count > 14)
    }

    @Test func `the user database knows the home of whoever runs this, or nothing`() {
        #expect(Ownership.home?.hasPrefix("/") ?? true)
    }
}
