import APIClient
import Foundation
import Linux
import Testing
import Timing

@testable import Commands

/// A stop whose `up` has died, as who asked for it sees it.
@Suite struct ForsakenStopTests {
    private let directory = DataDirectory(NSTemporaryDirectory() + "sf\(UUID().uuidString.prefix(8))")

    /// The lock, where it is to be used to start an `up`; nil: somebody else is waited for.
    private func started(_ remedy: ForsakenStop.Remedy) -> FileLock? {
        if case .start(let lock) = remedy { lock } else { nil }
    }

    private func isGivenUp(_ remedy: ForsakenStop.Remedy) -> Bool { if case .giveUp = remedy { true } else { false } }

    /// A child that another test starts at this moment may have a copy of a lock, for as long as it is not its program yet.
    private func eventually<T>(_ body: () -> T?) -> T? {
        let end = Clock.monotonic() + .seconds(60)
        while Clock.monotonic() < end {
            if let found = body() { return found }
            sched_yield()
        }
        return nil
    }

    @Test func `up is started again where nobody else does so in a second, three times at most`() throws {
        try Files.makeDirectories(directory.path)
        defer { try? Files.removeTree(directory.path) }
        try Files.replace(directory.hostSocket, with: [])
        var stop = ForsakenStop(in: directory)
        var now = Instant.zero + .seconds(100)
        for _ in 1...3 {
            #expect(started(stop.lost(now: now)) == nil)
            #expect(started(stop.lost(now: now + .milliseconds(999))) == nil)
            now = now + .seconds(1)
            let lock = try #require(eventually { started(stop.lost(now: now)) })
            #expect(!isGivenUp(stop.lost(now: now + .seconds(9))), "the one that was started holds the lock")
            lock.release()
        }
        #expect(eventually { isGivenUp(stop.lost(now: now + .seconds(1))) ? true : nil } == true)
    }

    @Test func `an up that comes back, or one that has stopped, is not started`() throws {
        try Files.makeDirectories(directory.path)
        defer { try? Files.removeTree(directory.path) }
        try Files.replace(directory.hostSocket, with: [])
        var stop = ForsakenStop(in: directory)
        let now = Instant.zero + .seconds(100)
        #expect(started(stop.lost(now: now)) == nil)
        stop.isBack()
        #expect(started(stop.lost(now: now + .seconds(5))) == nil, "it was lost again just now")
        try Files.removeTree(directory.hostSocket)
        #expect(started(stop.lost(now: now + .seconds(9))) == nil)
    }
}
