import APIClient
import Linux
import Measuring
import Resources
import Timing
import Traffic
import Wire

/// Answers questions about names, over UDP and TCP: the cluster's own from what the proxy follows, all others with what the host's resolvers say.
///
/// A copy of both sockets is left in the descriptor store, as of every listener: while a proxy is replaced questions wait, and none is refused.
final class NameServer {
    /// Datagrams taken in one turn.
    static let turnLimit = 64
    /// TCP connections at a time; beyond it the one that rests longest is closed.
    static let connectionLimit = 512
    /// How long a connection may rest (RFC 7766, 6.2.3).
    static let idleLimit = Duration.seconds(10)
    /// A query that is longer has no question that anybody answers.
    static let datagramByteLimit = 4096
    /// What an answer over UDP has at most, whatever the asker takes: beyond it datagrams are cut up on the way.
    static let answerByteLimit = 4096
    /// Between two attempts to open the sockets.
    static let retryPause = Duration.seconds(2)

    static let datagramName = "listener:dns-udp"
    static let streamName = "listener:dns-tcp"
    static func isName(_ name: String) -> Bool { name == datagramName || name == streamName }

    private let loop: EventLoop
    let address: SocketAddress
    private let forwarding: NameForwarding
    private let store: any DescriptorStore
    private let resolve: (DNSMessage, Int) -> NameAnswer
    private var kept: [String: Int32] = [:]
    private var datagrams: (fd: Int32, watch: EventLoop.Watch)?
    private var listener: (fd: Int32, watch: EventLoop.Watch)?
    private var connections: [ObjectIdentifier: NameConnection] = [:]
    private var retry: EventLoop.Timer?
    private var turn = 0
    private(set) var isOpen = false
    private(set) var answeredCount: UInt64 = 0
    private(set) var forwardedCount: UInt64 = 0
    private(set) var malformedCount: UInt64 = 0

    /// - Parameter resolve: what is to be done about a query; the number grows from one to the next.
    init(
        loop: EventLoop, address: SocketAddress, store: any DescriptorStore, forwarding: NameForwarding,
        resolve: @escaping (DNSMessage, Int) -> NameAnswer
    ) {
        self.loop = loop
        self.address = address
        self.store = store
        self.forwarding = forwarding
        self.resolve = resolve
    }

    /// A socket that an earlier process of this proxy left, or that another one beside it has opened.
    func take(_ descriptor: Int32, named name: String) {
        if isOpen || kept[name] != nil { return Sockets.close(descriptor) }
        store.isStored(name, descriptor)
        kept[name] = descriptor
        if retry != nil { open() }
    }

    /// Begins to answer; what cannot be opened yet is tried again.
    func open() {
        retry?.cancel()
        retry = nil
        guard !isOpen else { return }
        do throws(LinuxError) {
            if datagrams == nil {
                let fd = try socket(Self.datagramName) { () throws(LinuxError) in try Sockets.bound(udp: address) }
                datagrams = (fd, try loop.watch(fd, [.read, .exclusive]) { [unowned self] _ in receive(fd) })
            }
            if listener == nil {
                let fd = try socket(Self.streamName) { () throws(LinuxError) in try Sockets.listen(tcp: address) }
                listener = (fd, try loop.watch(fd, [.read, .exclusive]) { [unowned self] _ in accept(fd) })
            }
            isOpen = true
        } catch {
            retry = loop.schedule(after: Self.retryPause) { [weak self] in self?.open() }
        }
    }

    private func socket(_ name: String, _ make: () throws(LinuxError) -> Int32) throws(LinuxError) -> Int32 {
        if let present = kept.removeValue(forKey: name) { return present }
        let fd: Int32
        do throws(LinuxError) { fd = try make() } catch {
            // Perhaps another proxy has it, which shares it.
            store.want(name)
            throw error
        }
        store.store(name, fd)
        return fd
    }

    // MARK: UDP

    private func receive(_ fd: Int32) {
        for _ in 0..<Self.turnLimit {
            guard let (query, sender) = Sockets.receiveDatagram(fd, limit: Self.datagramByteLimit) else { return }
            answer(query, isStream: false) { [weak self] answer in
                guard let self, datagrams?.fd == fd else { return }
                Sockets.sendDatagram(fd, answer, to: sender)
            }
        }
    }

    // MARK: TCP

    private func accept(_ fd: Int32) {
        for _ in 0..<Self.turnLimit {
            guard let (client, _) = try? Sockets.accept(fd) else { return }
            if connections.count >= Self.connectionLimit {
                connections.values.min { $0.lastUse < $1.lastUse }?.close()
            }
            guard let connection = try? NameConnection(loop: loop, fd: client, server: self) else { continue }
            connections[ObjectIdentifier(connection)] = connection
            connection.begin()
        }
    }

    func ended(_ connection: NameConnection) { connections[ObjectIdentifier(connection)] = nil }

    // MARK: Answers

