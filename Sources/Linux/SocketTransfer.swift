import CLinux
import Glibc
import Timing

extension Sockets {
    /// What became of one attempt to send or receive without waiting.
    package enum Transfer: Sendable {
        /// At least one byte went through.
        case bytes(Int)
        case wouldBlock
        /// Receiving only: the other side will send no more.
        case ended
        case failed(LinuxError)
    }

    /// Sends what the kernel takes at once; a closed peer is an error, never SIGPIPE.
    ///
    /// - Parameter isMoreToCome: whether the kernel may hold it back to send it together with what comes next, which may be the end.
    package static func send(_ fd: Int32, _ bytes: UnsafeBufferPointer<UInt8>, isMoreToCome: Bool = false) -> Transfer {
        let flags = isMoreToCome ? Int32(MSG_NOSIGNAL) | Int32(MSG_MORE) : Int32(MSG_NOSIGNAL)
        while true {
            let count = Glibc.send(fd, bytes.baseAddress, bytes.count, flags)
            if count >= 0 { return .bytes(count) }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            default: return .failed(.last("send"))
            }
        }
    }

    /// Receives what is there, up to the room.
    package static func receive(_ fd: Int32, into room: UnsafeMutableRawBufferPointer) -> Transfer {
        while true {
            let count = Glibc.recv(fd, room.baseAddress, room.count, 0)
            if count > 0 { return .bytes(count) }
            if count == 0 { return .ended }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            default: return .failed(.last("receive"))
            }
        }
    }

    /// Says that nothing more will be sent; receiving goes on.
    package static func shutdownSending(_ fd: Int32) { Glibc.shutdown(fd, Int32(SHUT_WR)) }

    /// Ends a listener for everybody who has a descriptor of it: connections are refused from now on, and the address can be listened on anew.
    package static func endListening(_ fd: Int32) { Glibc.shutdown(fd, Int32(SHUT_RD)) }

    /// Whether the socket takes connections.
    package static func isListening(_ fd: Int32) -> Bool { option(fd, SO_ACCEPTCONN) == 1 }

    /// Whether the socket is for datagrams.
    package static func isDatagram(_ fd: Int32) -> Bool { option(fd, SO_TYPE) == Int32(SOCK_DGRAM.rawValue) }

    private static func option(_ fd: Int32, _ name: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(4)
        return getsockopt(fd, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
    }

    /// Blocks until there is something to receive, the peer has gone, a signal came, or the time is over. For what runs before a loop turns.
    package static func waitUntilReadable(_ fd: Int32, within limit: Duration) {
        var request = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
        poll(&request, 1, Int32(clamping: limit.millisecondsRoundedUp))
    }

    /// A second descriptor of the same socket, close-on-exec.
    package static func duplicate(_ fd: Int32) throws(LinuxError) -> Int32 { try attempt("duplicate a socket") { clinux_duplicate(fd) } }

    /// Closes a descriptor. Cancel its watch BEFORE.
    package static func close(_ fd: Int32) { _ = Glibc.close(fd) }
}
