import Linux
import Resources
import Timing
import Traffic
import Wire

/// One question to one endpoint: a connection of its own, the question, and the answer within a time.
final class CheckRun: ChannelOwner {
    /// Bytes of an answer in which the expected text is looked for; what comes later is not read.
    static let answerLimit = 16 * 1024

    private let rule: HealthCheckRule
    private let address: EndpointAddress
    private let backend: RouteTable.BackendName
    private let plane: Dataplane
    private var onResult: ((Bool?) -> Void)?
    private var channel: ByteChannel?
    private var timer: EventLoop.Timer?
    private var reader = ResponseReader(limits: .streaming)
    private var isAsked = false
    private var hasRightStatus = false
    private var answer: [UInt8] = []

    /// - Parameter onResult: called once, AFTER `begin` has returned, unless it is cancelled; nil: nothing was found out.
    init(
        _ rule: HealthCheckRule, at address: EndpointAddress, of backend: RouteTable.BackendName, plane: Dataplane,
        onResult: @escaping (Bool?) -> Void
    ) {
        self.rule = rule
        self.address = address
        self.backend = backend
        self.plane = plane
        self.onResult = onResult
    }

    func begin() {
        timer = plane.loop.schedule(after: rule.timeout) { [weak self] in self?.end(false) }
        do throws(LinuxError) {
            channel = try plane.connector.connect(to: address)
            channel?.owner = self
        } catch {
            // Our own want is not the endpoint's fault.
            let result = Sockets.isShortage(error) || Sockets.isSourceExhausted(error) ? nil : false
            plane.loop.later { [weak self] in self?.end(result) }
        }
    }

    /// As if nobody had answered.
    func fail() { end(false) }

    func cancel() {
        onResult = nil
        end(false)
    }

    func channelIsReady(_ channel: ByteChannel) {
        if channel.isConnecting { return }
        if !isAsked {
            if channel.failure != nil || UpstreamConnector.isConnectedToItself(channel, address) { return end(false) }
            isAsked = true
            ask(channel)
            if onResult == nil { return }
        }
        channel.flush()
        read(channel)
    }

    private func ask(_ channel: ByteChannel) {
        // An endpoint that is told who asks is told that nobody does but the proxy.
        if let id = plane.backend(backend), plane.router.protocolRules(id).sendsProxyHeader {
            ProxyHeader(nil).serialize(into: &channel.output)
            channel.flush()
        }
        switch rule.question {
        case .http(let question):
            var head = RequestHead(method: question.method, target: question.path, headers: HTTPHeaders([]))
            head.headers.add(.host, question.hostname.isEmpty ? backend.service.name : question.hostname)
            head.headers.add("User-Agent", "steady-health-check")
            head.headers.add(.connection, "close")
            if question.method == "POST" { head.headers.add(.contentLength, "0") }
            head.serialize(into: &channel.output)
            reader.expect(method: question.method)
        case .tcp(let question):
            if let word = question.send { channel.output.append(word) }
            // A connection is all that was asked for.
            if question.send == nil, question.receive == nil { end(true) }
        }
    }

    private func read(_ channel: ByteChannel) {
        repeat {
            switch rule.question {
            case .http(let question): readHTTP(channel, question)
            case .tcp(let question): readTCP(channel, question)
            }
            if onResult == nil { return }
        } while channel.receive(plane.scratch)
        if channel.failure != nil { end(false) }
    }

    private func readTCP(_ channel: ByteChannel, _ question: HealthCheckRule.TCPQuestion) {
        take(channel.input.count, from: channel)
        guard let expected = question.receive else {
            // The word is out: nothing is expected back.
            if channel.output.isEmpty { end(true) }
            return
        }
        if contains(expected) { return end(true) }
        if channel.hasEnded || answer.count >= Self.answerLimit { end(false) }
    }

    private func readHTTP(_ channel: ByteChannel, _ question: HealthCheckRule.HTTPQuestion) {
        do throws(WireError) {
            while let part = try reader.next(&channel.input) {
                switch part {
                case .interim: break
                case .head(let head):
                    hasRightStatus = question.expectedStatuses.contains(head.status)
                    if !hasRightStatus || question.expectedText == nil { return end(hasRightStatus) }
                case .body(let count):
                    take(count, from: channel)
                    if let text = question.expectedText, contains(text) { return end(true) }
                    if answer.count >= Self.answerLimit { return end(false) }
                case .end: return end(false)
                }
            }
        } catch {
            return end(false)
        }
        if channel.hasEnded { end(false) }
    }

    private func take(_ count: Int, from channel: ByteChannel) {
        channel.input.withBytes { answer += $0[0..<min(count, max(0, Self.answerLimit - answer.count))] }
        channel.input.consume(count)
    }

    private func contains(_ text: String) -> Bool { text.isEmpty || answer.firstRange(of: Array(text.utf8)) != nil }

    private func end(_ passed: Bool?) {
        timer?.cancel()
        channel?.close()
        channel = nil
        let report = onResult
        onResult = nil
        report?(passed)
    }
}
