import APIClient
import Linux

/// Who may be `up` of a data directory: whoever holds its lock.
extension HostRole {
    /// Between two looks at a lock that is held.
    private static let lockPause: Duration = .milliseconds(10)
    /// Looks at a lock whose holder lives: whoever was killed a moment ago is still among the living, and a role that takes the lock to bring `up` back
    /// has not written down yet who it is.
    private static let looksAtTheLiving = 10
    /// Looks at a lock of which only a dead process is named: who holds it is about to end, or to be `up` and write its own name. 2 s in all.
    private static let looksAtTheDead = 200

    /// Makes the directory and takes the instance's lock, or says why it cannot be had.
    ///
    /// - Parameter pause: between two looks, for so long.
    package static func lock(_ directory: DataDirectory, pause: (Duration) -> Void = rest)
        throws(HostError) -> FileLock
    {
        var looks = 0
        while true {
            looks += 1
            do throws(LinuxError) {
                try Files.makeDirectories(directory.roles)
                try Files.makeDirectories(directory.nodes)
                if let taken = try FileLock.take(directory.hostLock) { return taken }
            } catch {
                throw HostError("the data directory cannot be used: \(error); choose another with --data-dir or STEADY_DATA_DIR")
            }
            let pid = named(in: directory.hostLock)
            let isAlive = pid.flatMap { Processes.state(of: $0) }.map { !"ZX".contains($0) } ?? false
            guard looks < (isAlive ? looksAtTheLiving : looksAtTheDead) else {
                throw HostError(
                    "another steady up\(pid.map { " (pid \($0))" } ?? "") runs on \(directory.path); stop it with: steady down --data-dir "
                        + "\(directory.path), or choose another directory with --data-dir")
            }
            pause(lockPause)
        }
    }

    /// The process that holds a role's lock, as its lock file says; nil when the lock is free. It can be dead: a child that it left may hold the lock
    /// for a moment more.
    static func lockHolder(_ path: String) -> Int32? { (try? FileLock.isHeld(path)) ?? true ? named(in: path) : nil }

    private static func named(in path: String) -> Int32? {
        (try? Files.text(path)).flatMap { text in text.split(separator: "\n").first.flatMap { Int32($0) } }
    }

    private static func rest(_ duration: Duration) {
        guard let bell = try? Doorbell() else { return }
        _ = bell.wait(atMost: duration)
        bell.close()
    }
}
