import Foundation
import Linux
import Testing
import Timing

@testable import NodeAgent

/// A container's log in a directory of its own.
private final class LogBench {
    let log: ContainerLog
    let path: String
    private let directory = NSTemporaryDirectory() + "steady-log-\(UUID().uuidString.prefix(8))"
    private var second: Int64 = 0
    /// Several of a reader's chunks.
    static let fileLimit = LogReader.chunkSize * 3

    init() throws {
        let paths = PodPaths(node: directory, uid: "pod")
        try Files.makeDirectories(Files.directory(of: paths.log("main", run: 0)))
        log = ContainerLog(paths, container: "main", fileLimit: Self.fileLimit)
        log.open(run: 0)
        path = paths.log("main", run: 0)
    }

    deinit {
        log.close()
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Prints at the next whole second.
    func write(_ text: String) {
        second += 1
        log.append(Array(text.utf8)[...], at: Timestamp(nanosecondsSince1970: second * 1_000_000_000))
    }

    func read(_ change: (inout LogSelection) -> Void = { _ in }) -> String {
        var selection = LogSelection()
        change(&selection)
        let reader = LogReader(path, tail: selection.tailLines, endsHere: true)
        while reader.seekFurther() {}
        var formatter = LogFormatter(selection)
        var out: [UInt8] = []
        while !formatter.isFull, let entries = reader.next() { out += formatter.format(entries) }
        return String(decoding: out, as: UTF8.self)
    }
}

@Suite struct LogReaderTests {
    @Test func `a log is read as it was printed, the last lines by count, later ones by time`() throws {
        let bench = try LogBench()
        bench.write("one\ntwo\n")
        bench.write("thr")
        bench.write("ee\nfour, not ended")
        #expect(bench.read() == "one\ntwo\nthree\nfour, not ended")
        #expect(bench.read { $0.tailLines = 1 } == "four, not ended")
        #expect(bench.read { $0.tailLines = 2 } == "three\nfour, not ended")
        #expect(bench.read { $0.tailLines = 99 } == "one\ntwo\nthree\nfour, not ended")
        #expect(bench.read { $0.tailLines = 0 } == "")
        #expect(bench.read { $0.since = Timestamp(nanosecondsSince1970: 2_000_000_000) } == "three\nfour, not ended")
        #expect(bench.read { $0.limitBytes = 5 } == "one\nt")
        #expect(
            bench.read {
                $0.timestamps = true
                $0.tailLines = 2
            }.hasPrefix("1970-01-01T00:00:02.000000000Z three\n1970-01-01T00:00:03.000000000Z four"))
    }

    @Test func `a log in several pieces is read through all of them, and its last lines are found across them`() throws {
        let bench = try LogBench()
        let line = String(repeating: "x", count: 9_000)
        let count = LogBench.fileLimit / 9_000 * 2 + 10
        for number in 0..<count { bench.write("\(number) \(line)\n") }
        #expect(ContainerLog.pieces(bench.path).count == 3)
        let numbers = bench.read().split(separator: "\n").map { Int($0.prefix { $0 != " " }) }
        #expect(numbers == Array(0..<count))
        #expect(bench.read { $0.tailLines = count - 3 }.split(separator: "\n").count == count - 3)
    }

    @Test func `a reader goes on through a rotation, and without following stops where the log ended`() throws {
        let bench = try LogBench()
        bench.write("first\n")
        let following = LogReader(bench.path, tail: nil, endsHere: false)
        let bounded = LogReader(bench.path, tail: nil, endsHere: true)
        var formatter = LogFormatter(LogSelection())
        #expect(following.next().map { formatter.format($0) } == Array("first\n".utf8))
        #expect(following.next() == nil)
        let line = String(repeating: "y", count: 60_000) + "\n"
        for _ in 0..<(LogBench.fileLimit / 60_000) { bench.write(line) }
        bench.write("last\n")
        var text: [UInt8] = []
        while let entries = following.next() { text += formatter.format(entries) }
        #expect(text.count == line.utf8.count * (LogBench.fileLimit / 60_000) + 5)
        #expect(bounded.next().map { formatter.format($0) } == Array("first\n".utf8))
        #expect(bounded.next() == nil)
    }
}
