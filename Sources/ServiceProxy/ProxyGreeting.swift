import Linux
import Timing
import Traffic
import Wire

/// Whose connection it is and where it came in: by the sockets, or by what the proxy before this one said of it.
struct ClientOrigin: Hashable {
    var ends: ProxyHeader.Ends
    /// What the policies tell the client by.
    var client: UInt32 { ends.source.clientKey }

    init(source: SocketAddress, destination: SocketAddress) {
        ends = ProxyHeader.Ends(source: Self.end(source), destination: Self.end(destination))
    }

    private static func end(_ address: SocketAddress) -> PeerAddress {
        if case .ipv4(let host, let port) = address { PeerAddress(ipv4: host.bits, port: port) } else { PeerAddress(ipv4: 0, port: 0) }
    }
}

/// A client's connection that has to begin with a PROXY header: reads that, then hands the connection on. One that begins with anything else ends at
/// once: it did not come by the proxy that this port is for.
final class ProxyGreeting: ChannelOwner, Swept, Closable {
    /// A proxy sends its header with the connection.
    static let limit = HTTPConnection.headLimit

    private let plane: Dataplane
    private let channel: ByteChannel
    private let origin: ClientOrigin
    private let entrance: String
    private let backend: RouteTable.BackendName
    private let began: Instant
    var place = -1

    /// Takes the channel over and stays alive by the dataplane until the header has come.
    init(_ channel: ByteChannel, _ origin: ClientOrigin, entrance: String, backend: RouteTable.BackendName, plane: Dataplane) {
        self.plane = plane
        self.channel = channel
        self.origin = origin
        self.entrance = entrance
        self.backend = backend
        began = plane.loop.now
        channel.owner = self
        plane.opened(self)
    }

    func channelIsReady(_ channel: ByteChannel) {
        while channel.failure == nil {
            do throws(WireError) {
                if let header = try ProxyHeader.next(&channel.input) { return pass(header) }
            } catch {
                return end("bad-proxy-header")
            }
            if channel.hasEnded { break }
            if !channel.receive(plane.scratch) { return }
        }
        end(nil)
    }

    private func pass(_ header: ProxyHeader) {
        var origin = origin
        if let ends = header.ends { origin.ends = ends }
        // BEFORE this one closes, so that a proxy that ends does not take itself for done.
        plane.serve(channel, origin, entrance: entrance, backend, plane.backend(backend))
        plane.closed(self)
    }

    private func end(_ reason: String?) {
        if let reason { plane.counts.backend(backend).failed(reason) }
        channel.close(withReset: reason != nil)
        plane.closed(self)
    }

    func sweep(now: Instant) { if now >= began + Self.limit { end("proxy-header-too-slow") } }
    var bufferedByteCount: Int { channel.bufferedByteCount }
    var restsSince: Instant? { channel.input.isEmpty && Sockets.isQuiet(channel.fd) ? began : nil }
    func closeIfResting() { if restsSince != nil { end(nil) } }
    func closeNow() { end(nil) }
}

extension Dataplane {
    /// Whether whoever connects speaks first, and HTTP.
    func bringsRequest(_ backend: BackendID) -> Bool { carriage(of: backend) == .exchanges && !router.isDetected(backend) }

    /// A connection that was accepted, by what its port carries. What was received of it already is gone on with.
    func serve(
        _ channel: ByteChannel, _ origin: ClientOrigin, entrance: String, _ name: RouteTable.BackendName, _ backend: BackendID?
    ) {
        switch backend.flatMap({ carriage(of: $0) }) {
        case .exchanges: _ = HTTPConnection(channel, origin, entrance: entrance, backend: name, plane: self)
        case .flows:
            let isDetected = backend.map { router.isDetected($0) } ?? false
            Flow.begin(channel, origin, backend: name, detectedAt: isDetected ? entrance : nil, plane: self)
        case nil: return channel.close(withReset: true)
        }
        if !channel.input.isEmpty || channel.hasEnded { channel.owner?.channelIsReady(channel) }
    }
}
