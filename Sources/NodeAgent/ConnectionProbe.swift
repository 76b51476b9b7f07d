import Linux
import Resources
import Timing
import Wire

/// Probes that ask no more than who answers at an address.
extension ActionRunner {
    /// As the kubelet's dialer; for actions without a timeout of their own.
    private static let standardTimeout = Duration.seconds(30)

    /// Succeeds as soon as the connection is accepted.
    func connect(to target: SocketAddress, _ timeout: Duration?, _ done: @escaping (Outcome) -> Void) -> Cancellation {
        converse(target, timeout, [], { "dial tcp \(target): \($0)" }, judge: { _ in .serverHello }, done)
    }

    /// Succeeds when a ClientHello is answered by a ServerHello. There is no TLS here, so neither a certificate nor the status of the answer is seen: the
    /// kubelet passes over the certificate as well, but takes 400 and above for a failure.
    func greet(_ target: SocketAddress, _ get: Probe.HTTPGet, _ timeout: Duration?, _ done: @escaping (Outcome) -> Void) -> Cancellation {
        var random = SystemRandomNumberGenerator()
        let isName = !get.host.isEmpty && IPv4Address(get.host) == nil && !get.host.contains(":")
        let hello = TLSGreeting.clientHello(serverName: isName ? get.host : nil, random: &random)
        return converse(target, timeout, hello, { "Get \"https://\(target)\(get.path)\": \($0)" }, judge: TLSGreeting.judge, done)
    }

    /// Connects, sends, and listens until the answer can be judged; nothing is listened for where nothing is sent.
    ///
    /// - Parameter told: how a problem is told.
    private func converse(
        _ target: SocketAddress, _ timeout: Duration?, _ greeting: [UInt8], _ told: @escaping (String) -> String,
        judge: @escaping ([UInt8]) -> TLSGreeting.Answer, _ done: @escaping (Outcome) -> Void
    ) -> Cancellation {
        let fd: Int32
        do { fd = try Sockets.connect(to: target) } catch { return answer((false, told(error.reason)), done) }
        var watch: EventLoop.Watch?
        var timer: EventLoop.Timer?
        var isOver = false
        func finish(_ outcome: Outcome?) {
            guard !isOver else { return }
            isOver = true
            watch?.cancel()
            timer?.cancel()
            closeDescriptor(fd)
            if let outcome { done(outcome) }
        }
        func fail(_ problem: String) { finish((false, told(problem))) }
        var unsent = greeting[...]
        var heard: [UInt8] = []
        func listen() {
            var room = [UInt8](repeating: 0, count: TLSGreeting.answerLength)
            switch room.withUnsafeMutableBytes({ Sockets.receive(fd, into: $0) }) {
            case .bytes(let count): heard += room[..<count]
            case .wouldBlock: return
            case .ended: return fail("EOF")
            case .failed(let error): return fail(error.reason)
            }
            settle()
        }
        func settle() {
            switch judge(heard) {
            case .incomplete: break
            case .serverHello: finish(stranger(at: target) ?? (true, ""))
            case .refused(let problem): fail(problem)
            }
        }
        func send() {
            if let error = Sockets.pendingError(fd) { return fail(error.reason) }
            while !unsent.isEmpty {
                switch unsent.withUnsafeBufferPointer({ Sockets.send(fd, $0) }) {
                case .bytes(let count): unsent = unsent.dropFirst(count)
                case .wouldBlock, .ended: return
                case .failed(let error): return fail(error.reason)
                }
            }
            if greeting.isEmpty { settle() } else { watch?.update(.read) }
        }
        watch = try? context.loop.watch(fd, .write) { _ in if unsent.isEmpty, !greeting.isEmpty { listen() } else { send() } }
        timer = context.loop.schedule(after: timeout ?? Self.standardTimeout) { fail("i/o timeout") }
        return Cancellation { finish(nil) }
    }
}
