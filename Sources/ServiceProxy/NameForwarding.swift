import Linux
import Timing
import Transport
import Wire

/// Asks the host's own resolvers what is not the cluster's to answer.
///
/// Each question has a socket of its own, so a port that the kernel chose, a random id, and hears nobody but whom it asked: three things that a
/// forger would have to guess at once (RFC 5452).
final class NameForwarding {
    /// Questions under way at a time; one more is told at once that it failed.
    static let questionLimit = 512
    /// How long one resolver is waited for; glibc waits for us 5 s by default, and asks twice.
    static let patience = Duration.milliseconds(1200)
    /// How often each resolver is asked.
    static let roundLimit = 2

    /// One question under way.
    private final class Attempt {
        let query: [UInt8]
        let question: DNSMessage.Question?
        let reply: ([UInt8]?) -> Void
        /// The asker has room for what a datagram has not.
        let wantsWhole: Bool
        var remaining: [SocketAddress]
        /// What a reply has to have.
        var id: UInt16 = 0
        var fd: Int32 = -1
        var watch: EventLoop.Watch?
        var timer: EventLoop.Timer?
        /// Over TCP: what was received so far, and what is still to be sent; nil over UDP.
        var stream: (input: ByteQueue, output: ByteQueue)?

        init(
            _ query: [UInt8], _ question: DNSMessage.Question?, _ servers: [SocketAddress], wantsWhole: Bool,
            _ reply: @escaping ([UInt8]?) -> Void
        ) {
            self.wantsWhole = wantsWhole
            self.query = query
            self.question = question
            remaining = servers
            self.reply = reply
        }
    }

    private let loop: EventLoop
    private let resolver: MachineResolver
    private let own: SocketAddress
    private var attempts: [ObjectIdentifier: Attempt] = [:]
    private(set) var overflowCount: UInt64 = 0
    private(set) var failureCount: UInt64 = 0

    /// - Parameters:
    ///   - own: where we listen: that is not asked, even if the host does.
    ///   - resolver: whom the host asks.
    init(loop: EventLoop, own: SocketAddress, resolver: MachineResolver = MachineResolver()) {
        self.loop = loop
        self.own = own
        self.resolver = resolver
    }

    var openCount: Int { attempts.count }

    /// Asks for what the query asks for; its answer with the query's id, or nil when there is none to be had. `isStream`: the asker takes any length.
    func ask(_ query: [UInt8], isStream: Bool, _ reply: @escaping ([UInt8]?) -> Void) {
        guard attempts.count < Self.questionLimit else {
            overflowCount += 1
            return reply(nil)
        }
        let rounds = (0..<Self.roundLimit).flatMap { _ in resolver.servers.filter { $0 != own } }
        let question = (try? DNSMessage(query))?.questions.first
        let attempt = Attempt(query, question, rounds, wantsWhole: isStream) { answer in
            guard var answer else { return reply(nil) }
            answer[0] = query[0]
            answer[1] = query[1]
            reply(answer)
        }
        attempts[ObjectIdentifier(attempt)] = attempt
        askNext(attempt)
    }

    private func askNext(_ attempt: Attempt) {
        letGo(attempt)
        guard !attempt.remaining.isEmpty else { return finish(attempt, nil) }
        let server = attempt.remaining.removeFirst()
        ask(server, attempt, overStream: false)
    }

