import Linux
import Timing
import Traffic
import Wire

/// The way back: from the endpoint's connection to the client's.
extension HTTPConnection {
    /// Passes on what the endpoint sent, as far as the client takes it.
    func pumpResponse() {
        var receiveCount = 0
        while channel.isOpen, let upstream = exchange?.upstream, !upstream.channel.isConnecting {
            if channel.output.count >= Self.bufferLimit {
                channel.flush()
                if channel.failure != nil { return abort() }
                if channel.output.count >= Self.bufferLimit { return }
            }
            let part: ResponsePart?
            do throws(WireError) {
                part = try upstream.reader.next(&upstream.channel.input)
            } catch {
                return badResponse()
            }
            switch part {
            case .interim(let head): passInterim(head)
            case .head(let head):
                // RFC 9110, 7.8: another protocol begins behind a whole request.
                if head.framing == .tunnel, exchange?.isRequestComplete == false { return badResponse() }
                if isDropped(head) { return pumpResponse() }
                if !passHead(head) { return }
            case .body(let count): passBody(count, from: upstream)
            case .end(let trailers): return endResponse(trailers)
            case nil:
                receiveCount += 1
                if receiveCount > Dataplane.turnLimit {
                    channel.flushAtTurnEnd()
                    return plane.loop.later { [weak self] in
                        self?.pumpResponse()
                        self?.pumpRequest()
                    }
                }
                if upstream.channel.receive(plane.scratch) { continue }
                if upstream.channel.hasEnded || upstream.channel.failure != nil { return upstreamEnded(upstream) }
                channel.flushAtTurnEnd()
                if channel.failure != nil { return abort() }
                // What waited may have gone out, and with it the reason to stop.
                return
            }
        }
    }

    private func passInterim(_ head: ResponseHead) {
        // HTTP/1.0 knows no interim responses (RFC 9110, 15.2).
        guard exchange?.head.version == .http11 else { return }
        var head = head
        head.headers.removeHopByHop()
        head.headers.remove(.contentLength)
        head.serialize(into: &channel.output)
        channel.flushAtTurnEnd()
    }

    /// Begins the response; false when what follows is no HTTP, and has gone its way already.
    func passHead(_ head: ResponseHead) -> Bool {
        guard let exchange else { return false }
        if exchange.terms != nil { settleAttempts() }
        var (out, coding, keepsAlive) = HeadRewriting.response(
            head, toHTTP11: exchange.head.version == .http11,
            keepsAlive: exchange.head.keepsAlive && !plane.isFinishing && !plane.isRetiring)
        exchange.stay?.quota?.add(to: &out.headers)
        if let substitute = exchange.substitute { out.headers.add(LocalResponse.fallbackField, substitute.description) }
        if let stay = exchange.stay, let endpoint = exchange.upstream?.endpoint,
            let field = plane.router.sessionField(stay, at: endpoint, time: Clock.realtime)
        {
            out.headers.add(field.name, field.value)
        }
        exchange.coding = coding
        exchange.clientKeepsAlive = keepsAlive
        exchange.upstreamKeepsAlive = head.keepsAlive
        exchange.status = head.status
        exchange.isResponseBegun = true
        if let upstream = exchange.upstream, !upstream.isReused { upstream.learnRest(from: head) }
        out.serialize(into: &channel.output)
        guard head.framing == .tunnel else { return true }
        becomeFlow()
        return false
    }

    /// One attempt has answered: the others are over.
    private func settleAttempts() {
        if let stay = exchange?.stay, let began = exchange?.attemptBegan, stay.terms?.rules.retries.hedging?.percentile != nil {
            plane.router.noteAnswer(stay, after: plane.loop.now - began)
        }
        exchange?.cancelAttemptTimers()
        dropRival()
        if exchange?.terms?.rules.fallbacks.isEmpty == false { announce(exchange?.substitute?.description) }
    }

    private func passBody(_ count: Int, from upstream: UpstreamConnection) {
        exchange?.sentByteCount += count
        if exchange?.coding == .chunked {
            Chunks.begin(count, into: &channel.output)
            upstream.channel.input.move(count, to: &channel.output)
            Chunks.end(into: &channel.output)
        } else {
            upstream.channel.input.move(count, to: &channel.output)
        }
    }

    private func endResponse(_ trailers: HTTPHeaders) {
        guard let exchange, let upstream = exchange.upstream else { return }
        if exchange.coding == .chunked { Chunks.finish(trailers: trailers, into: &channel.output) }
        note(.answered(exchange.status), at: upstream.endpoint)
        noteEnd(isFailure: exchange.status >= 500)
        account(.whole)
        conclude()
        // A connection with anything left over on it, in either direction, would mix up the next exchange.
        let isClean = exchange.isRequestComplete && upstream.channel.output.isEmpty && upstream.channel.input.isEmpty
        plane.finished(
            upstream, .exchanges,
            isReusable: exchange.upstreamKeepsAlive && isClean && !upstream.channel.isEndAnnounced && upstream.channel.failure == nil)
        if exchange.clientKeepsAlive && exchange.isRequestComplete {
            rest()
        } else if !exchange.head.keepsAlive && exchange.isRequestComplete {
            // The client said that it sends no more: nothing unread can turn the close into a reset.
            channel.flush()
            if channel.output.isEmpty { close() } else { linger() }
        } else {
            linger()
        }
    }

    private func upstreamEnded(_ upstream: UpstreamConnection) {
        do throws(WireError) {
            if case .end(let trailers)? = try upstream.reader.close(upstream.channel.input) { return endResponse(trailers) }
        } catch {
            // Something is missing.
        }
        if exchange?.isResponseBegun == true { cutOff(by: upstream) } else { lostUpstream() }
    }

    /// The endpoint broke a response off, or its rest is no HTTP.
    private func cutOff(by upstream: UpstreamConnection) {
        note(.failed, at: upstream.endpoint)
        noteEnd(isFailure: true)
        abort()
    }

    private func badResponse() {
        guard let upstream = exchange?.upstream else { return }
        if exchange?.isResponseBegun == true { return cutOff(by: upstream) }
        note(.failed, at: upstream.endpoint)
        fail(.badResponse)
    }

    /// The endpoint agreed to leave HTTP: from here bytes are copied.
    private func becomeFlow() {
        guard let exchange, let upstream = exchange.upstream else { return }
        account(.upgraded)
        note(.answered(101), at: upstream.endpoint)
        noteEnd(isFailure: false)
        conclude()
        phase = .closed
        plane.closed(self)
        plane.becameFlow(upstream)
        channel.heed()
        Flow.resume(channel, upstream, counts: counts, plane: plane)
    }
}
