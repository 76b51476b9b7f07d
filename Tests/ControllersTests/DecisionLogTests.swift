import Foundation
import Linux
import Reconciling
import Testing
import Timing

@testable import Controllers

@Suite struct DecisionLogTests {
    private let web = DecidedObject(kind: "Pod", namespace: "default", name: "web")
    private let path = NSTemporaryDirectory() + "steady-decisions-\(UUID().uuidString)"
    private let start = Timestamp(secondsSince1970: 1_700_000_000)

    private func log() throws -> DecisionLog {
        let now = start + .seconds(3600)
        return DecisionLog(loop: try EventLoop(), path: path, now: { now })
    }

    private func sentence(_ number: Int) -> Decision { Decision(web, "n\(number)", by: "x", last: start + .seconds(Int64(number))) }

    @Test func `what was decided is known after a restart`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try log()
        for number in 0..<3 { first.record(sentence(number)) }
        var again = sentence(2)
        again.last = start + .seconds(10)
        first.record(again)
        first.flush()
        let second = try log()
        #expect(second.decisions(about: web).map(\.message) == ["n0", "n1", "n2"])
        #expect(second.decisions(about: web).last?.count == 2)
    }

    @Test func `a torn last line is skipped, and swallows nothing that follows`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let first = try log()
        first.record(sentence(0))
        first.flush()
        let whole = try String(contentsOfFile: path, encoding: .utf8)
        try (whole + #"{"kind":"Pod","na"#).write(toFile: path, atomically: true, encoding: .utf8)
        let second = try log()
        second.record(sentence(1))
        second.flush()
        #expect(try log().decisions(about: web).map(\.message) == ["n0", "n1"])
    }

    @Test func `what is older than seven days is not told, also while nothing new comes`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        var now = start
        let log = DecisionLog(loop: try EventLoop(), path: path, now: { now })
        log.record(sentence(0))
        log.record(sentence(60))
        now = start + DecisionBook.timeToLive
        #expect(log.decisions(about: web).map(\.message) == ["n60"])
        now = start + DecisionBook.timeToLive + .seconds(60)
        #expect(log.decisions(about: web).isEmpty)
    }

    @Test func `a file that cannot be written anew is tried again after a pause, and then has what came meanwhile`() throws {
        var now = start
        let log = DecisionLog(loop: try EventLoop(), path: path, now: { now })
        let obstacle = "\(path).tmp\(ProcessInfo.processInfo.processIdentifier)"
        try FileManager.default.createDirectory(atPath: obstacle, withIntermediateDirectories: false)
        defer {
            try? FileManager.default.removeItem(atPath: path)
            try? FileManager.default.removeItem(atPath: obstacle)
        }
        func size() throws -> Int { try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? .max }
        let filler = String(repeating: "x", count: 200_000)
        var number = 0
        func add() {
            log.record(Decision(web, "\(number) \(filler)", by: "x", last: start + .milliseconds(number)))
            log.flush()
            number += 1
        }
        var full = -1
        while try number == 0 || size() != full {
            full = number == 0 ? -1 : try size()
            add()
        }
        try FileManager.default.removeItem(atPath: obstacle)
        add()
        #expect(try size() == full)
        now = start + DecisionLog.rewritePause
        add()
        #expect(try size() < full)
        let again = DecisionLog(loop: try EventLoop(), path: path, now: { now })
        let heads = again.decisions(about: web).suffix(3).map { "\($0.message.prefix { $0 != " " })" }
        #expect(heads == (number - 3..<number).map { "\($0)" })
    }

    @Test func `the file is written anew before it exceeds its limit`() throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let log = try log()
        let filler = String(repeating: "x", count: 200_000)
        for number in 0..<200 {
            log.record(Decision(web, "\(number) \(filler)", by: "x", last: start + .seconds(Int64(number))))
            log.flush()
            let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? .max
            #expect(size <= DecisionLog.fileByteLimit)
        }
        #expect(log.decisions(about: web).last?.message.hasPrefix("199 ") == true)
    }
}
