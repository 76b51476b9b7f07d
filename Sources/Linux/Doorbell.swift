import CLinux
import Glibc
import Timing

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

    /// Blocks until it was rung since the last wait, or for so long; false when it was not rung.
    package func wait(atMost limit: Duration) -> Bool {
        let end = Clock.monotonic() + limit
        while true {
            var entry = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
            let got = poll(&entry, 1, Int32(clamping: (end - Clock.monotonic()).millisecondsRoundedUp))
            if got > 0 {
                wait()
                return true
            }
            if got == 0, Clock.monotonic() >= end { return false }
        }
    }

    /// Closes the descriptor. Nobody may ring AFTER.
    package func close() { Glibc.close(fd) }
}
