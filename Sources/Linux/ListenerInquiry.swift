import CLinux
import Glibc

/// Asks the kernel whose sockets listen, over one line that stays open: a question costs a few microseconds, however many sockets there are.
///
/// Not for use from two threads.
package final class ListenerInquiry {
    private var line: Int32 = -1

    package init() {}

    deinit { if line >= 0 { Glibc.close(line) } }

    /// The user who made the socket that takes connections to this address, host order; nil when nobody listens there.
    ///
    /// A listener on every address counts where none has this one. Throws when the kernel cannot tell: a machine without `tcp_diag`.
    package func user(at address: UInt32, port: UInt16) throws(LinuxError) -> UInt32? {
        if line < 0 { line = clinux_sock_diag_line() }
        guard line >= 0 else { throw .last("open a sock_diag line") }
        var uid: UInt32 = 0
        switch clinux_listener_user(line, address, port, &uid) {
        case 1: return uid
        case 0: return nil
        default:
            let error = LinuxError.last("ask who listens at \(IPv4Address(bits: address)):\(port)")
            // What is left of this question must not answer the next one.
            Glibc.close(line)
            line = -1
            throw error
        }
    }

    /// Where the socket listens that takes connections to this address, and its inode; nil when nobody listens there or the kernel cannot tell.
    /// Addresses in host order; 0: every address. One question, however many sockets there are.
    package static func socket(at address: UInt32, port: UInt16) -> (address: UInt32, inode: UInt32)? {
        var at: UInt32 = 0
        var inode: UInt32 = 0
        return clinux_listener_socket(address, port, &at, &inode) == 1 ? (at, inode) : nil
    }
}
