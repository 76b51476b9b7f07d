import Linux
import Timing
import Wire

/// A connected (or still connecting) socket on a loop, with what was received and not read, and what was written and not sent.
///
/// While it is open the loop keeps it alive; `close` lets go of everything. Callbacks are made on the loop, never from within `write`.
package final class SocketStream {
    package let loop: EventLoop
    /// -1 when closed.
    package private(set) var fd: Int32
    package var input = ByteQueue()
    private var output = ByteQueue()
    /// Where what is written and not sent of several streams is added up.
    package var unsent: UnsentBytes?
    private var countedByteCount = 0
    private var watch: EventLoop.Watch?
    private var isConnecting: Bool
    private var isFlushPlanned = false
    private var readRoom = SocketStream.leastReadRoom

    /// Bytes arrived, or the other side ended (`isInputEnded`).
    package var onInput: (() -> Void)?
    /// The connection failed, or could not be made; it is closed already. Called at most once, and not after `close`.
    package var onFailure: ((LinuxError) -> Void)?
    /// Everything that was written has gone to the kernel. Not called by `flush` itself: who calls that sees what is left.
    package var onDrained: (() -> Void)?
    package private(set) var isInputEnded = false
    /// The last moment at which the kernel took or gave bytes.
    package private(set) var lastProgress: Instant

    /// The first read of a quiet connection asks for this much; a read that fills its room makes the next one four times as large.
    private static let leastReadRoom = 2048
    private static let mostReadRoom = 64 * 1024
    /// After this many full reads the loop's other connections get their turn.
    private static let readRoundLimit = 4

    /// Takes the descriptor over. `isConnecting`: its connect is under way.
    package init(loop: EventLoop, fd: Int32, isConnecting: Bool = false) throws(LinuxError) {
        self.loop = loop
        self.fd = fd
        self.isConnecting = isConnecting
        lastProgress = loop.now
        do throws(LinuxError) {
            watch = try loop.watch(fd, isConnecting ? .write : .read) { self.handle($0) }
        } catch {
            Sockets.close(fd)
            throw error
        }
    }

    package var isOpen: Bool { fd >= 0 }
    package var bufferedByteCount: Int { output.count }

    /// False: nothing is received until it is true again; the sender then feels the back-pressure.
    package var isReading = true {
        didSet { if isReading != oldValue { updateInterest() } }
    }

    /// Appends to what is to be sent. AFTER it call `flush` or `flushSoon`.
    package func write(_ body: (inout ByteQueue) -> Void) {
        guard isOpen else { return }
        body(&output)
        addUp()
    }

    private func addUp() {
        unsent?.count += output.count - countedByteCount
        countedByteCount = output.count
    }

    /// Sends what the kernel takes now; the rest follows when it takes more.
    package func flush() {
        guard isOpen, !isConnecting else { return }
        defer { addUp() }
        while !output.isEmpty {
            switch output.withBytes({ Sockets.send(fd, $0) }) {
            case .bytes(let count):
                lastProgress = loop.now
                output.consume(count)
            case .wouldBlock, .ended:
                updateInterest()
                return
            case .failed(let error):
                // The writer is in the middle of something: it hears of it at the end of the turn.
                output = ByteQueue()
                loop.later { [self] in fail(error) }
                return
            }
        }
        updateInterest()
    }

    /// Sends at the end of this turn of the loop: many small writes become one system call.
    package func flushSoon() {
        if isFlushPlanned || !isOpen { return }
        isFlushPlanned = true
        loop.later { [self] in
            isFlushPlanned = false
            flush()
            if isOpen, output.isEmpty { onDrained?() }
        }
    }

    /// Ends our direction once everything has been sent; BEFORE this flush.
    package func shutdownSending() { if isOpen { Sockets.shutdownSending(fd) } }

    /// Closes at once; what was not sent is lost.
    package func close() {
        guard isOpen else { return }
        watch?.cancel()
        watch = nil
        Sockets.close(fd)
        fd = -1
        output = ByteQueue()
        addUp()
        onInput = nil
        onFailure = nil
        onDrained = nil
    }

    /// Gives the descriptor to somebody else, with what was received and not read; this stream is then closed.
    package func release() -> (fd: Int32, input: ByteQueue) {
        let released = fd
        watch?.cancel()
        watch = nil
        fd = -1
        output = ByteQueue()
        addUp()
        onInput = nil
        onFailure = nil
        onDrained = nil
        return (released, input)
    }

    /// Looks without waiting whether the other side ended or sent something: what a pool asks before it uses a connection again.
    package func isQuiet() -> Bool {
        guard isOpen, input.isEmpty, !isInputEnded else { return false }
        receive()
        return isOpen && input.isEmpty && !isInputEnded
    }

    private func updateInterest() {
        guard isOpen else { return }
        var interest: EventLoop.Interest = isReading && !isInputEnded ? .read : .none
        if isConnecting || !output.isEmpty { interest.insert(.write) }
        watch?.update(interest)
    }

    private func handle(_ readiness: EventLoop.Readiness) {
        if isConnecting {
            guard readiness.isWritable else { return }
            if let error = Sockets.pendingError(fd) { return fail(error) }
            isConnecting = false
            updateInterest()
            flush()
            if output.isEmpty { onDrained?() }
            return
        }
        if readiness.isReadable {
            let before = input.count
            let wasEnded = isInputEnded
            receive()
            if isOpen, input.count != before || isInputEnded != wasEnded { onInput?() }
            // A reset with reading paused would be reported for ever.
            if isOpen, readiness.isError || (readiness.isHungUp && wasEnded) {
                return fail(Sockets.pendingError(fd) ?? LinuxError(errno: Self.connectionReset, operation: "receive"))
            }
        }
        if isOpen, readiness.isWritable, !output.isEmpty {
            flush()
            if isOpen, output.isEmpty { onDrained?() }
        }
    }

    private func receive() {
        for _ in 0..<Self.readRoundLimit {
            var result = Sockets.Transfer.wouldBlock
            let fd = fd
            let count = input.fill(room: readRoom) { room in
                result = Sockets.receive(fd, into: room)
                if case .bytes(let count) = result { return count }
                return 0
            }
            switch result {
            case .bytes:
                lastProgress = loop.now
                if count < readRoom {
                    readRoom = Self.leastReadRoom
                    return
                }
                readRoom = min(readRoom * 4, Self.mostReadRoom)
            case .wouldBlock: return
            case .ended:
                isInputEnded = true
                updateInterest()
                return
            case .failed(let error): return fail(error)
            }
        }
    }

    private func fail(_ error: LinuxError) {
        guard isOpen else { return }
        let report = onFailure
        close()
        report?(error)
    }

    /// ECONNRESET.
    private static let connectionReset: Int32 = 104
}

/// The bytes that streams have written and not sent, together.
package final class UnsentBytes {
    package fileprivate(set) var count = 0
    package init() {}
}
