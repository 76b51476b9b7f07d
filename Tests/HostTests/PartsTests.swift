import APIClient
import Formats
import Foundation
import Linux
import Testing
import Timing

@testable import Host

struct PartsTests {
    /// A descriptor, and whether its other end has seen it close: its number alone says nothing, another test may have it again at once.
    private func watchedDescriptor() throws -> (end: Int32, isClosed: () -> Bool) {
        let (end, other) = try Sockets.pair()
        return (
            end,
            {
                defer { closeDescriptor(other) }
                var request = pollfd(fd: other, events: Int16(POLLIN), revents: 0)
                return poll(&request, 1, Int32(patience.millisecondsRoundedUp)) == 1
            }
        )
    }

    private func descriptor() -> Int32 { open("/dev/null", O_RDONLY | O_CLOEXEC) }

    @Test func `a kept descriptor replaces the one of its name, and goes with its name`() throws {
        var kept = KeptDescriptors()
        let ((a, isClosed), b, c) = (try watchedDescriptor(), descriptor(), descriptor())
        kept.keep(b, role: "proxy-1", name: "y")
        kept.keep(a, role: "proxy-1", name: "x")
        #expect(kept.all(role: "proxy-1").map(\.name) == ["x", "y"])
        kept.keep(c, role: "proxy-1", name: "x")
        #expect(isClosed())
        #expect(kept.count == 2)
        #expect(kept.has(role: "proxy-1", name: "x") && !kept.has(role: "server", name: "x"))
        kept.remove(role: "proxy-1", name: "x")
        kept.removeAll(role: "proxy-1")
        #expect(kept.count == 0)
    }

    @Test func `two instances have two blocks, and a taken one is refused with the remedy`() throws {
        let first = try BlockClaim.take(nil)
        defer { closeDescriptor(first.descriptor) }
        let second = try BlockClaim.take(nil)
        defer { closeDescriptor(second.descriptor) }
        #expect(first.block != second.block)
        #expect(throws: HostError.self) { try BlockClaim.take(first.block) }
    }

    /// An instance that is stopped: its directory says which block it had.
    private func stopped(_ name: String, block: Int, in scratch: Scratch) throws -> DataDirectory {
        let directory = DataDirectory("\(scratch.path)/\(name)")
        try Files.makeDirectories(directory.path)
        try Files.replace(directory.hostRecord, with: JSON.serialize(HostConfiguration(block: block).value))
        return directory
    }

    @Test func `a stopped instance's block is left to it while there is another`() throws {
        let scratch = try Scratch()
        let memory = BlockMemory(folder: scratch.path + "/state/blocks")
        let free = try BlockClaim.take(nil, order: memory.order(for: DataDirectory("/elsewhere")))
        closeDescriptor(free.descriptor)
        let first = try stopped("first", block: free.block, in: scratch)
        memory.remember(free.block, for: first)
        let second = try BlockClaim.take(nil, order: memory.order(for: DataDirectory("/elsewhere")))
        defer { closeDescriptor(second.descriptor) }
        #expect(second.block != free.block)
    }

    @Test func `blocks that others keep come last, one's own is not among them`() throws {
        let mine = DataDirectory("/mine")
        let order = BlockMemory.order(keepers: [0: DataDirectory("/a"), 1: mine, 3: DataDirectory("/b")], for: mine)
        #expect(order == [1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0, 3])
        let all = Dictionary(uniqueKeysWithValues: (0..<HostConfiguration.blockCount).map { ($0, DataDirectory("/x")) })
        #expect(BlockMemory.order(keepers: all, for: mine) == Array(0..<HostConfiguration.blockCount))
    }

    @Test func `a block is kept for as long as the directory records it`() throws {
        let scratch = try Scratch()
        let memory = BlockMemory(folder: scratch.path + "/blocks")
        #expect(memory.keepers.isEmpty)
        let (a, b) = (try stopped("a", block: 4, in: scratch), try stopped("b", block: 5, in: scratch))
        for (block, directory) in [(4, a), (5, b), (6, b), (7, DataDirectory("/gone"))] { memory.remember(block, for: directory) }
        try Files.replace(memory.folder + "/8", with: "nonsense".utf8)
        #expect(memory.keepers == [4: a, 5: b])
        try Files.removeTree(a.hostRecord)
        #expect(memory.keepers == [5: b])
        // Where nothing can be written, nothing is kept, and nothing fails.
        BlockMemory(folder: "/dev/null/blocks").remember(5, for: b)
    }

    @Test func `an orphan's end is handed out once`() {
        var ledger = ExitLedger()
        ledger.add(pid: 7, status: .exited(code: 3), at: Timestamp(nanosecondsSince1970: 0))
        ledger.add(pid: 8, status: .killed(signal: 9), at: Timestamp(nanosecondsSince1970: 0))
        #expect(ledger.take([8, 9]).map { $0["signal"].int } == [9])
        #expect(ledger.take([8]).isEmpty)
        #expect(ledger.take([7]).map { $0["code"].int } == [3])
    }

    @Test func `what up was asked for is read back as it was written`() {
        let configuration = HostConfiguration(
            zones: ["x", "y"], nodesPerZone: 3, apiAddress: .ipv4(.loopback, port: 6443), exposeAddress: IPv4Address("0.0.0.0")!, block: 5,
            runAs: "nobody")
        #expect(HostConfiguration(configuration.value) == configuration)
        #expect(configuration.nodes.map(\.name) == ["x1", "x2", "x3", "y1", "y2", "y3"])
        #expect(HostConfiguration(["zones": []]) == nil)
    }

    @Test func `kubectl's configuration names the address and no credentials`() {
        let text = Kubeconfig.text(server: .ipv4(.loopback, port: 1234))
        #expect(text.contains("server: http://127.0.0.1:1234\n"))
        #expect(text.contains("current-context: steady"))
    }
}

