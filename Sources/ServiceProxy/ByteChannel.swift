import Linux
import Wire

/// Hears that a channel can make progress: bytes can be received or sent, or the other side ended. Called from the loop only.
protocol ChannelOwner: AnyObject {
    func channelIsReady(_ channel: ByteChannel)
}

/// One connection's bytes: a socket, what was received and not read, what was written and not sent.
///
/// It is watched once, edge-triggered in both directions, and remembers what the kernel said: no change of interest, so no system call, in
/// its life. Back-pressure is simply not receiving.
final class ByteChannel: TurnEndListener {
    /// What one `receive` takes at most, so that one busy connection cannot keep the loop to itself.
    static let receiveLimit = 64 * 1024
    /// Output that waits for the end of the turn.
    static let gatheredLimit = 16 * 1024

    private(set) var fd: Int32
    private let loop: EventLoop
    private let spares: SpareBuffers
    private var watch: EventLoop.Watch?
    /// Kept alive until the channel is closed or has another owner.
    var owner: (any ChannelOwner)?

    var input = ByteQueue()
    private var outgoing = ByteQueue()
    /// Gets its memory when something is written.
    var output: ByteQueue {
        _read { yield outgoing }
        _modify {
            spares.lend(to: &outgoing)
            yield &outgoing
        }
    }
    /// Bytes handed to the kernel in this channel's life.
    private(set) var sentByteCount = 0
    /// Grows with every byte in either direction: who saw the same number twice saw a standstill.
    private(set) var progressCount = 0
    private(set) var isConnecting: Bool
    /// The other side will send no more, and everything it sent is in `input`.
    private(set) var hasEnded = false
    /// The connection is broken; nothing goes through any more.
    private(set) var failure: LinuxError?
    /// What the kernel reports first says whether there is anything.
    private var mayReceive = false
    private var maySend: Bool
    /// The kernel announced an end: receiving goes on until it is met.
    private var endIsNear = false
    private(set) var isSendingShut = false
    private var isFlushPlanned = false

    /// Takes the descriptor over.
    ///
    /// - Parameter isHeeded: whether the kernel is asked at once to tell what happens; where not, `heed` comes later, and until then something
    ///   may have arrived.
    init(loop: EventLoop, fd: Int32, spares: SpareBuffers, isConnecting: Bool = false, isHeeded: Bool = true) throws(LinuxError) {
        self.loop = loop
        self.spares = spares
        self.fd = fd
        self.isConnecting = isConnecting
        maySend = !isConnecting
        mayReceive = !isHeeded
        guard isHeeded else { return }
        do throws(LinuxError) { try beginWatching() } catch {
            self.fd = -1
            Sockets.close(fd)
            throw error
        }
    }

    private func beginWatching() throws(LinuxError) {
        watch = try loop.watch(fd, [.read, .write, .edge]) { [unowned self] in self.note($0) }
    }

    /// From here the kernel tells what happens, and first what has happened. AFTER nothing more was there to be received.
    ///
    /// A connection that brings its request along and ends with the answer is never told of, which saves the kernel the trouble.
    func heed() {
        guard watch == nil, isOpen, failure == nil else { return }
        do throws(LinuxError) { try beginWatching() } catch { failure = error }
    }

    deinit { close() }

    var bufferedByteCount: Int { input.count + outgoing.count }
    var isOpen: Bool { fd >= 0 }
    /// Whether the other side said that it is done, though bytes of it may still be unread.
    var isEndAnnounced: Bool { endIsNear || hasEnded }

    private func note(_ readiness: EventLoop.Readiness) {
        if isConnecting {
            guard readiness.isWritable else { return }
            isConnecting = false
            if let error = Sockets.pendingError(fd) {
                failure = error
            } else {
                maySend = true
                mayReceive = readiness.isReadable
            }
        } else {
            if readiness.isReadable { mayReceive = true }
            if readiness.isWritable { maySend = true }
        }
        if readiness.isReadHungUp || readiness.isHungUp || readiness.isError {
            endIsNear = true
            if readiness.isError, failure == nil, let error = Sockets.pendingError(fd) { failure = error }
        }
        owner?.channelIsReady(self)
    }

    /// Takes in what has arrived, through the loop's one buffer. False when nothing new came (yet, or any more).
    func receive(_ scratch: UnsafeMutableRawBufferPointer) -> Bool {
        receive(scratch) {
            spares.lend(to: &input)
            input.append($0)
        }
    }

    /// Takes in what has arrived as another channel's output. BEFORE this `input` must be empty.
    func receive(_ scratch: UnsafeMutableRawBufferPointer, for other: ByteChannel) -> Bool { receive(scratch) { other.write($0) } }

    private func write(_ bytes: UnsafeBufferPointer<UInt8>) {
        spares.lend(to: &outgoing)
        outgoing.append(bytes)
    }

