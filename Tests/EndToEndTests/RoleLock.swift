import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// Keeps a role from coming back: holds the lock that every process of the role waits for.
final class RoleLock: @unchecked Sendable {
    private let path: String
    private let name: String
    private let condition = NSCondition()
    private var descriptor: Int32 = -1
    private var isReleased = false

    /// - Parameter role: `agent-a1`, `proxy-1`.
    init(_ role: String, of instance: Instance) throws {
        name = "steady-" + role
        path = instance.dataDirectory + "/roles/\(role).lock"
        let file = open(path, O_RDWR | O_CLOEXEC)
        try #require(file >= 0)
        // Waits for it beside the test; who waits in the kernel gets it before one that is still to be started.
        Thread.detachNewThread { [self] in
            let isTaken = flock(file, LOCK_EX) == 0
            condition.withLock {
                if isTaken, !isReleased { descriptor = file } else { close(file) }
                condition.broadcast()
            }
        }
    }

    var isHeld: Bool { condition.withLock { descriptor >= 0 } }

    /// Kills the role's process, and those that come after it, until none can come any more.
    func kill() throws {
        repeat {
            let text = try String(contentsOfFile: path, encoding: .utf8)
            let pid = text.split(separator: "\n").first.flatMap { Int32($0) } ?? 0
            let running = (try? String(contentsOfFile: "/proc/\(pid)/comm", encoding: .utf8)) ?? ""
            if pid > 1, running.hasPrefix(name.prefix(15)) { #expect(Glibc.kill(pid, SIGKILL) == 0 || errno == ESRCH) }
            _ = condition.withLock { descriptor >= 0 || condition.wait(until: Date(timeIntervalSinceNow: 0.02)) }
        } while !isHeld
    }

    /// The next process can come.
    func release() {
        condition.withLock {
            isReleased = true
            if descriptor >= 0 { close(descriptor) }
            descriptor = -1
        }
    }
}
