import Glibc
import Synchronization

/// What other threads hand to a loop. Unbounded: its writers are the few threads of this process, each with a bounded queue of its own.
final class Inbox: Sendable {
    private let bodies = Mutex<[@Sendable () -> Void]>([])
    /// The eventfd that wakes the loop.
    private let wake: Int32

    init(wake: Int32) { self.wake = wake }

    func put(_ body: @escaping @Sendable () -> Void) {
        let isFirst = bodies.withLock { bodies in
            bodies.append(body)
            return bodies.count == 1
        }
        // Only the first of a batch wakes the loop.
        guard isFirst else { return }
        var one: UInt64 = 1
        _ = Glibc.write(wake, &one, 8)
    }

    func take() -> [@Sendable () -> Void] {
        bodies.withLock { bodies in
            let taken = bodies
            bodies.removeAll()
            return taken
        }
    }
}
