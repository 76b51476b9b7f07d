import Linux
import Timing
import Traffic
import Wire

/// One connection to an endpoint: carries one exchange at a time and rests in the pool between two.
final class UpstreamConnection: ChannelOwner {
    let channel: ByteChannel
    let endpoint: EndpointID
    var reader = ResponseReader(limits: .streaming)
    /// The exchange that uses it; nil while it rests.
    weak var user: (any UpstreamUser)?
    weak var pool: UpstreamPool?
    /// Whether an exchange went over it before the present one.
    var isReused = false
    var restsSince = Instant.zero
    /// What had been sent when the present exchange began.
    private var sentBefore = 0
    /// Where it is counted; nil while it rests.
    private(set) var tally: Tally?
    private var kind = RouteTable.Carriage.exchanges
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

    /// BEFORE the request is written.
    func begin(for user: any UpstreamUser, method: String) {
        self.user = user
        sentBefore = channel.sentByteCount
        reader.expect(method: method)
    }

    func channelIsReady(_ channel: ByteChannel) {
        if let user {
            user.upstreamIsReady(self)
        } else {
            // At rest nothing is expected: bytes or an end both make it useless.
            pool?.discard(self)
        }
    }

    func close() {
        user = nil
        channel.close()
    }
}
