import APIClient
import Linux
import Timing

/// A stop whose `up` dies in the midst of it. Roles bring it back in milliseconds, and a service manager soon; where neither does, because no role is left or
/// the manager itself has asked for the stop, it is for who asked.
struct ForsakenStop {
    /// What is to be done about it.
    enum Remedy {
        case wait
        /// `up` is to be started with its lock, which is the receiver's.
        case start(FileLock)
        /// It was started `tryLimit` times, and died each time.
        case giveUp
    }

    /// Others have this long to bring `up` back, and each that is started here as well.
    static let patience: Duration = .seconds(1)
    static let tryLimit = 3

    private let directory: DataDirectory
    private var lostAt: Instant?
    private var tryCount = 0

    init(in directory: DataDirectory) { self.directory = directory }

    /// There is no line to `up`. Whoever holds the lock is, or becomes, the next one: it is waited for.
    mutating func lost(now: Instant) -> Remedy {
        let since = lostAt ?? now
        lostAt = since
        // A stopped instance leaves no socket.
        guard now - since >= Self.patience, Files.exists(directory.hostSocket),
            let lock = (try? FileLock.take(directory.hostLock)) ?? nil
        else { return .wait }
        guard tryCount < Self.tryLimit else {
            lock.release()
            return .giveUp
        }
        tryCount += 1
        lostAt = now
        return .start(lock)
    }

    /// There is a line again.
    mutating func isBack() { lostAt = nil }
}
