import Linux
import Timing
import Traffic
import Wire

/// A client's connection whose bytes are passed to one endpoint and back: a TCP port, or an exchange that was upgraded.
///
/// Each direction ends by itself, so a program that reads until the end and then answers is served.
final class Flow: ChannelOwner, UpstreamUser, Swept, Waiter, Closable {
    /// Bytes that wait in one direction before nothing more is received from the other side.
    static let bufferLimit = 64 * 1024

    private let plane: Dataplane
    private let channel: ByteChannel
    private let need: Dataplane.Need
    private var attempts = ExchangeAttempts(isIdempotent: false)
    private var upstream: UpstreamConnection?
    private var ticket: UInt64?
    /// Where the client connected, while it is not known what it speaks.
    private var undecidedAt: String?
    private let began: Instant
    private var isCounted = false
    /// To the endpoint, and back.
    private var request = FlowDirection()
    private var response = FlowDirection()
    var place = -1

    /// How long a client is given to speak first, before it gets an endpoint that may do so.
    private static let firstBytesLimit = Duration.milliseconds(20)

    /// A new flow: seeks an endpoint at once. Stays alive by the dataplane until both directions have ended.
    ///
    /// - Parameter entrance: where the first bytes decide whether it is one: where the client connected. What begins as HTTP does goes on as an
    ///   `HTTPConnection`; a client that is silent gets an endpoint, and the first word of either side decides.
    static func begin(
        _ channel: ByteChannel, _ origin: ClientOrigin, backend: RouteTable.BackendName, detectedAt entrance: String? = nil,
        plane: Dataplane
    ) {
        let flow = Flow(
            channel,
            Dataplane.Need(backend: backend, counts: plane.counts.backend(backend), client: origin.client, origin: origin, pooled: nil),
            plane)
        guard entrance != nil else { return flow.decide() }
        flow.undecidedAt = entrance
        plane.loop.schedule(after: firstBytesLimit) { [weak flow] in
            if let flow, flow.undecidedAt != nil, flow.channel.isOpen { flow.seekEndpoint() }
        }
    }

    /// Goes on with two connections that an exchange was upgraded on; their unread bytes come first.
    static func resume(_ channel: ByteChannel, _ upstream: UpstreamConnection, counts: BackendCounts, plane: Dataplane) {
        let flow = Flow(channel, Dataplane.Need(backend: counts.name, counts: counts, client: 0, pooled: nil), plane)
        flow.attach(upstream)
        flow.countOnce()
        flow.pump()
    }

    private init(_ channel: ByteChannel, _ need: Dataplane.Need, _ plane: Dataplane) {
        self.plane = plane
        self.channel = channel
        self.need = need
        began = plane.loop.now
        channel.owner = self
        plane.opened(self)
    }

    // MARK: - What it carries

    /// Looks at what came from the client, as long as that says nothing; true when it is known to be a flow.
    private func isDecided() -> Bool {
        guard let entrance = undecidedAt else { return true }
        while true {
            switch channel.input.withBytes({ FirstBytes.verdict($0) }) {
            case .http:
                becomeExchanges(entrance)
                return false
            case .other:
                decide()
                return true
            case .unknown:
                if channel.receive(plane.scratch), !channel.hasEnded { continue }
                // Whoever speaks no further speaks no HTTP, and an endpoint that speaks first does not either.
                guard channel.hasEnded || upstream?.channel.receive(plane.scratch) == true else { return false }
                decide()
                return true
            }
        }
    }

    /// It is a flow.
    private func decide() {
        undecidedAt = nil
        countOnce()
        if upstream == nil, ticket == nil { seekEndpoint() }
    }

    /// It is a flow, and its endpoint has accepted it.
    private func countOnce() {
        guard !isCounted, undecidedAt == nil, let upstream, upstream.connectDeadline == .never else { return }
        isCounted = true
        upstream.tally?.count(.flows)
    }

