import Glibc

/// An exclusive lock on a file (flock): held while the descriptor, or a copy of it in any process, is open.
package struct FileLock: Sendable {
    package let fd: Int32

    /// A lock that an inherited descriptor holds already.
    package init(fd: Int32) { self.fd = fd }

    /// Nil when somebody else holds it. The file is made where it is missing and keeps its content.
    package static func take(_ path: String) throws(LinuxError) -> FileLock? {
        let fd = try Files.open(path, O_RDWR | O_CREAT)
        if flock(fd, LOCK_EX | LOCK_NB) == 0 { return FileLock(fd: fd) }
        let reason = errno
        close(fd)
        if reason == EWOULDBLOCK { return nil }
        throw LinuxError(errno: reason, operation: "lock \(path)")
    }

    /// Whether somebody holds it; false where there is no such file. Who asks holds it shared meanwhile: any number ask at once and none of them sees the
    /// others, but `take` can fail for these microseconds.
    package static func isHeld(_ path: String) throws(LinuxError) -> Bool {
        guard Files.exists(path) else { return false }
        let fd = try Files.open(path, O_RDONLY)
        defer { close(fd) }
        if flock(fd, LOCK_SH | LOCK_NB) == 0 { return false }
        let reason = errno
        if reason == EWOULDBLOCK { return true }
        throw LinuxError(errno: reason, operation: "look at the lock \(path)")
    }

    /// Gives the lock back.
    package func release() { close(fd) }
}
