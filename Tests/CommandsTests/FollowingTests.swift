import Formats
import Testing

@testable import Commands

struct FollowedLogTests {
    private static func time(_ second: Int) -> String { "2026-11-21T08:47:0\(second).167347880Z" }
    /// Lines as they were written; several are read at once, and then have one time.
    private static let lines: [(time: String, text: String)] = [
        (time(1), "one"), (time(2), "two a"), (time(2), ""), (time(2), "two a"), (time(3), "three"),
    ]
    private static let sent = Array(lines.map { "\($0.time) \($0.text)\n" }.joined().utf8)

    /// What an agent sends from a time on.
    private static func sent(since: String?) -> [UInt8] {
        Array(lines.filter { $0.time >= since ?? "" }.map { "\($0.time) \($0.text)\n" }.joined().utf8)
    }

    @Test(arguments: [false, true]) func `a log has each line once wherever its connection is lost, twice`(showsTimes: Bool) {
        let whole = showsTimes ? String(decoding: Self.sent, as: UTF8.self) : Self.lines.map { $0.text + "\n" }.joined()
        for first in 0...Self.sent.count {
            for second in stride(from: 0, through: Self.sent.count, by: 7) {
                var log = FollowedLog(showsTimes: showsTimes)
                var out = log.take(Array(Self.sent[..<first]))
                out += log.take(Array(Self.sent(since: log.reconnect()).prefix(second)))
                for byte in Self.sent(since: log.reconnect()) { out += log.take([byte]) }
                #expect(String(decoding: out, as: UTF8.self) == whole, "lost at \(first) and \(second)")
            }
        }
    }

    @Test func `a line that will not be ended any more does not run into the next`() {
        var log = FollowedLog(showsTimes: false)
        var out = log.take(Array("\(Self.time(1)) half".utf8))
        let since = log.reconnect()
        #expect(since == Self.time(1))
        out += log.take(Array("\(Self.time(4)) next\n".utf8))
        #expect(String(decoding: out, as: UTF8.self) == "half\nnext\n")
    }

    @Test func `a log of which nothing came is asked for from its beginning`() {
        var log = FollowedLog(showsTimes: false)
        let since = log.reconnect()
        #expect(since == nil)
    }
}

struct HeardEventsTests {
    private func event(_ uid: String, count: Int64 = 1, at: String = "2026-11-21T08:47:00Z") -> Value {
        ["metadata": ["uid": .string(uid)], "count": .int(count), "lastTimestamp": .string(at)]
    }

    @Test func `an event is told once, and again when it has happened again`() {
        var heard = HeardEvents()
        var told: [Bool] = []
        for event in [event("a"), event("b"), event("a"), event("a", count: 2), event("a", count: 2)] { told.append(heard.isNews(event)) }
        #expect(told == [true, true, false, true, false])
    }

    @Test func `what the server has forgotten may be told anew`() {
        var heard = HeardEvents()
        for name in ["a", "b"] { _ = heard.isNews(event(name)) }
        heard.keep(only: [event("a")])
        let isFirstAgain = [heard.isNews(event("a")), heard.isNews(event("b"))]
        #expect(isFirstAgain == [false, true])
        heard.forget(event("a"))
        let isForgotten = heard.isNews(event("a"))
        #expect(isForgotten)
    }
}
