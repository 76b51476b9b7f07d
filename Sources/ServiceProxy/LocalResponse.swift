import Resources
import Timing
import Traffic
import Wire

/// An answer that the proxy gives itself.
struct LocalResponse {
    /// The field that tells a proxy's answer from an endpoint's, with the reason in one word.
    static let reasonField = "Steady-Proxy-Reason"

    /// Names who answered in place of a Service that could not.
    static let fallbackField = "Steady-Proxy-Fallback"

    var status: Int
    var reason: String
    var text: String
    /// Seconds after which it may be tried again; nil: nothing is said.
    var retryAfter: String?
    var contentType = "text/plain; charset=utf-8"
    /// Whether the text is the body as it is, and not a line.
    var isVerbatim = false
    /// Further fields.
    var fields: [(name: String, value: String)] = []

    init(status: Int, reason: String, text: String) {
        self.status = status
        self.reason = reason
        self.text = text
        retryAfter = status == 503 ? "1" : nil
    }

    /// - Parameters:
    ///   - backend: which was asked.
    ///   - substitute: which was asked last in its place; nil: none.
    ///   - patience: for how long an endpoint was waited for.
    init(
        _ failure: ExchangeFailure, backend asked: RouteTable.BackendName, substitute: RouteTable.BackendName? = nil,
        patience: Duration = ExchangeAttempts.waitLimit
    ) {
        let backend = substitute.map { "\($0), which answers in place of \(asked)," } ?? "\(asked)"
        let text =
            switch failure {
            case .noReadyEndpoint: "no endpoint of \(backend) became ready within \(patience)"
            case .noSuchBackend: "the Service of \(backend) is \(substitute == nil ? "gone" : "not there")"
            case .connectFailed: "no endpoint of \(backend) accepted a connection within \(patience)"
            case .noWeight: "the TrafficPolicy of \(backend) gives weight 0 to all endpoints that are ready"
            case .tooManyWaiting: "\(Dataplane.waiterLimit) others wait for an endpoint already"
            case .endpointReset:
                "the endpoint of \(backend) closed the connection before it answered, and the request may not be repeated (again)"
            case .badResponse: "the endpoint of \(backend) answered with something that is no HTTP"
            case .rateLimited: "too many requests for \(backend): its TrafficPolicy limits them"
            case .tooManyParallel: "as many requests for \(backend) are under way as its TrafficPolicy allows"
            case .overloaded: "there are more requests for \(backend) than it gets done, and others have a higher priority"
            case .tooManyConnections: "as many connections to endpoints of \(backend) are in use as its TrafficPolicy allows"
            case .circuitOpen: "requests for \(backend) fail: its TrafficPolicy leaves it in peace for a while"
            case .requestTimeout: "the endpoint of \(backend) did not answer in the time that its TrafficPolicy allows"
            }
        self.init(status: failure.status, reason: failure.rawValue, text: text)
    }

    /// A policy lets the request not in.
    init(refused refusal: BackendGate.Refusal, backend: RouteTable.BackendName) {
        switch refusal {
        case .tooManyParallel: self.init(.tooManyParallel, backend: backend)
        case .overloaded: self.init(.overloaded, backend: backend)
        case .circuitOpen(let wait):
            self.init(.circuitOpen, backend: backend)
            retryAfter = String(max(1, Int(wait.inSeconds.rounded(.up))))
        case .rateLimited(let quota):
            self.init(.rateLimited, backend: backend)
            retryAfter = String(quota.resetSeconds)
            fields = quota.fields
        }
    }

    /// A policy says that this request is to fail.
    init(injected status: Int) { self.init(status: status, reason: "fault-injected", text: "a TrafficPolicy lets this request fail") }

    /// A policy says what is answered where no endpoint can.
    init(_ response: FixedResponse, instead failure: ExchangeFailure) {
        self.init(status: response.status, reason: failure.rawValue, text: response.body)
        contentType = response.contentType
        fields = [(Self.fallbackField, "response")]
        isVerbatim = true
    }

    init(_ error: WireError) { self.init(status: error.status, reason: "bad-request", text: error.message) }

    static let headTooSlow = LocalResponse(status: 408, reason: "head-too-slow", text: "the request's head did not come in time")
    static let bodyTooSlow = LocalResponse(status: 408, reason: "body-too-slow", text: "the request's body stopped")
    static let noTunnels = LocalResponse(status: 501, reason: "no-tunnels", text: "CONNECT is not served here")

    /// Appends the whole answer. `isHead`: the request was HEAD, so the body is left out.
    func serialize(into output: inout ByteQueue, isHead: Bool, keepsAlive: Bool) {
        let body = isVerbatim ? text : text + "\n"
        // RFC 9110, 15.3.5 and 15.4.5.
        let hasBody = status != 204 && status != 304
        var head = ResponseHead(status: status)
        if hasBody {
            head.headers.add(.contentType, contentType)
            head.headers.add(.contentLength, String(body.utf8.count))
        }
        head.headers.add(Self.reasonField, reason)
        if let retryAfter { head.headers.add(.retryAfter, retryAfter) }
        for field in fields { head.headers.add(field.name, field.value) }
        if !keepsAlive { head.headers.add(.connection, "close") }
        head.serialize(into: &output)
        if !isHead, hasBody { output.append(body) }
    }
}
