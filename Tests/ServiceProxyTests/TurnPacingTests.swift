import Testing
import Timing
import Traffic

@testable import ServiceProxy

private let backend = RouteTable.BackendName(.init("default", "web"), port: 80)

private func notice(_ turn: HealthTurn, at last: UInt32? = nil) -> HealthNotice {
    HealthNotice(HealthChange(backend, last.map { EndpointAddress(host: 0x7F40_0000 + $0, port: 8080) }, turn))
}

@Suite struct `Turns of a Service are told` {
    @Test func `at once, and what flaps once in ten seconds, with the truth as the last word`() {
        var pacing = TurnPacing()
        var told: [String] = []
        func turn(_ turn: HealthTurn, at second: Int) {
            let now = Instant.zero + .seconds(second)
            told += pacing.takeDue(now: now).map { "\(second) \($0.reason)" }
            if pacing.note(notice(turn), now: now) { told.append("\(second) \(notice(turn).reason)") }
        }
        func due(_ second: Int) -> [String] { pacing.takeDue(now: .zero + .seconds(second)).map(\.reason) }
        turn(.panicBegan, at: 0)
        turn(.panicEnded, at: 1)
        #expect(pacing.nextDue == nil)
        for second in 2...7 { turn(second.isMultiple(of: 2) ? .panicBegan : .panicEnded, at: second) }
        #expect(told == ["0 PanicMode", "1 PanicModeEnded"])
        #expect(due(11).isEmpty, "that it has ended is the last word already")
        turn(.panicBegan, at: 20)
        turn(.panicEnded, at: 21)
        turn(.panicBegan, at: 22)
        #expect(pacing.nextDue == .zero + .seconds(30))
        #expect(due(29).isEmpty)
        #expect(due(30) == ["PanicMode"])
        #expect(pacing.nextDue == nil)
    }

    @Test func `of several endpoints the last that waits, whatever another one does meanwhile`() {
        var pacing = TurnPacing()
        let out = HealthTurn.ejected(.consecutive5Xx, for: .seconds(30))
        func note(_ notice: HealthNotice, at second: Int) -> Bool { pacing.note(notice, now: .zero + .seconds(second)) }
        let (first, second) = (notice(out, at: 1), notice(out, at: 2))
        #expect([note(first, at: 0), note(second, at: 0), note(notice(.returned, at: 1), at: 1)] == [true, false, true])
        let due = pacing.takeDue(now: .zero + .seconds(10))
        #expect(due == [second])
    }
}
