import Formats
import Reconciling
import Resources
import Testing
import Timing

@Suite struct EventBookTests {
    func note(_ message: String, about name: String = "web") -> EventNote {
        EventNote(ObjectReference(.pods, pod(name).meta), .normal, "Scheduled", message, from: "default-scheduler")
    }

    @Test func `the same note again counts up`() {
        var book = EventBook()
        guard case .create(let event, _, let namespace, _)? = book.record(note("x"), now: start)?.request else {
            Issue.record("no event")
            return
        }
        #expect(namespace == "default" && event["count"] == 1 && event["involvedObject"]["name"] == "web" && event["reason"] == "Scheduled")
        guard case .patch(let key, .merge(let body), _, _)? = book.record(note("x"), now: start + .seconds(1))?.request else {
            Issue.record("no patch")
            return
        }
        #expect(key.name == event["metadata"]["name"].string && body["count"] == 2)
    }

    @Test func `a flood about one object is cut, other objects are heard`() {
        var book = EventBook()
        let written = (0..<100).compactMap { book.record(note("m\($0)"), now: start) }
        #expect(written.count == EventBook.burst)
        #expect(book.record(note("x", about: "other"), now: start) != nil)
        #expect(book.record(note("later"), now: start + EventBook.refill) != nil)
    }

    @Test func `old events are deleted after an hour, and too many at once from the oldest on`() {
        var book = EventBook()
        for index in 0..<3 {
            let last = start + .seconds(Int64(index) * 60)
            book.observe(ObjectKey(.events, namespace: "default", name: "e\(index)"), ["lastTimestamp": .string(last.rfc3339)])
        }
        let (none, next) = book.expire(now: start)
        #expect(none.isEmpty && next == EventBook.timeToLive)
        let (due, later) = book.expire(now: start + .seconds(3600 + 61))
        #expect(due.count == 2 && later == .seconds(59))
        #expect(book.storedCount == 3)
    }
}
