import CLinux
import Glibc

/// A pipe that a stream passes through on its way from one socket to another: its bytes stay in the kernel's pages and are not copied.
///
/// It is filled only when it is empty: of a pipe that holds something the kernel does not say whether it is full or the socket has nothing. Owned by
/// one stream at a time; closed when nobody refers to it.
package final class SplicePipe {
    /// One filling brings at most this much.
    package static let fillLimit = 128 * 1024

    private let ends: (read: Int32, write: Int32)
    /// Bytes that wait in it.
    package private(set) var count = 0

    /// Throws where the process, or the user, has too many descriptors or pipes. From the first one on the process is not told of broken pipes by
    /// SIGPIPE, which `splice` cannot be asked to leave out.
    package init() throws(LinuxError) {
        signal(SIGPIPE, SIG_IGN)
        var ends: [Int32] = [-1, -1]
        try attempt("pipe") { clinux_pipe(&ends) }
        self.ends = (ends[0], ends[1])
    }

    deinit {
        close(ends.read)
        close(ends.write)
    }

    package var isEmpty: Bool { count == 0 }

    /// Takes in what a socket has received. BEFORE this it must be empty. Throws, and has taken nothing, where the kernel does not do this for such a
    /// socket, or for anybody.
    package func fill(from socket: Int32) throws(LinuxError) -> Sockets.Transfer {
        while true {
            let moved = clinux_splice(socket, ends.write, Self.fillLimit)
            if moved > 0 {
                count += moved
                return .bytes(moved)
            }
            if moved == 0 { return .ended }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            case EINVAL, ENOSYS, EPERM: throw .last("splice")
            default: return .failed(.last("splice"))
            }
        }
    }

    /// Sends what it holds, as far as the socket takes it at once.
    package func drain(to socket: Int32) -> Sockets.Transfer {
        while true {
            let moved = clinux_splice(ends.read, socket, count)
            if moved > 0 {
                count -= moved
                return .bytes(moved)
            }
            if moved == 0 { return .ended }
            switch errno {
            case EINTR: continue
            case EAGAIN: return .wouldBlock
            default: return .failed(.last("splice"))
            }
        }
    }
}
