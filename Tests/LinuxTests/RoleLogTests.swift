import Foundation
import Testing
import Timing

@testable import Linux

struct RoleLogTests {
    private let at = Timestamp(nanosecondsSince1970: 1_000_000_000_000_001_000)

    @Test func `a line has its time in a file, and its priority under journald`() {
        #expect(RoleLog.line(.warning, "up", "a\nb", at: at, isJournal: false) == "2001-09-09T01:46:40.000001Z warning up: a b")
        #expect(RoleLog.line(.error, "up", "x", at: at, isJournal: true) == "<3>up: x")
    }

    @Test func `a full file is set aside, and what writes to it goes on in a new one`() throws {
        let path = NSTemporaryDirectory() + "steady-log-\(UUID().uuidString.prefix(8))"
        defer { for file in [path, path + ".1"] { try? FileManager.default.removeItem(atPath: file) } }
        let file = try Files.open(path, Files.appending)
        defer { close(file) }
        try Files.writeAll("0123456789".utf8, to: file)
        RoleLog.cut(path, outputs: [file], limit: 10)
        #expect(!Files.exists(path + ".1"))
        RoleLog.cut(path, outputs: [file], limit: 9)
        try Files.writeAll("new".utf8, to: file)
        #expect(try Files.text(path + ".1") == "0123456789")
        #expect(try Files.text(path) == "new")
    }
}
