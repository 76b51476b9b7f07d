import Testing
import Timing

@testable import Supervision

@Suite struct `A role` {
    private func at(_ milliseconds: Int) -> Instant { .zero + .milliseconds(milliseconds) }

    @Test func `is started again at once when it dies`() {
        var role = RoleMachine(now: .zero)
        #expect(role.handle(.tick, now: .zero) == [.start])
        #expect(role.handle(.started, now: .zero) == [])
        #expect(role.handle(.exited, now: at(5)) == [])
        #expect(role.state == .waiting(at(5)))
        #expect(role.handle(.tick, now: at(5)) == [.start])
        #expect(role.restartCount == 1)
    }

    @Test func `waits longer each time it dies early, and not at all after it has proved itself`() {
        var role = RoleMachine(now: .zero)
        var waits: [Duration] = []
        var now = Instant.zero
        for _ in 0..<12 {
            _ = role.handle(.started, now: now)
            now += .milliseconds(1)
            _ = role.handle(.exited, now: now)
            guard case .waiting(let at) = role.state else { return #expect(Bool(false), "it waits") }
            waits.append(at - now)
            now = at
        }
        #expect(waits.prefix(4) == [.zero, .milliseconds(20), .milliseconds(40), .milliseconds(80)])
        #expect(waits.last == .seconds(5))
        _ = role.handle(.started, now: now)
        now += .seconds(11)
        _ = role.handle(.exited, now: now)
        #expect(role.state == .waiting(now))
    }

    @Test func `is killed when it falls silent, once, and started when it has ended`() {
        var role = RoleMachine(now: .zero)
        _ = role.handle(.started, now: .zero)
        _ = role.handle(.heard, now: at(4_000))
        #expect(role.handle(.tick, now: at(10_000)) == [])
        #expect(role.handle(.tick, now: at(14_000)) == [.kill])
        #expect(role.handle(.tick, now: at(15_000)) == [])
        _ = role.handle(.exited, now: at(15_001))
        #expect(role.handle(.tick, now: at(15_001)) == [.start])
    }

    @Test func `is not called silent by an up that was stopped itself, and gets a whole limit after that`() {
        var role = RoleMachine(now: .zero)
        _ = role.handle(.started, now: .zero)
        #expect(role.handle(.tick, now: at(60_000)) == [])
        #expect(role.lookAgain == at(70_000))
        #expect(role.handle(.tick, now: at(70_000)) == [.kill])
    }

    @Test func `is given up before the lease of its node runs out, where it is an agent`() {
        // Renewed at most 2 s before it fell silent, and lasts for 10.
        #expect(RoleMachine.silenceLimit(of: "agent-a1") + RoleMachine.lateness < .seconds(10 - 2))
        var role = RoleMachine(now: .zero, silenceLimit: RoleMachine.silenceLimit(of: "agent-a1"))
        _ = role.handle(.started, now: .zero)
        #expect(role.handle(.tick, now: at(6_000)) == [.kill])
    }

    @Test func `stays down while it is failed on purpose`() {
        var role = RoleMachine(now: .zero)
        _ = role.handle(.started, now: .zero)
        #expect(role.handle(.fail, now: at(1)) == [.kill])
        #expect(role.handle(.exited, now: at(2)) == [])
        #expect(role.handle(.tick, now: at(60_000)) == [])
        #expect(role.handle(.started, now: at(60_000)) == [.kill], "one that was left waiting comes, or is found")
        #expect(role.handle(.recover, now: at(60_001)) == [.start])
    }

    @Test func `is started again at once, and not counted as dead, when it is replaced`() {
        var role = RoleMachine(now: .zero)
        _ = role.handle(.started, now: .zero)
        #expect(role.handle(.replace, now: at(1)) == [.end])
        #expect(role.isExpectedToEnd)
        #expect(role.handle(.exited, now: at(2)) == [])
        #expect(role.handle(.tick, now: at(2)) == [.start])
        #expect(role.restartCount == 0)
    }

    @Test func `is killed when it is to be replaced and does not end`() {
        var role = RoleMachine(now: .zero)
        _ = role.handle(.started, now: .zero)
        _ = role.handle(.replace, now: at(1))
        #expect(role.handle(.heard, now: at(4_000)) == [])
        #expect(role.handle(.tick, now: at(5_000)) == [])
        #expect(role.handle(.tick, now: at(5_001)) == [.kill])
        _ = role.handle(.exited, now: at(5_002))
        #expect(role.handle(.tick, now: at(5_002)) == [.start])
    }

    @Test func `is left alone once everything stops`() {
        var role = RoleMachine(now: .zero)
        _ = role.handle(.started, now: .zero)
        _ = role.handle(.stop, now: at(1))
        #expect(role.handle(.exited, now: at(2)) == [])
        #expect(role.handle(.tick, now: at(3)) == [])
    }
}