    private func becomeExchanges(_ entrance: String) {
        guard let origin = need.origin else { return }
        undecidedAt = nil
        if let ticket { plane.stopWaiting(ticket) }
        if let upstream {
            self.upstream = nil
            plane.finished(upstream, .flows, isReusable: false)
        }
        let connection = HTTPConnection(channel, origin, entrance: entrance, backend: need.backend, plane: plane)
        plane.closed(self)
        connection.channelIsReady(channel)
    }

    func channelIsReady(_ channel: ByteChannel) {
        guard isDecided() else {
            if channel.failure != nil, undecidedAt != nil { end(withReset: true) }
            return
        }
        // While there is no endpoint, only a client that is gone matters; its bytes wait in its socket.
        if upstream == nil, channel.failure != nil { return end(withReset: true) }
        pump()
    }

    func upstreamIsReady(_ upstream: UpstreamConnection) {
        if upstream.connectDeadline != .never {
            if upstream.channel.isConnecting {
                if plane.loop.now >= upstream.connectDeadline { connectFailed() }
                return
            }
            if plane.connectResult(upstream) != nil { return connectFailed() }
            countOnce()
            plane.note(.connected, at: upstream.endpoint, of: need, began: upstream.connectBegan)
            plane.noteFlow(isFailure: false, of: need.backend)
        }
        if isDecided() { pump() }
    }

    func tryAgain() {
        ticket = nil
        if upstream == nil { seekEndpoint() }
    }

    func sweep(now: Instant) {
        if let upstream, now >= upstream.connectDeadline { connectFailed() }
    }

    var bufferedByteCount: Int {
        channel.bufferedByteCount + (upstream?.channel.bufferedByteCount ?? 0) + request.bufferedByteCount + response.bufferedByteCount
    }

    func closeIfResting() { if restsSince != nil { end(withReset: false) } }
    /// A flow may be silent for long: nobody knows what it waits for. Only who never said a word rests.
    var restsSince: Instant? { undecidedAt != nil && channel.input.isEmpty && Sockets.isQuiet(channel.fd) ? began : nil }
    func closeNow() { end(withReset: true) }

    private func seekEndpoint() {
        switch plane.acquire(need, .flows, &attempts) {
        case .connection(let upstream): attach(upstream)
        case .wait(let until):
            ticket = plane.wait(self, until: until)
            if ticket == nil { give(up: .tooManyWaiting) }
        case .fail(let failure): give(up: failure)
        }
    }

    private func attach(_ upstream: UpstreamConnection) {
        self.upstream = upstream
        upstream.user = self
    }

    private func connectFailed() {
        guard let upstream else { return }
        self.upstream = nil
        plane.refused(upstream, .flows, need, &attempts)
        seekEndpoint()
    }

    private func give(up failure: ExchangeFailure) {
        if failure.isFault { plane.noteFlow(isFailure: true, of: need.backend) }
        need.counts.failed(failure.rawValue)
        end(withReset: true)
    }

    private func pump() {
        guard let there = upstream?.channel, !there.isConnecting, channel.isOpen else { return }
        let isCut = request.pass(from: channel, to: there, plane)
        if response.pass(from: there, to: channel, plane) || isCut { plane.loop.later { [weak self] in self?.pump() } }
        let isOver = channel.isSendingShut && there.isSendingShut
        let isBroken = channel.failure != nil || there.failure != nil
        if isOver || isBroken { end(withReset: isBroken) }
    }

    private func end(withReset: Bool) {
        if let ticket { plane.stopWaiting(ticket) }
        request.giveBack(to: plane.pipes)
        response.giveBack(to: plane.pipes)
        if let upstream {
            self.upstream = nil
            if withReset { upstream.channel.close(withReset: true) }
            plane.finished(upstream, .flows, isReusable: false)
        }
        channel.close(withReset: withReset)
        plane.closed(self)
    }
}
