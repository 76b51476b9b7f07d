import CLinux
import Glibc

/// Sockets, always non-blocking and close-on-exec. Whoever gets a descriptor from here closes it.
package enum Sockets {
    /// The longest backlog the kernel gives (`net.core.somaxconn`); a full one makes clients wait a second for their next SYN.
    package static let backlog: Int32 = 4096

    /// IP_BIND_ADDRESS_NO_PORT: choose the port at connect, so that one source address does not exhaust the range for all destinations.
    private static let bindAddressNoPort: Int32 = 24

    /// A listening TCP socket. Port 0 takes any free one: see `localAddress`.
    package static func listen(tcp address: SocketAddress, backlog: Int32 = backlog) throws(LinuxError) -> Int32 {
        let fd = try open(address.family, SOCK_STREAM)
        do throws(LinuxError) {
            setOption(fd, SOL_SOCKET, SO_REUSEADDR, 1)
            try bind(fd, to: address)
            try attempt("listen on \(address)") { Glibc.listen(fd, backlog) }
            return fd
        } catch {
            close(fd)
            throw error
        }
    }

    /// A listening Unix socket with these permissions. A stale socket file at the path is replaced; hold a lock that says it is stale.
    package static func listen(unix path: String, mode: mode_t = 0o600, type: SocketType = .stream) throws(LinuxError) -> Int32 {
        let fd = try open(AF_UNIX, type.raw)
        do throws(LinuxError) {
            // Bound under another name first: nobody can connect before the permissions are right.
            let temporary = path.utf8.count + 2 <= SocketAddress.unixPathLimit ? path + ".n" : path
            unlink(temporary)
            try bind(fd, to: .unix(temporary))
            try attempt("chmod \(path)") { chmod(temporary, mode) }
            try attempt("listen on \(path)") { Glibc.listen(fd, backlog) }
            if temporary != path { try attempt("rename to \(path)") { rename(temporary, path) } }
            return fd
        } catch {
            close(fd)
            throw error
        }
    }

    /// Whether a socket carries a stream, datagrams or packets in order.
    package enum SocketType: Sendable {
        case stream, datagram, sequencedPackets
        var raw: __socket_type {
            switch self {
            case .stream: SOCK_STREAM
            case .datagram: SOCK_DGRAM
            case .sequencedPackets: SOCK_SEQPACKET
            }
        }
    }

    /// Starts to connect; wait until it is writable, then ask `pendingError`. A Unix socket is connected at once or fails.
    package static func connect(to address: SocketAddress, from source: IPv4Address? = nil, type: SocketType = .stream) throws(LinuxError)
        -> Int32
    {
        let family = address.family
        let fd = try open(family, type.raw)
        do throws(LinuxError) {
            if let source {
                setOption(fd, ipLevel, bindAddressNoPort, 1)
                try bind(fd, to: .ipv4(source, port: 0))
            }
            if family != AF_UNIX, type == .stream { setNoDelay(fd) }
            let result = try address.withRaw { Glibc.connect(fd, $0, $1) }
            if result < 0, errno != EINPROGRESS, errno != EINTR { throw .last("connect to \(address)") }
            return fd
        } catch {
            close(fd)
            throw error
        }
    }

    /// The result of a connect under way: nil once it is established.
    package static func pendingError(_ fd: Int32) -> LinuxError? {
        var value: Int32 = 0
        var length = socklen_t(4)
        guard getsockopt(fd, SOL_SOCKET, SO_ERROR, &value, &length) == 0 else { return .last("getsockopt") }
        return value == 0 ? nil : LinuxError(errno: value, operation: "connect")
    }

    /// Takes one connection from the backlog; nil when there is none (or the one there was is gone already).
    package static func accept(_ listener: Int32) throws(LinuxError) -> (fd: Int32, peer: SocketAddress)? {
        while true {
            var storage = sockaddr_storage()
            var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
            let fd = withUnsafeMutablePointer(to: &storage) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { clinux_accept(listener, $0, &length) }
            }
            if fd >= 0 { return (fd, SocketAddress(raw: &storage, length: length)) }
            switch errno {
            case EAGAIN: return nil
            case EINTR, ECONNABORTED, EPROTO: continue
            default: throw .last("accept")
            }
        }
    }

    /// The address that the socket is bound to.
    package static func localAddress(_ fd: Int32) throws(LinuxError) -> SocketAddress { try address(fd, "getsockname", getsockname) }
    /// The address that the socket is connected to.
    package static func peerAddress(_ fd: Int32) throws(LinuxError) -> SocketAddress { try address(fd, "getpeername", getpeername) }

    private static func address(
        _ fd: Int32, _ name: String, _ call: (Int32, UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32
    ) throws(LinuxError) -> SocketAddress {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = withUnsafeMutablePointer(to: &storage) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { call(fd, $0, &length) }
        }
        guard result == 0 else { throw .last(name) }
        return SocketAddress(raw: &storage, length: length)
    }

    /// Small writes go out at once.
    package static func setNoDelay(_ fd: Int32) { setOption(fd, Int32(IPPROTO_TCP), TCP_NODELAY, 1) }

    /// Sets an option that is a number; a kernel without it goes on without it.
    package static func setOption(_ fd: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
        var value = value
        setsockopt(fd, level, name, &value, 4)
    }

    /// A connected pair of Unix sockets.
    package static func pair(_ type: SocketType = .stream) throws(LinuxError) -> (Int32, Int32) {
        var fds: [Int32] = [-1, -1]
        try attempt("socketpair") { socketpair(AF_UNIX, flags(type.raw), 0, &fds) }
        return (fds[0], fds[1])
    }

    /// A socket, not yet bound.
    package static func open(_ family: Int32, _ type: __socket_type) throws(LinuxError) -> Int32 {
        try attempt("socket") { socket(family, flags(type), 0) }
    }

    /// Binds a socket to an address.
    package static func bind(_ fd: Int32, to address: SocketAddress) throws(LinuxError) {
        if try address.withRaw({ Glibc.bind(fd, $0, $1) }) < 0 { throw .last("bind \(address)") }
    }

    private static func flags(_ type: __socket_type) -> Int32 {
        Int32(type.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    }

    private static let ipLevel: Int32 = 0
}

/// Closes a descriptor that the caller owns.
package func closeDescriptor(_ descriptor: Int32) { close(descriptor) }
