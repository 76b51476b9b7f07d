import Timing
import Traffic

/// How an exchange ended.
enum ExchangeEnd {
    /// With the whole response of an endpoint.
    case whole
    /// With an answer of the proxy's own.
    case local(LocalResponse)
    /// The endpoint agreed to leave HTTP: it goes on as a flow.
    case upgraded
    /// The client went before it had its response.
    case clientGone
    /// The response broke off, or was ended from outside.
    case cutOff

    /// Of a client that did not wait; nginx' number, which many tools know.
    static let clientGoneCode = 499
}

/// The one place where an exchange is counted: once, when it is over.
extension HTTPConnection {
    /// BEFORE the exchange is concluded.
    func account(_ end: ExchangeEnd) {
        guard let exchange else {
            // What could not be read was no exchange yet.
            if case .local(let response) = end {
                counts.failed(response.reason)
                counts.whole.count(status: response.status)
            }
            return
        }
        let status: Int
        var reason = ""
        switch end {
        case .whole, .upgraded: status = exchange.status
        case .clientGone:
            status = ExchangeEnd.clientGoneCode
            reason = "client-gone"
        case .cutOff:
            status = 0
            reason = "cut-off"
        case .local(let response):
            counts.failed(response.reason)
            status = response.status
            reason = response.reason
        }
        let tally = exchange.tally ?? counts.whole
        tally.count(status: status)
        if case .whole = end { tally.took(plane.loop.now - exchange.began) }
        if let rule = counts.accessLog, plane.accessLog.isWanted(rule) { tell(exchange, status, reason) }
    }

    private func tell(_ exchange: Exchange, _ status: Int, _ reason: String) {
        plane.accessLog.tell(
            AccessLog.Entry(
                head: exchange.head, client: origin.ends.source.hostText, backend: exchange.substitute ?? backend, tally: exchange.tally,
                address: exchange.upstream.map { plane.router.address(of: $0.endpoint) }, status: status, reason: reason,
                duration: plane.loop.now - exchange.began, receivedByteCount: exchange.receivedByteCount,
                sentByteCount: exchange.sentByteCount, requestID: exchange.marks.requestID(of: exchange.head.headers),
                traceID: exchange.marks.traceID(of: exchange.head.headers)))
    }

    /// Whether the client is to blame for an end before the end: not where it only ended its side behind its request.
    var isClientGone: Bool { channel.failure != nil || channel.isEndAnnounced && exchange?.isRequestComplete == false }
}
