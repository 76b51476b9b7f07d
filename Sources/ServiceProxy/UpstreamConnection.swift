import Linux
import Resources
import Timing
import Traffic
import Wire

/// One connection to an endpoint: carries one exchange at a time and rests in the pool between two.
final class UpstreamConnection: ChannelOwner {
    let channel: ByteChannel
    let endpoint: EndpointID
    var reader = ResponseReader(limits: .streaming)
    /// The exchange that uses it; nil while it rests.
    var user: (any UpstreamUser)?
    /// While it rests there.
    var pool: UpstreamPool?
    /// Whether an exchange went over it before the present one.
    var isReused = false
    var restsSince = Instant.zero
    /// Of whom the endpoint was told at the connection's begin: it carries nobody else's traffic.
    var announced: ClientOrigin?
    /// What had been sent when the present exchange began.
    private var sentBefore = 0
    /// How long it may rest.
    var restLimit = UpstreamPool.restLimit
    /// From when on no further exchange goes over it.
    var retiresAt = Instant.never
    /// Where it is counted; nil while it rests.
    private(set) var tally: Tally?
    private var kind = RouteTable.Carriage.exchanges
    private(set) var connectBegan = Instant.zero
    /// When the connect under way is given up.
    var connectDeadline = Instant.never

    init(channel: ByteChannel, endpoint: EndpointID) {
        self.channel = channel
        self.endpoint = endpoint
        channel.owner = self
    }

    /// Whether the kernel took anything of the present exchange's request.
    var isAnythingSent: Bool { channel.sentByteCount > sentBefore }

    /// An exchange or a flow begins on it, or goes over into the other; without a tally: is over. Counts what is open at the endpoint.
    func serve(_ kind: RouteTable.Carriage, _ tally: Tally?) {
        self.tally?[self.kind == .flows ? .openFlows : .openExchanges] -= 1
        self.kind = kind
        self.tally = tally
        tally?[kind == .flows ? .openFlows : .openExchanges] += 1
    }

    /// The connect has begun.
    func begin(_ timeouts: TimeoutRules, _ loop: EventLoop) {
        connectBegan = loop.now
        connectDeadline = connectBegan + (timeouts.connect ?? UpstreamConnector.connectLimit)
        // The sweep is exact enough for the usual limit.
        if timeouts.connect != nil { loop.schedule(at: connectDeadline) { [weak self] in self?.connectTookTooLong() } }
        if let limit = timeouts.connectionIdle { restLimit = limit }
        if let limit = timeouts.connectionAge { retiresAt = loop.now + limit }
    }

    /// BEFORE the request is written.
    func begin(for user: any UpstreamUser, method: String, mayUpgrade: Bool) {
        self.user = user
        sentBefore = channel.sentByteCount
        reader.expect(method: method, mayUpgrade: mayUpgrade)
    }

    func channelIsReady(_ channel: ByteChannel) {
        if let user {
            user.upstreamIsReady(self)
        } else {
            // At rest nothing is expected: bytes or an end both make it useless. The event may be of an answer that was read before it was told.
            if channel.isEndAnnounced || channel.failure != nil || !Sockets.isQuiet(channel.fd) { pool?.discard(self) }
        }
    }

    /// An endpoint that says how long it keeps a connection is believed: it is given up before that (`Keep-Alive: timeout=5`, of RFC 2068, 19.7.1.1
    /// and still sent by Node and Apache).
    func learnRest(from head: ResponseHead) {
        guard let text = head.headers.first(.keepAlive), let range = text.firstRange(of: "timeout="),
            let seconds = Int(text[range.upperBound...].prefix { $0.isNumber }), seconds < 3600
        else { return }
        restLimit = min(restLimit, max(.seconds(seconds - 1), .milliseconds(500 * seconds)))
    }

    /// Called when the policy's time for connects is over.
    private func connectTookTooLong() {
        if connectDeadline != .never, channel.isOpen { user?.upstreamIsReady(self) }
    }

    func close() {
        user = nil
        pool = nil
        channel.close()
    }
}
