import Testing
import Timing

@testable import Supervision

@Suite struct `An upgrade` {
    private typealias Role = UpgradeMachine.Role
    private func at(_ milliseconds: Int) -> Instant { .zero + .milliseconds(milliseconds) }

    private static let names = ["server", "agent-a1", "agent-b1", "proxy"]
    private func all(_ change: (inout Role) -> Void = { _ in }) -> [Role] {
        Self.names.map { name in
            var role = Role(name, hasMoved: false, isConnected: true, isReady: true)
            change(&role)
            return role
        }
    }
    /// Those before `count` have moved, the others wait.
    private func moved(_ count: Int) -> [Role] {
        var roles = all()
        for index in 0..<count { roles[index].hasMoved = true }
        return roles
    }

    @Test func `moves one role after the other, and is done when all were healthy for a while`() {
        var machine = UpgradeMachine(.forward, now: .zero)
        #expect(machine.look(all(), now: at(10)) == [.move("server", byForce: false)])
        for (index, name) in Self.names.enumerated() {
            // Told, gone, back, not ready yet.
            var roles = moved(index)
            #expect(machine.look(roles, now: at(20)) == [])
            roles[index].isConnected = false
            #expect(machine.look(roles, now: at(20)) == [])
            roles = moved(index + 1)
            roles[index].isReady = false
            #expect(machine.look(roles, now: at(20)) == [])
            let next = index + 1 < Self.names.count ? [UpgradeMachine.Action.move(Self.names[index + 1], byForce: false)] : []
            #expect(machine.look(moved(index + 1), now: at(20)) == [.arrived(name, after: .milliseconds(index == 0 ? 10 : 0))] + next)
        }
        #expect(machine.lookAgain == at(1_020))
        #expect(machine.look(moved(4), now: at(1_019)) == [])
        #expect(machine.look(moved(4), now: at(1_020)) == [.succeed])
        #expect(machine.look(all(), now: at(60_000)) == [])
        #expect(machine.lookAgain == nil)
    }

    @Test func `waits for every role to come back before the first one moves`() {
        var machine = UpgradeMachine(.forward, now: .zero)
        let some = all { if $0.name == "agent-b1" { $0.isConnected = false } }
        #expect(machine.look(some, now: at(4_999)) == [])
        #expect(machine.look(some, now: at(5_000)) == [.fail("agent-b1")])
    }

    @Test(arguments: names.indices) func `fails with the role that is not healthy in time`(index: Int) {
        var machine = UpgradeMachine(.forward, now: .zero)
        _ = machine.look(all(), now: .zero)
        for count in 0...index { _ = machine.look(moved(count), now: at(100)) }
        var roles = moved(index + 1)
        roles[index].isReady = false
        let begun = index == 0 ? 0 : 100
        #expect(machine.look(roles, now: at(begun + 9_999)) == [])
        #expect(machine.look(roles, now: at(begun + 10_000)) == [.fail(Self.names[index])])
        #expect(machine.state == .over)
    }

    @Test func `fails sooner with a role that says nothing, or dies again and again`() {
        var machine = UpgradeMachine(.forward, now: .zero)
        _ = machine.look(all(), now: .zero)
        var roles = moved(1)
        roles[0].isReady = false
        _ = machine.look(roles, now: at(1_000))
        roles[0].isConnected = false
        #expect(machine.lookAgain == at(6_000))
        #expect(machine.look(roles, now: at(5_999)) == [])
        #expect(machine.look(roles, now: at(6_000)) == [.fail("server")])

        machine = UpgradeMachine(.forward, now: .zero)
        roles = all { $0.deathCount = 7 }
        _ = machine.look(roles, now: .zero)
        for count in 8...9 {
            roles[0].deathCount = count
            #expect(machine.look(roles, now: at(1)) == [])
        }
        roles[0].deathCount = 10
        #expect(machine.look(roles, now: at(2)) == [.fail("server")])
    }

    @Test func `takes one that works for a moment and dies again for what it is`() {
        var machine = UpgradeMachine(.forward, now: .zero)
        _ = machine.look(moved(4), now: .zero)
        var ill = moved(4)
        ill[1].isReady = false
        var now = 0
        while now < 10_000 {
            now += 500
            let actions = machine.look(now % 1_000 == 0 ? moved(4) : ill, now: at(now))
            #expect(!actions.contains(.succeed))
        }
        #expect(machine.look(ill, now: at(10_001)) == [.fail("agent-a1")])
    }

    @Test func `waits for one that died after it had moved, and does not move it twice`() {
        var machine = UpgradeMachine(.forward, now: .zero)
        _ = machine.look(all(), now: .zero)
        var roles = moved(1)
        _ = machine.look(roles, now: at(5))
        roles = moved(2)
        roles[0].isReady = false
        #expect(machine.look(roles, now: at(6)) == [.arrived("agent-a1", after: .milliseconds(1))])
        #expect(machine.look(moved(2), now: at(7)) == [.arrived("server", after: .milliseconds(1)), .move("agent-b1", byForce: false)])
    }

    @Test func `passes over nodes that were failed on purpose`() {
        var machine = UpgradeMachine(.forward, now: .zero)
        let roles = moved(1).map { role in
            role.name == "agent-a1" ? Role(role.name, hasMoved: false, isConnected: false, isReady: false, isExcused: true) : role
        }
        #expect(machine.look(roles, now: .zero) == [.move("agent-b1", byForce: false)])
    }

    @Test func `on the way back leaves alone what runs the old program, and kills what cannot be asked`() {
        var machine = UpgradeMachine(.back, now: .zero)
        // The server had moved; the first agent hangs in the new program; the others never moved.
        var roles = moved(4)
        roles[0].hasMoved = false
        roles[1] = Role("agent-a1", hasMoved: false, isConnected: false, isReady: false)
        #expect(machine.look(roles, now: at(999)) == [])
        #expect(machine.look(roles, now: at(1_000)) == [.move("server", byForce: false)])
        roles[0].hasMoved = true
        #expect(machine.look(roles, now: at(1_100)) == [.arrived("server", after: .milliseconds(100)), .move("agent-a1", byForce: true)])
        #expect(machine.look(moved(4), now: at(1_200)) == [.arrived("agent-a1", after: .milliseconds(100))])
        #expect(machine.look(moved(4), now: at(2_200)) == [.succeed])
    }

    @Test func `on the way back waits for nobody for ever`() {
        var machine = UpgradeMachine(.back, now: .zero)
        let roles = moved(4).map { role in
            role.name == "agent-a1" ? Role(role.name, hasMoved: false, isConnected: false, isReady: false) : role
        }
        #expect(machine.look(roles, now: at(1_000)) == [.move("agent-a1", byForce: true)])
        #expect(machine.look(roles, now: at(10_999)) == [])
        #expect(machine.look(roles, now: at(11_000)) == [.leave("agent-a1")])
        #expect(machine.look(roles, now: at(12_000)) == [.succeed])
    }
}
