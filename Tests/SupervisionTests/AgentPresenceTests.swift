import Testing
import Timing

@testable import Supervision

@Suite struct `An agent` {
    private func at(_ milliseconds: Int) -> Instant { .zero + .milliseconds(milliseconds) }

    /// A story: what happens when, and from when on the agent is absent.
    private func absences(_ events: [(Int, AgentPresence.Event)], from presence: AgentPresence = AgentPresence()) -> [String?] {
        var presence = presence
        return events.map { milliseconds, event in
            presence.handle(event, now: at(milliseconds))
            return presence.absence
        }
    }

    @Test func `is absent when it has been away for half a second, and no longer when it is back`() {
        #expect(
            absences([(0, .came), (10, .went), (509, .tick), (510, .tick), (700, .tick), (900, .came)])
                == [nil, nil, nil, "10000000", "10000000", nil])
    }

    @Test func `that is back in time was never absent`() {
        #expect(absences([(0, .came), (10, .went), (60, .came), (510, .tick), (900, .tick)]) == [nil, nil, nil, nil, nil])
    }

    @Test func `that dies again before it said hello is not back`() {
        #expect(absences([(0, .came), (10, .went), (200, .went), (510, .tick)]).last == "10000000")
    }

    @Test func `that says hello and dies starts a new absence under a new name`() {
        #expect(
            absences([(0, .came), (10, .went), (510, .tick), (600, .came), (610, .went), (1110, .tick)])
                == [nil, nil, "10000000", nil, nil, "610000000"])
    }

    @Test func `that never came is not missed`() {
        #expect(absences([(0, .went), (600, .tick), (5_000, .tick)]) == [nil, nil, nil])
    }

    @Test func `that is known to be down is missed without having come`() {
        #expect(absences([(500, .tick)], from: AgentPresence(downSince: .zero)) == ["0"])
    }

    @Test func `is not missed because who misses it was stopped meanwhile`() {
        #expect(
            absences([(0, .came), (10, .went), (3_000, .tick), (3_400, .tick), (3_500, .tick)]) == [nil, nil, nil, nil, "10000000"])
        #expect(absences([(0, .came), (10, .went), (3_000, .tick), (3_001, .came), (3_500, .tick)]).allSatisfy { $0 == nil })
    }

    @Test func `asks for a tick only while it is away`() {
        var presence = AgentPresence()
        #expect(presence.lookAgain == nil)
        presence.handle(.came, now: .zero)
        presence.handle(.went, now: at(10))
        #expect(presence.lookAgain == at(510))
        presence.handle(.tick, now: at(510))
        #expect(presence.lookAgain == nil)
    }
}
