import Linux
import Timing
import Traffic
import Wire

/// One request and its response, from the request's head to the response's end.
struct Exchange {
    /// How much of a request is kept to be sent again; what is longer is sent once.
    static let keptRequestLimit = 64 * 1024

    let head: RequestHead
    let began: Instant
    let isIdempotent: Bool
    var attempts: ExchangeAttempts
    /// The request as the endpoint gets it, as far as it is known; empty when it became too long to keep.
    var kept = ByteQueue()
    var isKept = true
    /// Whether all of the request was read.
    var isRequestComplete: Bool
    var upstream: UpstreamConnection?
    /// Of the endpoint that has the request, or had it last; nil: none had.
    var tally: Tally?
    /// Whether anything of a response went to the client: from here the exchange can only go on or break.
    var isResponseBegun = false
    var status = 0
    var coding = HeadRewriting.Coding.plain
    /// Whether the endpoint wants its connection to live on.
    var upstreamKeepsAlive = false
    /// Whether the client's connection lives on after the response.
    var clientKeepsAlive = false
    var ticket: UInt64?
    /// Behind the gate of its backend's policy; nil before it was let in.
    var stay: BackendGate.Stay?
    /// Of a delay, then of the time that the policy gives it.
    var timer: EventLoop.Timer?

    init(_ head: RequestHead, now: Instant) {
        self.head = head
        began = now
        isIdempotent = ExchangeAttempts.isIdempotent(method: head.method)
        attempts = ExchangeAttempts(isIdempotent: isIdempotent)
        isRequestComplete = false
    }

    /// Adds to the request: to what is kept, and to what the endpoint is sent.
    mutating func write(_ body: (inout ByteQueue) -> Void) {
        if let upstream { body(&upstream.channel.output) }
        guard isKept else { return }
        if upstream != nil && kept.count > Self.keptRequestLimit {
            isKept = false
            kept = ByteQueue()
        } else {
            body(&kept)
        }
    }

    /// Gives the exchange a connection and puts what is known of the request on its way.
    mutating func attach(_ upstream: UpstreamConnection, user: any UpstreamUser) {
        self.upstream = upstream
        tally = upstream.tally
        upstream.begin(for: user, method: head.method)
        kept.withBytes { upstream.channel.output.append($0) }
    }
}
