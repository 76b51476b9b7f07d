import CLinux
import Glibc

extension Sockets {
    /// Whether an idle connection is still good: nothing arrived on it and the other side has not ended. Looks only, takes nothing, never waits.
    package static func isQuiet(_ fd: Int32) -> Bool {
        var byte: UInt8 = 0
        while true {
            let count = Glibc.recv(fd, &byte, 1, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT))
            if count >= 0 { return false }
            if errno != EINTR { return errno == EAGAIN }
        }
    }

    /// Closes with a reset, so that the other side cannot take a cut-off message for a whole one. What was not sent yet is lost. Cancel its watch
    /// BEFORE.
    package static func closeWithReset(_ fd: Int32) {
        var option = linger(l_onoff: 1, l_linger: 0)
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        _ = Glibc.close(fd)
    }

    /// The address is not there, or all its ports towards this destination are taken: another source address may do.
    package static func isSourceExhausted(_ error: LinuxError) -> Bool { error.errno == EADDRNOTAVAIL }

    /// No more descriptors (EMFILE, ENFILE) or no memory for sockets (ENOBUFS, ENOMEM): it passes when something is closed.
    package static func isShortage(_ error: LinuxError) -> Bool { [EMFILE, ENFILE, ENOBUFS, ENOMEM].contains(error.errno) }
}

extension EventLoop.Interest {
    /// Connections that wait on a listener; of several loops that watch it, one is woken. EPOLLEXCLUSIVE refuses EPOLLRDHUP, which `read` has.
    package static let connections = EventLoop.Interest(rawValue: EPOLLIN.rawValue | EPOLLEXCLUSIVE.rawValue)
}
