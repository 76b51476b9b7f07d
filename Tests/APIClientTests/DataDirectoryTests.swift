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

    @Test func `the user database knows the home of whoever runs this, or nothing`() {
        #expect(Ownership.home?.hasPrefix("/") ?? true)
    }
}
