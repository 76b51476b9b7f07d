import Foundation
import Testing
import Timing

@testable import Linux

struct LogTailTests {
    /// A log file and whoever reads it.
    private final class Log {
        let folder: String
        let path: String
        let tail: LogTail
        private(set) var file: Int32 = -1

        init() throws {
            folder = NSTemporaryDirectory() + "steady-tail-\(UUID().uuidString.prefix(8))"
            try Files.makeDirectories(folder)
            path = folder + "/log"
            tail = LogTail(path)
        }

        deinit {
            if file >= 0 { close(file) }
            try? FileManager.default.removeItem(atPath: folder)
        }

        func write(_ text: String) throws {
            if file < 0 { file = try Files.open(path, Files.appending) }
            try Files.writeAll(text.utf8, to: file)
        }

        /// As the writer of a full log does it.
        func rotate() throws { RoleLog.cut(path, outputs: [file], limit: 0) }

        var lines: [String] {
            var out: [String] = []
            tail.look { out.append(String(decoding: $0, as: UTF8.self)) }
            return out
        }
    }

    @Test func `each line is read once, and what is begun when it has ended`() throws {
        let log = try Log()
        #expect(log.lines.isEmpty)
        try log.write("one\ntwo\nthr")
        #expect(log.lines == ["one", "two"])
        #expect(log.lines.isEmpty)
        try log.write("ee\n")
        #expect(log.lines == ["three"])
        try log.write("fo")
        #expect(log.lines.isEmpty)
        var last: [String] = []
        log.tail.finish { last.append(String(decoding: $0, as: UTF8.self)) }
        #expect(last == ["fo"])
    }

    @Test func `a log that was moved aside is read to its end, then the new one`() throws {
        let log = try Log()
        try log.write("a\n")
        #expect(log.lines == ["a"])
        try log.write("b\n")
        try log.rotate()
        try log.write("c\n")
        #expect(log.lines == ["b", "c"])
        try log.write("d\n")
        #expect(log.lines == ["d"])
        try log.rotate()
        #expect(log.lines.isEmpty)
        try log.write("e\n")
        #expect(log.lines == ["e"])
    }

    @Test func `a log that was cut in place is read from its beginning`() throws {
        let log = try Log()
        try log.write("long line\n")
        #expect(log.lines == ["long line"])
        truncate(log.path, 0)
        try log.write("x\n")
        #expect(log.lines == ["x"])
    }

    @Test func `a line without end is broken at the limit`() throws {
        let log = try Log()
        try log.write(String(repeating: "x", count: 3 * LogTail.lineLimit))
        let lines = log.lines
        #expect(lines.count == 1 && lines.allSatisfy { $0.utf8.count > LogTail.lineLimit })
    }

    @Test func `whoever watches the directory hears of what is written and of a rotation`() throws {
        let (log, loop) = (try Log(), try EventLoop())
        var lines: [String] = []
        let watch = try DirectoryWatch(loop: loop, log.folder) { lines += log.lines }
        try log.write("a\n")
        #expect(loop.runUntil(within: .seconds(10)) { lines == ["a"] })
        try log.rotate()
        try log.write("b\n")
        #expect(loop.runUntil(within: .seconds(10)) { lines == ["a", "b"] })
        watch.cancel()
        #expect(throws: LinuxError.self) { try DirectoryWatch(loop: loop, log.folder + "/none") {} }
    }
}
