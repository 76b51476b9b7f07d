import Formats
import Reconciling
import Testing
import Timing

@Suite struct DecisionBookTests {
    private let web = DecidedObject(kind: "Deployment", namespace: "default", name: "web")
    private func after(_ seconds: Int64) -> Timestamp { start + .seconds(seconds) }

    @Test func `a sentence that is said again in a row counts up, and is written at most once a second`() {
        var book = DecisionBook()
        #expect(book.record(Decision(web, "3 old replicas stay", by: "deployment-controller", last: after(0))) != nil)
        #expect(book.record(Decision(web, "3 old replicas stay", by: "deployment-controller", last: start + .milliseconds(10))) == nil)
        let third = book.record(Decision(web, "3 old replicas stay", by: "deployment-controller", last: after(2)))
        #expect(third?.count == 3 && third?.first == after(0) && third?.last == after(2))
        #expect(book.decisions(about: web).count == 1)
    }

    @Test func `a sentence that is said again after another one is a decision of its own`() {
        var book = DecisionBook()
        for (at, text) in ["grow", "shrink", "grow"].enumerated() {
            _ = book.record(Decision(web, text, by: "deployment-controller", last: after(Int64(at))))
        }
        #expect(book.decisions(about: web).map(\.message) == ["grow", "shrink", "grow"])
    }

    @Test func `a plan is one record, told again only when it differs from the last one, whatever events came between`() {
        var book = DecisionBook()
        func plan(_ sentences: [String], at second: Int64) {
            guard let decision = Decision(plan: sentences, about: web, by: "deployment-controller", last: after(second)) else { return }
            _ = book.record(decision)
        }
        plan(["no room for more", "3 old replicas stay"], at: 0)
        plan(["no room for more", "3 old replicas stay"], at: 1)
        _ = book.record(Decision(web, "Scaled up to 1", reason: "ScalingReplicaSet", by: "deployment-controller", last: after(2)))
        plan([], at: 3)
        plan(["no room for more", "3 old replicas stay"], at: 4)
        #expect(book.decisions(about: web).map(\.message) == ["Scaled up to 1", "no room for more; 3 old replicas stay"])
        #expect(book.decisions(about: web).last?.count == 3)
        // Read back from what was written, the order is the same.
        var other = DecisionBook()
        for decision in [book.all[1], book.all[0], book.all[1]] { other.restore(decision) }
        #expect(other.decisions(about: web) == book.decisions(about: web))
        plan(["2 old replicas stay"], at: 5)
        plan(["no room for more", "3 old replicas stay"], at: 6)
        #expect(book.decisions(about: web).count == 4)
    }

    @Test func `an event that is seen again after a start is not a second one`() {
        var book = DecisionBook()
        let event = Decision(web, "Scaled up to 3", reason: "ScalingReplicaSet", by: "deployment-controller", last: after(0))
        #expect(book.record(event) != nil)
        _ = book.record(Decision(web, "something else", by: "deployment-controller", last: after(1)))
        #expect(book.record(event) == nil)
        var again = event
        again.last = after(9)
        again.count = 2
        #expect(book.record(again)?.count == 2)
        #expect(book.decisions(about: web).map(\.message) == ["something else", "Scaled up to 3"])
    }

    @Test func `of one object the last fifty are kept`() {
        var book = DecisionBook()
        for at in 0..<80 { _ = book.record(Decision(web, "n\(at)", by: "x", last: after(Int64(at)))) }
        #expect(book.decisions(about: web).map(\.message) == (30..<80).map { "n\($0)" })
        #expect(book.count == 50)
    }

    @Test func `beyond the bytes that are kept in all the oldest go, of whichever object`() {
        var book = DecisionBook(byteLimit: 20_000)
        for at in 0..<400 {
            let object = DecidedObject(kind: "Pod", namespace: "default", name: "p\(at)")
            _ = book.record(Decision(object, "n\(at)", by: "x", last: after(Int64(at))))
            #expect(book.byteCount <= 20_000)
        }
        #expect(book.all.map(\.message) == (400 - book.count..<400).map { "n\($0)" })
        #expect(book.count > 100)
    }

    @Test func `what is older than a week is forgotten`() {
        var book = DecisionBook()
        _ = book.record(Decision(web, "old", by: "x", last: after(0)))
        _ = book.record(Decision(web, "new", by: "x", last: after(86_400)))
        book.expire(now: after(7 * 86_400 + 1))
        #expect(book.decisions(about: web).map(\.message) == ["new"])
        book.expire(now: after(9 * 86_400))
        #expect(book.count == 0 && book.byteCount == 0)
    }

    @Test func `a record is read back as it was written`() {
        let decision = Decision(
            web, "Scaled up", reason: "ScalingReplicaSet", by: "deployment-controller", first: after(1), last: after(5), count: 4)
        #expect(Decision(decision.value) == decision)
        #expect(Decision(Value.object([:])) == nil)
    }
}
