import CLinux
import Glibc

/// Who is at the other end of a connection.
package enum PeerIdentity: Hashable, Sendable {
    case user(UInt32)
    /// Cannot be told: to be treated as a stranger.
    case nobody

    /// The user of a loopback TCP connection, by sock_diag. Ask right AFTER accept, once.
    ///
    /// Believed only while the peer's socket is ESTABLISHED or CLOSE_WAIT and has an inode: a closed one can show uid 0. It is the uid of the
    /// socket's creator. Any error is nobody.
    package static func ofTCP(_ fd: Int32) -> PeerIdentity {
        guard case .ipv4(let local, let localPort) = try? Sockets.localAddress(fd),
            case .ipv4(let peer, let peerPort) = try? Sockets.peerAddress(fd)
        else { return .nobody }
        var uid: UInt32 = 0
        var inode: UInt32 = 0
        var state: UInt8 = 0
        let found = clinux_tcp_owner(
            local.bits.bigEndian, localPort.bigEndian, peer.bits.bigEndian, peerPort.bigEndian, &uid, &inode, &state)
        guard found == 0, inode != 0, state == tcpEstablished || state == tcpCloseWait else { return .nobody }
        return .user(uid)
    }

    /// The user and pid of a Unix socket's other end, as of its connect.
    package static func ofUnix(_ fd: Int32) -> (identity: PeerIdentity, pid: Int32) {
        var credentials = clinux_ucred()
        guard clinux_peer_credentials(fd, &credentials) == 0 else { return (.nobody, 0) }
        return (.user(credentials.uid), credentials.pid)
    }

    /// Whether it is this process's user or root.
    package var isOurs: Bool {
        switch self {
        case .user(let uid): uid == 0 || uid == geteuid()
        case .nobody: false
        }
    }

    /// Linux' `enum` in tcp_states.h.
    private static let tcpEstablished: UInt8 = 1
    private static let tcpCloseWait: UInt8 = 8
}

extension Sockets {
    /// The family of the socket that listens (stream) or is bound (datagram) at exactly this IPv4 address, host order; an IPv6 socket by its mapped
    /// form. Nil when there is none, or where the kernel cannot tell. Costs a few microseconds, however many sockets there are.
    package static func family(at address: UInt32, port: UInt16, _ transport: AddressCall.Transport) -> AddressCall.Family? {
        let type = transport == .datagram ? SOCK_DGRAM : SOCK_STREAM
        switch clinux_socket_at(Int32(type.rawValue), address, port) {
        case AF_INET: return .ipv4
        case AF_INET6: return .ipv6
        default: return nil
        }
    }
}