@Suite(.serialized) struct StopSequenceTests {
    private func role(_ name: String, _ script: String, _ loop: EventLoop, _ scratch: Scratch) throws -> RoleProcess {
        let directory = DataDirectory(scratch.path)
        try Files.makeDirectories(directory.roles)
        let role = RoleProcess(
            name: name, arguments: [], loop: loop, launcher: Launcher(), directory: directory, program: try scratch.program(script))
        role.handle(.tick)
        // What follows signals its pid.
        try #require(role.isRunning)
        return role
    }

    @Test func `a stage begins when the one before has ended`() throws {
        let (scratch, loop) = (try Scratch(), try EventLoop())
        let (a, b) = (try role("a", "exec sleep 1000", loop, scratch), try role("b", "exec sleep 1000", loop, scratch))
        var said: [String] = []
        var isDone = false
        let sequence = StopSequence(
            loop: loop,
            stages: [
                .init("first", [a], limit: .seconds(60)),
                .init("second", [b], limit: .seconds(60)) {
                    #expect(!a.isRunning)
                    $0.signal(SIGTERM)
                },
            ], onProgress: { said.append($0) })
        for role in [a, b] { role.onExit = { sequence.roleEnded() } }
        sequence.alsoCall { isDone = true }
        sequence.begin()
        #expect(loop.runUntil(within: patience) { isDone })
        #expect(said == ["first", "second"])
        #expect(!b.isRunning)
        sequence.alsoCall { said.append("at once") }
        #expect(said.last == "at once")
    }

    @Test func `a role that can be spoken to only during the stop is asked then`() throws {
        let (scratch, loop) = (try Scratch(), try EventLoop())
        let late = try role("late", "exec sleep 1000", loop, scratch)
        var isConnected = false
        var isDone = false
        let sequence = StopSequence(
            loop: loop, stages: [.init("late", [late], limit: .seconds(60)) { if isConnected { $0.signal(SIGTERM) } }], onProgress: { _ in }
        )
        late.onExit = { sequence.roleEnded() }
        sequence.alsoCall { isDone = true }
        sequence.begin()
        isConnected = true
        sequence.roleCame(late)
        #expect(loop.runUntil(within: patience) { isDone })
    }

    @Test func `a role that does not end is killed when its time is over`() throws {
        let (scratch, loop) = (try Scratch(), try EventLoop())
        let deaf = try role("deaf", "trap '' TERM; touch \(scratch.path)/deaf; while :; do sleep 1000; done", loop, scratch)
        var isDone = false
        let sequence = StopSequence(loop: loop, stages: [.init("deaf", [deaf], limit: .milliseconds(20))], onProgress: { _ in })
        deaf.onExit = { sequence.roleEnded() }
        sequence.alsoCall { isDone = true }
        sequence.begin()
        #expect(loop.runUntil(within: patience) { isDone })
    }

    @Test func `whoever does not wait kills all that is left`() throws {
        let (scratch, loop) = (try Scratch(), try EventLoop())
        let roles = try ["a", "b"].map { try role($0, "exec sleep 1000", loop, scratch) }
        var isDone = false
        let sequence = StopSequence(
            loop: loop, stages: roles.map { .init($0.name, [$0], limit: .seconds(60)) { _ in } }, onProgress: { _ in })
        for role in roles { role.onExit = { sequence.roleEnded() } }
        sequence.alsoCall { isDone = true }
        sequence.begin()
        #expect(!isDone)
        sequence.hurry()
        #expect(loop.runUntil(within: patience) { isDone })
    }

    @Test func `a stopped role is continued, so that it can do as it is asked`() throws {
        let (scratch, loop) = (try Scratch(), try EventLoop())
        let paused = try role("paused", "exec sleep 1000", loop, scratch)
        kill(paused.pid, SIGSTOP)
        var isDone = false
        let sequence = StopSequence(loop: loop, stages: [.init("paused", [paused], limit: .seconds(60))], onProgress: { _ in })
        paused.onExit = { sequence.roleEnded() }
        sequence.alsoCall { isDone = true }
        sequence.begin()
        #expect(loop.runUntil(within: patience) { isDone })
    }
}

struct StartTrialsTests {
    private func at(_ milliseconds: Int) -> Instant { .zero + .milliseconds(milliseconds) }

    @Test func `a role is hopeless after so many failures, or fewer that took long`() {
        var quick = StartTrials(now: .zero)
        var found: [Bool] = []
        for count in 1...StartTrials.attemptLimit {
            quick.ended(wasKilled: false)
            found.append(quick.isHopeless(now: at(count)))
        }
        #expect(found.dropLast().allSatisfy { !$0 } && found.last == true)
        var slow = StartTrials(now: .zero)
        for _ in 0..<2 { slow.ended(wasKilled: false) }
        #expect(!slow.isHopeless(now: at(14_999)))
        #expect(slow.isHopeless(now: at(15_000)))
    }

    @Test func `a role that has worked, was killed, or fails long after the start is not`() {
        var worked = StartTrials(now: .zero)
        worked.started(now: .zero)
        worked.heard(now: at(2000))
        var killed = StartTrials(now: .zero)
        var late = StartTrials(now: .zero)
        for _ in 0..<20 {
            worked.ended(wasKilled: false)
            killed.ended(wasKilled: true)
            late.ended(wasKilled: false)
        }
        #expect(!worked.isHopeless(now: at(3000)))
        #expect(!killed.isHopeless(now: at(3000)))
        #expect(!late.isHopeless(now: at(60_000)))
        #expect(late.isHopeless(now: at(59_999)))
    }
}