    private func ask(_ server: SocketAddress, _ attempt: Attempt, overStream: Bool) {
        var random = SystemRandomNumberGenerator()
        attempt.id = UInt16.random(in: 0...UInt16.max, using: &random)
        var octets = attempt.query
        octets[0] = UInt8(attempt.id >> 8)
        octets[1] = UInt8(truncatingIfNeeded: attempt.id)
        attempt.timer = loop.schedule(after: Self.patience) { [weak self, weak attempt] in
            guard let self, let attempt else { return }
            askNext(attempt)
        }
        do throws(LinuxError) {
            let fd = try Sockets.connect(to: server, type: overStream ? .stream : .datagram)
            attempt.fd = fd
            attempt.stream = overStream ? (ByteQueue(), ByteQueue(DNSStream.framed(octets))) : nil
            attempt.watch = try loop.watch(fd, overStream ? [.read, .write] : .read) { [weak self, weak attempt] readiness in
                guard let self, let attempt else { return }
                if overStream { progress(attempt, readiness) } else { receive(attempt, server) }
            }
            if !overStream, case .failed = octets.withUnsafeBufferPointer({ Sockets.send(fd, $0) }) {
                loop.later { [weak self, weak attempt] in if let attempt { self?.askNext(attempt) } }
            }
        } catch {
            loop.later { [weak self, weak attempt] in if let attempt { self?.askNext(attempt) } }
        }
    }

    private func receive(_ attempt: Attempt, _ server: SocketAddress) {
        let (outcome, answer) = Sockets.receive(attempt.fd, limit: DNSMessage.byteLimit)
        switch outcome {
        case .bytes:
            // What does not belong to the question is as if it had not come.
            guard DNSMessage.isAnswer(answer, id: attempt.id, to: attempt.question) else { return }
            guard DNSMessage.isTruncated(answer), attempt.wantsWhole else { return finish(attempt, answer) }
            letGo(attempt)
            ask(server, attempt, overStream: true)
        case .wouldBlock: return
        case .ended, .failed: askNext(attempt)
        }
    }

    private func progress(_ attempt: Attempt, _ readiness: EventLoop.Readiness) {
        guard var stream = attempt.stream else { return }
        if !stream.output.isEmpty, readiness.isWritable {
            if Sockets.pendingError(attempt.fd) != nil { return askNext(attempt) }
            switch stream.output.withBytes({ Sockets.send(attempt.fd, $0) }) {
            case .bytes(let count): stream.output.consume(count)
            case .wouldBlock, .ended: break
            case .failed: return askNext(attempt)
            }
            if stream.output.isEmpty { attempt.watch?.update(.read) }
        }
        if readiness.isReadable {
            let (outcome, bytes) = Sockets.receive(attempt.fd, limit: DNSMessage.byteLimit)
            switch outcome {
            case .bytes: stream.input.append(bytes)
            case .wouldBlock: break
            case .ended, .failed: return askNext(attempt)
            }
        }
        defer { if attempt.stream != nil { attempt.stream = stream } }
        do throws(DNSError) {
            guard let answer = try DNSStream.next(&stream.input) else { return }
            if DNSMessage.isAnswer(answer, id: attempt.id, to: attempt.question) { finish(attempt, answer) } else { askNext(attempt) }
        } catch { askNext(attempt) }
    }

    private func letGo(_ attempt: Attempt) {
        attempt.timer?.cancel()
        attempt.watch?.cancel()
        attempt.watch = nil
        attempt.stream = nil
        if attempt.fd >= 0 { Sockets.close(attempt.fd) }
        attempt.fd = -1
    }

    private func finish(_ attempt: Attempt, _ answer: [UInt8]?) {
        letGo(attempt)
        guard attempts.removeValue(forKey: ObjectIdentifier(attempt)) != nil else { return }
        if answer == nil { failureCount += 1 }
        attempt.reply(answer)
    }

    /// Nobody is answered any more.
    func close() {
        for attempt in attempts.values { letGo(attempt) }
        attempts = [:]
    }
}

extension Sockets {
    /// Receives what is there, up to a limit, and says what came of it. For messages that are kept whole anyway.
    static func receive(_ fd: Int32, limit: Int) -> (outcome: Transfer, bytes: [UInt8]) {
        withUnsafeTemporaryAllocation(byteCount: limit, alignment: 8) { room in
            let outcome = receive(fd, into: room)
            if case .bytes(let count) = outcome { return (outcome, Array(room.prefix(count))) }
            return (outcome, [])
        }
    }
}
