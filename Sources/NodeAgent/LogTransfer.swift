import Linux
import Transport

/// Sends a log to one reader: a piece a turn, as fast as the reader takes it, so that neither a long log nor a slow reader holds up supervision.
final class LogTransfer {
    /// While more than this waits for the reader, nothing more is read.
    private static let waitingByteLimit = 256 << 10

    private let loop: EventLoop
    private let stream: ResponseStream
    private let reader: LogReader
    private var formatter: LogFormatter
    private var timer: EventLoop.Timer?
    private var subscription: Cancellation?
    /// What is appended from now on is sent, too.
    private var isFollowing: Bool

    /// Begins at once; keeps itself alive until the stream ends. `log`: what is followed, if it is.
    static func begin(
        _ reader: LogReader, _ formatter: LogFormatter, to stream: ResponseStream, following log: ContainerLog?, loop: EventLoop
    ) {
        let transfer = LogTransfer(reader, formatter, stream, isFollowing: log != nil, loop)
        transfer.subscription = log?.follow(
            onGrowth: { [weak transfer] in transfer?.stepSoon() },
            onEnd: { [weak transfer] in
                transfer?.isFollowing = false
                transfer?.stepSoon()
            })
        stream.onClose = { transfer.finish() }
        stream.onDrained = { transfer.stepSoon() }
        transfer.stepSoon()
    }

    private init(_ reader: LogReader, _ formatter: LogFormatter, _ stream: ResponseStream, isFollowing: Bool, _ loop: EventLoop) {
        self.reader = reader
        self.formatter = formatter
        self.stream = stream
        self.isFollowing = isFollowing
        self.loop = loop
    }

    private func stepSoon() {
        if timer?.isPending == true { return }
        timer = loop.schedule(after: .zero) { [weak self] in self?.step() }
    }

    private func step() {
        guard stream.isOpen, stream.bufferedByteCount < Self.waitingByteLimit else { return }
        if reader.seekFurther() { return stepSoon() }
        guard !formatter.isFull, let entries = reader.next() else {
            if !isFollowing || formatter.isFull { finish() }
            return
        }
        stream.write(formatter.format(entries))
        // A reader who keeps up is served turn by turn; one who does not says when.
        stepSoon()
    }

    private func finish() {
        timer?.cancel()
        subscription?.cancel()
        subscription = nil
        stream.end()
    }
}