    @inline(__always)
    private func receive(_ scratch: UnsafeMutableRawBufferPointer, _ keep: (UnsafeBufferPointer<UInt8>) -> Void) -> Bool {
        guard isOpen, mayReceive, !hasEnded else { return false }
        switch Sockets.receive(fd, into: scratch) {
        case .bytes(let count):
            // A short read emptied the socket: the next edge tells. Unless an end was announced: that edge is past.
            if count < scratch.count && !endIsNear { mayReceive = false }
            keep(UnsafeBufferPointer(rebasing: UnsafeRawBufferPointer(scratch).bindMemory(to: UInt8.self)[0..<count]))
            progressCount &+= count
            return true
        case let other: return isNews(other)
        }
    }

    /// Notes that there was nothing to be received: true when this is new, and the last there is.
    private func isNews(_ transfer: Sockets.Transfer) -> Bool {
        switch transfer {
        case .bytes: return true
        case .wouldBlock:
            mayReceive = false
            return false
        case .ended: hasEnded = true
        case .failed(let error):
            failure = failure ?? error
            hasEnded = true
        }
        return true
    }

    /// Takes in what has arrived into a pipe. BEFORE this `input` and the pipe must be empty. False when nothing came that way; `receive` says whether
    /// there is anything else, or the end. Throws where it can only be copied.
    func receive(into pipe: SplicePipe) throws(LinuxError) -> Bool {
        guard isOpen, mayReceive, !hasEnded else { return false }
        // However little came, only the socket's own word says that there is no more: a pipe has as many places as there are pieces in it.
        switch try pipe.fill(from: fd) {
        case .bytes(let count):
            progressCount &+= count
            return true
        case .wouldBlock, .ended: return false
        case .failed(let error): return isNews(.failed(error))
        }
    }

    /// Sends what a pipe holds, as far as the kernel takes it. BEFORE this `output` must be empty.
    func flush(_ pipe: SplicePipe) {
        guard isOpen, !isConnecting else { return }
        while maySend, !pipe.isEmpty {
            switch pipe.drain(to: fd) {
            case .bytes(let count):
                sentByteCount += count
                progressCount &+= count
            case .wouldBlock, .ended: waitToSend()
            case .failed(let error):
                failure = failure ?? error
                maySend = false
            }
        }
    }

    /// Sends what the kernel takes. A failure is remembered, what could not be sent is dropped.
    ///
    /// - Parameter isLast: whether sending is shut next, where all of it went: the bytes and the end then go in one segment, which the other side is
    ///   woken for once.
    func flush(isLast: Bool = false) {
        guard isOpen, !isConnecting else { return }
        while maySend, !outgoing.isEmpty {
            let wanted = outgoing.count
            switch outgoing.withBytes({ Sockets.send(fd, $0, isMoreToCome: isLast) }) {
            case .bytes(let count):
                sentByteCount += count
                progressCount &+= count
                outgoing.consume(count)
                if count < wanted { waitToSend() }
            case .wouldBlock, .ended:
                waitToSend()
            case .failed(let error):
                failure = failure ?? error
                maySend = false
                outgoing = ByteQueue()
            }
        }
    }

    /// Nothing is under way: what is empty keeps no memory.
    func giveRoomBack() {
        spares.takeBack(from: &input)
        spares.takeBack(from: &outgoing)
    }

    private func waitToSend() {
        maySend = false
        heed()
    }

    /// Sends at the end of this turn of the loop what is written by then.
    ///
    /// What all channels have to send goes out in a row: the programs on the other side are woken once for several messages, where each message
    /// by itself would wake them again, which costs the sender most of all.
    ///
    /// Long output does not wait: AFTER this there is more than `gatheredLimit` left only where the kernel takes no more for now.
    func flushAtTurnEnd() {
        if outgoing.count >= Self.gatheredLimit { return flush() }
        guard !isFlushPlanned, !outgoing.isEmpty else { return }
        isFlushPlanned = true
        loop.tellTurnEnd(self)
    }

    func turnEnds() {
        isFlushPlanned = false
        guard isOpen else { return }
        let failed = failure
        flush()
        giveRoomBack()
        if failed == nil, failure != nil { owner?.channelIsReady(self) }
    }

    /// Says that nothing more will be sent; BEFORE this everything must have been flushed.
    func shutSending() {
        guard isOpen, !isSendingShut else { return }
        isSendingShut = true
        Sockets.shutdownSending(fd)
    }

    /// Closes at once; what was not sent is lost.
    func close(withReset: Bool = false) {
        guard isOpen else { return }
        watch?.cancelBeforeClosing()
        watch = nil
        owner = nil
        if withReset { Sockets.closeWithReset(fd) } else { Sockets.close(fd) }
        fd = -1
    }
}
