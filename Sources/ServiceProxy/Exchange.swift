import Linux
import Resources
import Timing
import Traffic
import Wire

/// One request and its response, from the request's head to the response's end.
///
/// A class: it is looked at in many places, and a copy of a value with so many parts would cost more than all that it is asked. Its memory serves one
/// exchange after the other, see `SpareExchanges`.
final class Exchange {
    /// How much of a request is kept to be sent again; what is longer is sent once.
    static let keptRequestLimit = 64 * 1024

    private(set) var head = RequestHead(method: "", target: "")
    /// What it is known by on its way; `marks.requestID(of: head.headers)` is its id.
    private(set) var marks = RequestMarks(high: 0, low: 0, parent: 0)
    private(set) var began = Instant.zero
    private(set) var isIdempotent = false
    /// The backend that answers in place of the connection's own, which cannot.
    var substitute: RouteTable.BackendName?
    /// How many of the policy's fallbacks were tried.
    var fallbackCount = 0
    var attempts = ExchangeAttempts(isIdempotent: false)
    /// The request as the endpoint gets it, as far as it is known; empty when it became too long to keep.
    var kept = ByteQueue()
    var isKept = true
    /// Whether all of the request was read.
    var isRequestComplete = false
    var upstream: UpstreamConnection?
    /// Of the endpoint that has the request, or had it last; nil: none had.
    var tally: Tally?
    /// Whether anything of a response went to the client: from here the exchange can only go on or break.
    var isResponseBegun = false
    var status = 0
    /// Of the request's body, and of the response's.
    var receivedByteCount = 0
    var sentByteCount = 0
    var coding = HeadRewriting.Coding.plain
    /// Whether the endpoint wants its connection to live on.
    var upstreamKeepsAlive = false
    /// Whether the client's connection lives on after the response.
    var clientKeepsAlive = false
    var ticket: UInt64?
    /// In line before the gate; nil where it need not wait, or does not any more.
    var place: Router.LinePlace?
    /// Behind the gate of its backend's policy; nil before it was let in.
    var stay: BackendGate.Stay?
    /// Of a delay, then of the time that the policy gives it.
    var timer: EventLoop.Timer?
    /// What the endpoint is told about the time that is left.
    var deadline: RequestDeadline?
    /// When the attempt under way began.
    var attemptBegan = Instant.zero
    /// Of the time that the attempt under way is given.
    var attemptTimer: EventLoop.Timer?
    /// Of the time after which a second attempt goes out.
    var hedgeTimer: EventLoop.Timer?
    /// The second attempt, while the first is out and neither answered.
    var rival: UpstreamConnection?
    /// When it began.
    var rivalBegan = Instant.zero

    /// The policy that it was let in by; nil without one.
    var terms: PolicyTerms? { stay?.terms }

    init(_ head: RequestHead, marks: RequestMarks, now: Instant) { begin(head, marks, now) }

    /// Makes a new one, or one that was cleared, that of a request.
    func begin(_ head: RequestHead, _ marks: RequestMarks, _ now: Instant) {
        self.head = head
        self.marks = marks
        began = now
        isIdempotent = ExchangeAttempts.isIdempotent(method: head.method)
        attempts = ExchangeAttempts(isIdempotent: isIdempotent)
    }

    /// Makes it as one that was never used, but for what `begin` sets, and for the memory of `kept`. Field by field: as one value they would be one
    /// place to the runtime, which then lets nobody look at one of them while another is changed.
    func clear(_ room: inout HeadRoom) {
        room.takeBack(&head.headers)
        substitute = nil
        fallbackCount = 0
        kept.consume(kept.count)
        isKept = true
        isRequestComplete = false
        upstream = nil
        tally = nil
        isResponseBegun = false
        status = 0
        receivedByteCount = 0
        sentByteCount = 0
        coding = .plain
        upstreamKeepsAlive = false
        clientKeepsAlive = false
        ticket = nil
        place = nil
        stay = nil
        timer = nil
        deadline = nil
        attemptBegan = .zero
        attemptTimer = nil
        hedgeTimer = nil
        rival = nil
        rivalBegan = .zero
    }

    /// Adds to the request: to what is kept, and to what the endpoint is sent.
    func write(_ body: (inout ByteQueue) -> Void) {
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
    func attach(_ upstream: UpstreamConnection, user: any UpstreamUser, now: Instant) {
        self.upstream = upstream
        tally = upstream.tally
        attemptBegan = now
        send(to: upstream, user: user, now: now)
    }

    /// The second attempt is the only one from here on. BEFORE this the first one's connection must be somebody's.
    func takeRival() {
        upstream = rival
        tally = rival?.tally
        attemptBegan = rivalBegan
        rival = nil
    }

    /// Puts what is known of the request on its way.
    func send(to upstream: UpstreamConnection, user: any UpstreamUser, now: Instant) {
        upstream.begin(for: user, method: head.method, mayUpgrade: head.isPassedAsUpgrade)
        kept.withBytes { bytes in
            guard let deadline, let lineEnd = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return upstream.channel.output.append(bytes) }
            // What is left is known only now: its field goes behind the request line.
            upstream.channel.output.append(UnsafeBufferPointer(rebasing: bytes[...lineEnd]))
            upstream.channel.output.append("\(deadline.field.rawValue): \(deadline.value(now: now))\r\n")
            upstream.channel.output.append(UnsafeBufferPointer(rebasing: bytes[(lineEnd + 1)...]))
        }
    }

    /// BEFORE it ends, and between two attempts.
    func cancelAttemptTimers() {
        attemptTimer?.cancel()
        hedgeTimer?.cancel()
        attemptTimer = nil
        hedgeTimer = nil
    }
}
