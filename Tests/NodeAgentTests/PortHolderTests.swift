import Glibc
import Linux
import Timing
import Testing

@testable import NodeAgent

/// Who is named when a pod cannot have its port.
struct PortHolderTests {
    private static let address = IPv4Address(bits: 0x7F3E_0107)

    @Test func `who listens at the address is named, with the process`() throws {
        let listener = try Sockets.listen(tcp: .ipv4(Self.address, port: 0))
        defer { Sockets.close(listener) }
        guard case .ipv4(_, let port) = try Sockets.localAddress(listener) else {
            return #expect(Bool(false), "an IPv4 socket has an IPv4 address")
        }
        var holder = PortHolder()
        let text = holder.describe(port: port, pod: Self.address.bits)
        #expect(text.hasPrefix("address \(Self.address):\(port) already in use by "))
        #expect(text.hasSuffix("(pid \(getpid()))"))
    }

    @Test func `an answer is given again for ten seconds, so that a program that tries on and on costs nothing`() throws {
        let listener = try Sockets.listen(tcp: .ipv4(Self.address, port: 0))
        guard case .ipv4(_, let port) = try Sockets.localAddress(listener) else {
            return #expect(Bool(false), "an IPv4 socket has an IPv4 address")
        }
        var holder = PortHolder()
        let first = holder.describe(port: port, pod: Self.address.bits, now: .zero)
        Sockets.close(listener)
        #expect(holder.describe(port: port, pod: Self.address.bits, now: .zero + .seconds(9)) == first)
        #expect(holder.describe(port: port, pod: Self.address.bits, now: .zero + .seconds(10)) == "address already in use")
    }

    @Test func `a listener on every address is told as what it is`() throws {
        let listener = try Sockets.listen(tcp: .ipv4(IPv4Address(bits: 0), port: 0))
        defer { Sockets.close(listener) }
        guard case .ipv4(_, let port) = try Sockets.localAddress(listener) else {
            return #expect(Bool(false), "an IPv4 socket has an IPv4 address")
        }
        var holder = PortHolder()
        #expect(holder.describe(port: port, pod: Self.address.bits).hasPrefix("port \(port) of every address of this machine is held by "))
    }
}
