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
                part = try upstream.reader.next(&upstream.channel.input, &plane.exchanges.headRoom)
            } catch {
                return badResponse()
            }
            switch consume part {
            case .interim(let head): passInterim(head)
            case .head(var head):
                // RFC 9110, 7.8: another protocol begins behind a whole request.
                if head.framing == .tunnel, exchange?.isRequestComplete == false { return badResponse() }
                if isDropped(head) { return pumpResponse() }
                let goesOn = passHead(&head)
                plane.exchanges.headRoom.takeBack(&head.headers)
                if !goesOn { return }
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

    /// Begins the response, with the head as the client is to have it; false when what follows is no HTTP, and has gone its way already.
    func passHead(_ head: inout ResponseHead) -> Bool {
        guard let exchange else { return false }
        if exchange.terms != nil { settleAttempts() }
        exchange.upstreamKeepsAlive = head.keepsAlive
        if let upstream = exchange.upstream, !upstream.isReused { upstream.learnRest(from: head) }
        (exchange.coding, exchange.clientKeepsAlive) = HeadRewriting.rewrite(
            &head, toHTTP11: exchange.head.version == .http11,
            keepsAlive: exchange.head.keepsAlive && !plane.isFinishing && !plane.isRetiring)
        exchange.stay?.quota?.add(to: &head.headers)
        if let substitute = exchange.substitute { head.headers.add(LocalResponse.fallbackField, substitute.description) }
        if let stay = exchange.stay, let endpoint = exchange.upstream?.endpoint,
            let field = plane.router.sessionField(stay, at: endpoint, time: Clock.realtime)
        {
            head.headers.add(field.name, field.value)
        }
        exchange.status = head.status
        exchange.isResponseBegun = true
        head.serialize(into: &channel.output)
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
        let keepsAlive = (client: exchange.clientKeepsAlive, upstream: exchange.upstreamKeepsAlive)
        let (isRequestComplete, isLast) = (exchange.isRequestComplete, !exchange.head.keepsAlive)
        conclude()
        // A connection with anything left over on it, in either direction, would mix up the next exchange.
        let isClean = isRequestComplete && upstream.channel.output.isEmpty && upstream.channel.input.isEmpty
        plane.finished(
            upstream, .exchanges,
            isReusable: keepsAlive.upstream && isClean && !upstream.channel.isEndAnnounced && upstream.channel.failure == nil)
        if keepsAlive.client && isRequestComplete {
            rest()
        } else if isLast && isRequestComplete {
            // The client said that it sends no more: no need to wait for its end. Should it have sent something all the same, the close becomes a reset,
            // which the response must not wait behind.
            channel.flush(isLast: true)
            guard channel.output.isEmpty else { return linger() }
            channel.shutSending()
            close()
        } else {
            linger()
        }
    }

    private func upstreamEnded(_ upstream: UpstreamConnection) {
        do throws(WireError) {
            // A response without a length ends with the connection, but not with its break (RFC 9112, 8).
            if upstream.channel.failure == nil, case .end(let trailers)? = try upstream.reader.close(upstream.channel.input) {
                return endResponse(trailers)
            }
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
