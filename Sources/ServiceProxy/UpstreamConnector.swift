import Linux
import Timing
import Traffic

/// Begins connections to endpoints.
struct UpstreamConnector {
    /// How long a connect may take. On one machine it takes microseconds; what takes longer has a full backlog, and others may not.
    static let connectLimit = Duration.seconds(1)

    let loop: EventLoop
    let spares: SpareBuffers
    /// Addresses to connect from when the unbound source has no port left towards an endpoint (about 28,000 connections each).
    let sources: [IPv4Address]

    /// A connection under way. Throws what concerns this machine, not the endpoint, and ECONNREFUSED where the kernel says so at once.
    func connect(to endpoint: EndpointAddress) throws(LinuxError) -> ByteChannel {
        let address = SocketAddress.ipv4(IPv4Address(bits: endpoint.host), port: endpoint.port)
        var source: IPv4Address?
        var remaining = sources[...]
        while true {
            do throws(LinuxError) {
                let fd = try Sockets.connect(to: address, from: source)
                return try ByteChannel(loop: loop, fd: fd, spares: spares, isConnecting: true)
            } catch {
                guard Sockets.isSourceExhausted(error), let next = remaining.popFirst() else { throw error }
                source = next
            }
        }
    }

    /// Whether a connection has met itself: a connect to a port of the ephemeral range on which nobody listens can be given that very port
    /// as its own, and then succeeds (simultaneous open). Such an endpoint refuses.
    static func isConnectedToItself(_ channel: ByteChannel, _ endpoint: EndpointAddress) -> Bool {
        // Only ports that the kernel gives out can be met this way.
        guard endpoint.port >= firstEphemeralPort else { return false }
        guard let local = try? Sockets.localAddress(channel.fd) else { return false }
        return local == .ipv4(IPv4Address(bits: endpoint.host), port: endpoint.port)
    }

    /// The lowest port of any sensible `ip_local_port_range`; below it nothing needs to be looked at.
    private static let firstEphemeralPort: UInt16 = 1024
}
