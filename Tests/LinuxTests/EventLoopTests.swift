import Glibc
import Testing
import Timing

@testable import Linux

@Suite struct `An event loop` {
    @Test func `runs timers in the order of their times, then of their making`() throws {
        let loop = try EventLoop()
        var order: [Int] = []
        loop.schedule(after: .milliseconds(2)) { order.append(3) }
        loop.schedule(after: .milliseconds(1)) { order.append(1) }
        loop.schedule(after: .milliseconds(1)) { order.append(2) }
        #expect(loop.runUntil(within: patience) { order.count == 3 })
        #expect(order == [1, 2, 3])
    }

    @Test func `does not run a cancelled timer`() throws {
        let loop = try EventLoop()
        var isDone = false
        let timer = loop.schedule(after: .zero) { Issue.record("cancelled") }
        loop.schedule(after: .milliseconds(1)) { isDone = true }
        timer.cancel()
        #expect(loop.runUntil(within: patience) { isDone })
    }

    @Test func `is woken by another thread`() throws {
        let loop = try EventLoop()
        let remote = loop.remote
        nonisolated(unsafe) var isDone = false
        let thread = try ThreadHandle.start(name: "waker") { remote.submit { isDone = true } }
        #expect(loop.runUntil(within: patience) { isDone })
        thread.join()
    }

    @Test func `hears of a descriptor until the watch is cancelled`() throws {
        let loop = try EventLoop()
        let (a, b) = try Sockets.pair()
        defer { [a, b].forEach { close($0) } }
        var count = 0
        var watch: EventLoop.Watch?
        watch = try loop.watch(a, .read) { _ in
            count += 1
            watch?.cancel()
        }
        _ = write(b, "x", 1)
        #expect(loop.runUntil(within: patience) { count == 1 })
        loop.runUntil(within: .milliseconds(5)) { false }
        #expect(count == 1)
    }

    /// Cancels a watch at its own end.
    private final class Owner {
        var watch: EventLoop.Watch?
        deinit { watch?.cancel() }
    }

    @Test func `ends before watches that somebody still has, or that go with its handlers`() throws {
        let (a, b) = try Sockets.pair()
        defer { [a, b].forEach { close($0) } }
        var loop: EventLoop? = try EventLoop()
        var owner: Owner? = Owner()
        owner?.watch = try loop?.watch(a, .read) { _ in }
        let kept = try loop?.watch(b, .read) { [owner] _ in owner?.watch?.update(.write) }
        weak let end = owner
        owner = nil
        loop = nil
        kept?.update(.write)
        kept?.cancel()
        #expect(end == nil)
    }
}
