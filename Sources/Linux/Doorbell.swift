import CLinux
import Glibc

/// Wakes a thread that waits: rings that come before or during a wait are not lost, several count as one.
package struct Doorbell: Sendable {
    private let fd: Int32

    package init() throws(LinuxError) { fd = try attempt("eventfd") { eventfd(0, Int32(EFD_CLOEXEC)) } }

    /// Wakes whoever waits; from any thread.
    package func ring() {
        var one: UInt64 = 1
        _ = Glibc.write(fd, &one, 8)
    }

    /// Blocks until it was rung since the last wait.
    package func wait() {
        var count: UInt64 = 0
        while Glibc.read(fd, &count, 8) < 0, errno == EINTR {}
    }

    /// Closes the descriptor. Nobody may ring AFTER.
    package func close() { Glibc.close(fd) }
}