    /// Answers one query, at once or later. Who sent what is no query is not answered.
    func answer(_ octets: [UInt8], isStream: Bool, _ reply: @escaping ([UInt8]) -> Void) {
        let query: DNSMessage
        do throws(DNSError) { query = try DNSMessage(octets) } catch {
            malformedCount += 1
            // Without a header, or as an answer to an answer, this could go on for ever.
            guard octets.count >= 12, octets[2] & 0x80 == 0 else { return }
            var refusal = DNSMessage(id: UInt16(octets[0]) << 8 | UInt16(octets[1]))
            refusal.isResponse = true
            refusal.set(.formatError)
            return reply(refusal.serialized())
        }
        let limit = isStream ? DNSMessage.byteLimit : min(query.datagramByteLimit, Self.answerByteLimit)
        turn &+= 1
        switch resolve(query, turn & 0xFFFF) {
        case .silence: return
        case .answer(let answer):
            answeredCount += 1
            reply(answer.serialized(limit: limit))
        case .forward:
            forwardedCount += 1
            forwarding.ask(octets, isStream: isStream) { reply($0 ?? query.response(.serverFailure).serialized(limit: limit)) }
        case .follow(var answer, let target):
            forwardedCount += 1
            var question = DNSMessage(id: query.id, asking: query.questions[0])
            question.questions[0].name = target
            question.extended = query.extended
            forwarding.ask(question.serialized(), isStream: isStream) { octets in
                guard let octets, let found = try? DNSMessage(octets), let outcome = found.outcome else {
                    return reply(query.response(.serverFailure).serialized(limit: limit))
                }
                // The name is ours, what it stands for is not.
                answer.isAuthoritative = false
                answer.isTruncated = found.isTruncated
                answer.answers += found.answers
                answer.authorities = found.authorities
                answer.set(outcome)
                reply(answer.serialized(limit: limit))
            }
        }
    }

    /// What was asked, in Prometheus' text format.
    var metrics: String {
        var questions = CounterFamily("steady_proxy_name_questions_total", "Questions about names, by who answers")
        for (answer, count) in [("cluster", answeredCount), ("machine", forwardedCount), ("malformed", malformedCount)] {
            questions.add(count, ["answer": answer])
        }
        var failures = CounterFamily(
            "steady_proxy_name_failures_total", "Questions that the machine's resolvers did not answer, or that were too many at a time")
        failures.add(forwarding.failureCount, ["reason": "silence"])
        failures.add(forwarding.overflowCount, ["reason": "overflow"])
        var text = PrometheusText()
        text.append(questions)
        text.append(failures)
        return text.text
    }

    /// Takes no new question; the sockets and their copies stay for the next process.
    func stop() {
        retry?.cancel()
        datagrams?.watch.cancel()
        listener?.watch.cancel()
    }

    /// Ends everything, and takes nothing along: the copies of `up` are for the next process.
    func close() {
        stop()
        for fd in [datagrams?.fd, listener?.fd].compactMap(\.self) + Array(kept.values) { Sockets.close(fd) }
        (datagrams, listener, kept) = (nil, nil, [:])
        isOpen = false
        for connection in connections.values { connection.close() }
        forwarding.close()
    }
}

/// One TCP connection of somebody who asks for names.
final class NameConnection {
    /// Questions of one connection that wait for their answers: further ones are not read meanwhile.
    static let questionLimit = 32
    /// Answers that the asker has not taken: no question is read meanwhile.
    static let outputByteLimit = 128 * 1024

    private let loop: EventLoop
    private var fd: Int32
    private unowned let server: NameServer
    private var watch: EventLoop.Watch?
    private var input = ByteQueue()
    private var output = ByteQueue()
    private var openCount = 0
    private var hasEnded = false
    private(set) var lastUse: Instant
    private static let receiveLimit = 16 * 1024

    /// Takes the descriptor over.
    init(loop: EventLoop, fd: Int32, server: NameServer) throws(LinuxError) {
        self.loop = loop
        self.fd = fd
        self.server = server
        lastUse = loop.now
        Sockets.setNoDelay(fd)
        do throws(LinuxError) { watch = try loop.watch(fd, .read) { [unowned self] in note($0) } } catch {
            Sockets.close(fd)
            throw error
        }
    }

    func begin() { rest() }

    /// Closes what rests too long, and whoever does not read its answers.
    private func rest() {
        loop.schedule(at: lastUse + NameServer.idleLimit) { [weak self] in
            guard let self, fd >= 0 else { return }
            if loop.now - lastUse >= NameServer.idleLimit { close() } else { rest() }
        }
    }

    private func note(_ readiness: EventLoop.Readiness) {
        // Nobody is there to take an answer.
        if readiness.isHungUp { return close() }
        if readiness.isReadable {
            let (outcome, bytes) = Sockets.receive(fd, limit: Self.receiveLimit)
            switch outcome {
            case .bytes:
                lastUse = loop.now
                input.append(bytes)
            case .wouldBlock: break
            case .ended: hasEnded = true
            case .failed: return close()
            }
        }
        proceed()
    }

    private func proceed() {
        while fd >= 0, openCount < Self.questionLimit, output.count < Self.outputByteLimit {
            do throws(DNSError) {
                guard let query = try DNSStream.next(&input) else { break }
                openCount += 1
                server.answer(query, isStream: true) { [weak self] answer in self?.send(answer) }
            } catch { return close() }
        }
        flush()
    }

    private func send(_ answer: [UInt8]) {
        openCount -= 1
        guard fd >= 0 else { return }
        lastUse = loop.now
        output.append(DNSStream.framed(answer))
        // Within `proceed` this is a question's own turn; later it makes room for the next.
        loop.later { [weak self] in self?.proceed() }
    }

    private func flush() {
        guard fd >= 0 else { return }
        sending: while !output.isEmpty {
            switch output.withBytes({ Sockets.send(fd, $0) }) {
            case .bytes(let count): output.consume(count)
            case .wouldBlock: break sending
            case .ended, .failed: return close()
            }
        }
        if hasEnded, output.isEmpty, openCount == 0 { return close() }
        var interest: EventLoop.Interest = output.isEmpty ? [] : .write
        if !hasEnded, openCount < Self.questionLimit, output.count < Self.outputByteLimit { interest.insert(.read) }
        watch?.update(interest)
    }

    func close() {
        guard fd >= 0 else { return }
        watch?.cancel()
        Sockets.close(fd)
        fd = -1
        server.ended(self)
    }
}
