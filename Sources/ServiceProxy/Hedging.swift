import Timing
import Traffic
import Wire

/// A second attempt while the first is out: whichever answers first is the answer, the other one is cut off.
extension HTTPConnection {
    /// Sends the request to another endpoint as well, where there is one and the policy's budget has room.
    func sendRival() {
        guard let exchange, let upstream = exchange.upstream, !exchange.isResponseBegun, exchange.isRequestComplete, exchange.isKept,
            exchange.rival == nil
        else { return }
        // A handshake opens something at the endpoint, which is not twice the same as once.
        if exchange.head.isPassedAsUpgrade { return }
        var attempts = exchange.attempts
        attempts.avoid(upstream.endpoint)
        guard plane.mayHedge(exchange) else { return }
        // It takes what is there, and waits for nothing.
        guard case .connection(let rival) = plane.acquire(need(of: exchange), .exchanges, &attempts) else { return }
        guard rival.endpoint != upstream.endpoint else { return plane.finished(rival, .exchanges, isReusable: false) }
        // Only now: where there is no second endpoint, nothing is taken from the repeats that the request may yet need.
        plane.noteHedge(exchange)
        exchange.rival = rival
        exchange.rivalBegan = plane.loop.now
        exchange.send(to: rival, user: self, now: plane.loop.now)
        rival.channel.flush()
        rival.tally?.count(.hedges)
    }

    /// Something happened on a connection that is not the exchange's own.
    func rivalIsReady(_ rival: UpstreamConnection) {
        guard exchange?.rival === rival else { return }
        if rival.connectDeadline != .never {
            let isLate = plane.loop.now >= rival.connectDeadline
            if rival.channel.isConnecting && !isLate { return }
            if isLate || plane.connectResult(rival) != nil {
                exchange?.rival = nil
                var attempts = ExchangeAttempts(isIdempotent: true)
                guard let exchange else { return }
                return plane.refused(rival, .exchanges, need(of: exchange), &attempts)
            }
        }
        rival.channel.flush()
        while true {
            let part: ResponsePart?
            do throws(WireError) {
                part = try rival.reader.next(&rival.channel.input, &plane.exchanges.headRoom)
            } catch {
                note(.failed, at: rival.endpoint, isRival: true)
                return dropRival()
            }
            switch part {
            case .head(let head):
                if exchange?.terms?.rules.retries.asksForRepeat(status: head.status) == true {
                    note(.answered(head.status), at: rival.endpoint, isRival: true)
                    return dropRival()
                }
                return overtake(with: head)
            case nil:
                if rival.channel.hasEnded || rival.channel.failure != nil {
                    if !rival.isReused { note(.failed, at: rival.endpoint, isRival: true) }
                    return dropRival()
                }
                if !rival.channel.receive(plane.scratch) { return }
            // Interim responses of one that may yet lose are nobody's.
            case .interim, .body, .end: continue
            }
        }
    }

    /// The second attempt answers first.
    private func overtake(with head: ResponseHead) {
        guard let exchange, let rival = exchange.rival else { return }
        let loser = exchange.upstream
        exchange.takeRival()
        if let loser { plane.finished(loser, .exchanges, isReusable: false) }
        rival.tally?.count(.hedgeWins)
        var head = head
        if passHead(&head) { pumpResponse() }
    }

    /// The first attempt came to nothing: the second, if there is one, is the only one. False where there is none.
    func promoteRival() -> Bool {
        guard let exchange, exchange.rival != nil else { return false }
        exchange.takeRival()
        // Its own time begins; another second one does not follow.
        if let terms = exchange.terms { timeAttempt(terms) }
        return true
    }

    /// Cuts the second attempt off.
    func dropRival() {
        guard let rival = exchange?.rival else { return }
        exchange?.rival = nil
        plane.finished(rival, .exchanges, isReusable: false)
    }
}
