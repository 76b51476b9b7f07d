import CLinux
import Glibc

/// A `bind` or `connect` of a launched program that waits until it is answered.
package struct AddressCall: Sendable {
    /// Which system call waits for its answer.
    package enum Kind: Sendable { case bind, connect }
    /// What the socket carries.
    package enum Transport: Hashable, Sendable { case stream, datagram }
    /// Which addresses the socket takes.
    package enum Family: Hashable, Sendable { case ipv4, ipv6 }

    /// The address that the program named, as far as it matters here.
    package enum Destination: Hashable, Sendable {
        /// 0.0.0.0 or [::].
        case any(port: UInt16)
        /// 127.0.0.1 or [::1].
        case loopback(port: UInt16)
        /// Another address of 127.0.0.0/8: a service's or a pod's.
        case local(port: UInt16)
        /// Every other address, and families that are no IP.
        case other
        /// The caller's memory is out of reach.
        case unreadable(HandOffError)

        /// What a place is.
        package init(_ place: Place) {
            switch place.ipv4 {
            case 0: self = .any(port: place.port)
            case 0x7F00_0001: self = .loopback(port: place.port)
            case let host? where host >> 24 == 127: self = .local(port: place.port)
            case _?: self = .other
            case nil:
                let isShort = place.host.dropLast().allSatisfy { $0 == 0 }
                switch place.host.last {
                case 0 where isShort: self = .any(port: place.port)
                case 1 where isShort: self = .loopback(port: place.port)
                default: self = .other
                }
            }
        }
    }

    /// An IP address and port as named: 4 octets, also of a mapped one, or 16.
    package struct Place: Hashable, Sendable {
        package var host: [UInt8]
        package var port: UInt16
        /// In host order; nil for IPv6.
        package var ipv4: UInt32? { host.count == 4 ? host.reduce(0) { $0 << 8 | UInt32($1) } : nil }
        package init(host: [UInt8], port: UInt16) {
            self.host = host
            self.port = port
        }
    }

    package let kind: Kind
    package let destination: Destination
    /// Nil for families that are no IP.
    package let place: Place?
    /// The calling thread.
    package let thread: Int32
    private let listener: Int32
    private let raw: clinux_address_call

    /// Takes the next waiting call of a listener; nil when its caller died meanwhile. `listener` must be readable, else this waits.
    package init?(from listener: Int32) {
        var call = clinux_address_call()
        guard clinux_take_address_call(listener, &call) == 0 else { return nil }
        raw = call
        self.listener = listener
        kind = call.is_connect == 0 ? .bind : .connect
        thread = call.thread
        // A bad pointer is for the kernel to tell.
        if call.address_length == 0, call.read_errno == EPERM {
            destination = .unreadable(HandOffError(errno: call.read_errno))
            place = nil
        } else {
            let address = withUnsafeBytes(of: call.address) { Array($0.prefix(Int(call.address_length))) }
            place = Self.place(of: address)
            destination = place.map { Destination($0) } ?? .other
        }
    }

    /// Reads the address and port of a `sockaddr`: family in host order, port in network order.
    package static func place(of bytes: [UInt8]) -> Place? {
        guard bytes.count >= 8 else { return nil }
        let family = Int32(bytes[0]) | Int32(bytes[1]) << 8
        let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        if family == AF_INET { return Place(host: Array(bytes[4..<8]), port: port) }
        guard family == AF_INET6, bytes.count >= 24 else { return nil }
        let host = Array(bytes[8..<24])
        return Place(host: host.starts(with: mapped) ? Array(host.suffix(4)) : host, port: port)
    }

    private static let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

    /// Lets the kernel perform the call unchanged.
    package func pass() { clinux_let_address_call_pass(listener, raw.id) }

    /// Makes the call succeed (nil) or fail.
    package func finish(errno: Int32? = nil) { clinux_finish_address_call(listener, raw.id, errno ?? 0) }

    /// Whether the caller still waits; ask AFTER its memory or descriptors were read.
    package var isWaiting: Bool { clinux_address_call_waits(listener, raw.id) != 0 }

    /// The user who made the caller's TCP socket; nil for other sockets, and where it is out of reach.
    package var streamOwner: UInt32? {
        guard let socket = try? takeSocket() else { return nil }
        defer { socket.close() }
        var status = stat()
        guard isWaiting, socket.transport == .stream, fstat(socket.fd, &status) == 0 else { return nil }
        return status.st_uid
    }

    /// A copy of the caller's socket. Throws the errno: EPERM where the kernel denies it.
    package func takeSocket() throws(HandOffError) -> HeldSocket {
        let fd = clinux_copy_descriptor(raw.thread, raw.descriptor)
        guard fd >= 0 else { throw HandOffError(errno: Glibc.errno) }
        var family: Int32 = 0
        var type: Int32 = 0
        guard clinux_socket_kind(fd, &family, &type) == 0 else {
            Glibc.close(fd)
            throw HandOffError(errno: Glibc.errno)
        }
        return HeldSocket(
            fd: fd, family: family == AF_INET6 ? .ipv6 : .ipv4, transport: type == Int32(SOCK_DGRAM.rawValue) ? .datagram : .stream)
    }
}

/// A step of answering an `AddressCall` failed.
package struct HandOffError: Error, Hashable, Sendable {
    package let errno: Int32
    /// EADDRINUSE: somebody else has the port.
    package var isAddressInUse: Bool { errno == EADDRINUSE }
    /// EACCES: a port below 1024 without the right to it.
    package var isDenied: Bool { errno == EACCES }
    package var text: String { String(cString: strerror(errno)) }
}

/// A socket of a launched program, held beside it. Close it after use: the program's own copy stays.
package struct HeldSocket: Sendable {
    package let fd: Int32
    package let family: AddressCall.Family
    package let transport: AddressCall.Transport

    package var isIPv6Only: Bool { clinux_is_ipv6_only(fd) != 0 }

    /// Binds it to an IPv4 address in host order; an IPv6 socket to the mapped form, open for IPv4.
    package func bind(_ address: UInt32, port: UInt16) throws(HandOffError) {
        guard clinux_bind_ipv4(fd, address, port) == 0 else { throw HandOffError(errno: Glibc.errno) }
    }

    /// Binds an IPv6 socket to [::1] and any free port.
    package func bindToIPv6Loopback() throws(HandOffError) {
        guard clinux_bind_ipv6_loopback(fd) == 0 else { throw HandOffError(errno: Glibc.errno) }
    }

    /// Gives an unbound stream socket this source; without effect on one that has a source.
    package func bindSource(_ address: UInt32) throws(HandOffError) {
        guard clinux_bind_source(fd, address) == 0 else { throw HandOffError(errno: Glibc.errno) }
    }

    /// What a `connect` said that never waits.
    package enum ConnectStart: Hashable, Sendable {
        case done
        /// Under way; `callerWaits`: the caller's own call is a blocking one.
        case pending(HandOffError, callerWaits: Bool)
        case failed(HandOffError)
    }

    /// Begins to connect to an IPv4 address in host order, or asks how far that is: the same socket may be asked again.
    package func beginConnect(_ address: UInt32, port: UInt16) -> ConnectStart {
        var blocks: Int32 = 0
        if clinux_begin_connect(fd, address, port, &blocks) == 0 { return .done }
        let error = HandOffError(errno: Glibc.errno)
        return error.errno == EINPROGRESS || error.errno == EALREADY ? .pending(error, callerWaits: blocks != 0) : .failed(error)
    }

    /// Closes our copy of the socket; the caller keeps its own.
    package func close() { Glibc.close(fd) }
}
