import CLinux
import Glibc

/// A `bind` or `connect` of a launched program that waits until it is answered.
package struct AddressCall: Sendable {
    package enum Kind: Sendable { case bind, connect }
    package enum Transport: Hashable, Sendable { case stream, datagram }
    package enum Family: Hashable, Sendable { case ipv4, ipv6 }

    /// The address that the program named, as far as it matters here.
    package enum Destination: Hashable, Sendable {
        /// 0.0.0.0 or [::].
        case any(port: UInt16)
        /// 127.0.0.1 or [::1].
        case loopback(port: UInt16)
        /// Every other address, and families that are no IP.
        case other
    }

    package let kind: Kind
    package let destination: Destination
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
        destination = withUnsafeBytes(of: call.address) { Self.destination(of: $0.prefix(Int(call.address_length))) }
    }

    /// Reads a `sockaddr`: family in host order, port in network order.
    package static func destination(of address: some Collection<UInt8>) -> Destination {
        let bytes = Array(address)
        guard bytes.count >= 8 else { return .other }
        let family = Int32(bytes[0]) | Int32(bytes[1]) << 8
        let port = UInt16(bytes[2]) << 8 | UInt16(bytes[3])
        if family == AF_INET {
            switch Array(bytes[4..<8]) {
            case [0, 0, 0, 0]: return .any(port: port)
            case [127, 0, 0, 1]: return .loopback(port: port)
            default: return .other
            }
        }
        guard family == AF_INET6, bytes.count >= 24 else { return .other }
        let host = Array(bytes[8..<24])
        let mapped: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]
        if host.allSatisfy({ $0 == 0 }) || host == mapped + [0, 0, 0, 0] { return .any(port: port) }
        if host == Array(repeating: 0, count: 15) + [1] || host == mapped + [127, 0, 0, 1] { return .loopback(port: port) }
        return .other
    }

    /// Lets the kernel perform the call unchanged.
    package func pass() { clinux_let_address_call_pass(listener, raw.id) }

    /// Makes the call succeed (nil) or fail.
    package func finish(errno: Int32? = nil) { clinux_finish_address_call(listener, raw.id, errno ?? 0) }

    /// Whether the caller still waits; ask AFTER its memory or descriptors were read.
    package var isWaiting: Bool { clinux_address_call_waits(listener, raw.id) != 0 }

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

    package func connect(_ address: UInt32, port: UInt16) throws(HandOffError) {
        guard clinux_connect_ipv4(fd, address, port) == 0 else { throw HandOffError(errno: Glibc.errno) }
    }

    package func close() { Glibc.close(fd) }
}

/// Moves the sockets of one pod to its address: the answers to its programs' `bind` calls.
///
/// A wildcard or loopback bind with a port becomes `POD_IP:port`. A second socket of the *other* IP family on the same port is a twin
/// (`listen 80; listen [::]:80`): the first already serves both, so the twin is bound where nobody looks and told that all is well.
package struct BindHandOff: Sendable {
    package enum Outcome: Hashable, Sendable {
        case unchanged
        case moved(port: UInt16)
        /// The twin of a socket that serves the port already.
        case twin(port: UInt16)
        /// The program saw the error; `errno` as in bind(2).
        case refused(port: UInt16, HandOffError)
        /// The socket could not be taken: the bind went on unchanged.
        case outOfReach(port: UInt16, HandOffError)
        /// The caller died before it was answered.
        case gone
    }

    private struct Place: Hashable {
        var transport: AddressCall.Transport
        var port: UInt16
    }

    package let podAddress: UInt32
    /// The family that took each place last; what tells a twin from a real collision.
    private var families: [Place: AddressCall.Family] = [:]

    package init(podAddress: UInt32) { self.podAddress = podAddress }

    /// Answers one `bind`.
    package mutating func answer(_ call: AddressCall) -> Outcome {
        let port: UInt16
        switch call.destination {
        case .any(let number), .loopback(let number): port = number
        case .other:
            call.pass()
            return .unchanged
        }
        guard port != 0 else {
            call.pass()
            return .unchanged
        }
        let socket: HeldSocket
        do { socket = try call.takeSocket() } catch {
            call.pass()
            return .outOfReach(port: port, error)
        }
        defer { socket.close() }
        guard call.isWaiting else { return .gone }
        let place = Place(transport: socket.transport, port: port)
        do {
            try socket.bind(podAddress, port: port)
            families[place] = socket.family
            call.finish()
            return .moved(port: port)
        } catch {
            if error.isAddressInUse, let other = families[place], other != socket.family {
                do {
                    if socket.family == .ipv6 { try socket.bindToIPv6Loopback() } else { try socket.bind(podAddress, port: 0) }
                    call.finish()
                    return .twin(port: port)
                } catch { /* The first error is the one that tells. */  }
            }
            call.finish(errno: error.errno)
            return .refused(port: port, error)
        }
    }
}
