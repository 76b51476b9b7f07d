import Linux
import Wire

/// One of the two ways through a flow: what comes from one side goes to the other, and at last the end.
///
/// Single messages are copied, which takes one call to receive and one to send. A stream passes through a pipe without being copied, which takes
/// more calls and less work for every byte.
struct FlowDirection {
    /// So many receives in a row that filled the whole buffer make a stream.
    private static let fullReceivesOfStream = 2
    /// Whoever brings less in a turn is no stream any more.
    private static let leastOfStream = 32 * 1024
    /// Fillings of a pipe before others get their turn: about as much as is copied in one.
    private static let fillLimit = Dataplane.turnLimit * ByteChannel.receiveLimit / SplicePipe.fillLimit

    private var fullReceiveCount = 0
    /// While bytes are in it.
    private var pipe: SplicePipe?

    /// Bytes that are on their way between the two channels.
    var bufferedByteCount: Int { pipe?.count ?? 0 }
    private var isStream: Bool { fullReceiveCount >= Self.fullReceivesOfStream }

    /// Passes on what there is. True when there may be more, but others come first.
    mutating func pass(from: ByteChannel, to: ByteChannel, _ plane: Dataplane) -> Bool {
        let isCut = isStream && from.input.isEmpty ? stream(from, to, plane) : copy(from, to, plane)
        // A broken connection has no end that could be passed on: it would come BEFORE the reset, and who reads takes half for all.
        guard from.hasEnded, from.failure == nil, from.input.isEmpty, pipe == nil else { return isCut }
        to.flush()
        if to.output.isEmpty { to.shutSending() }
        return false
    }

    private mutating func copy(_ from: ByteChannel, _ to: ByteChannel, _ plane: Dataplane) -> Bool {
        var receiveCount = 0
        while true {
            if to.output.count >= Flow.bufferLimit { to.flush() }
            if to.output.count >= Flow.bufferLimit || to.failure != nil { break }
            receiveCount += 1
            if receiveCount > Dataplane.turnLimit {
                to.flushAtTurnEnd()
                return true
            }
            if !from.input.isEmpty {
                from.input.move(from.input.count, to: &to.output)
                continue
            }
            let before = from.progressCount
            guard from.receive(plane.scratch, for: to) else { break }
            fullReceiveCount = from.progressCount &- before == ByteChannel.receiveLimit ? fullReceiveCount + 1 : 0
            if isStream {
                to.flushAtTurnEnd()
                return true
            }
        }
        to.flushAtTurnEnd()
        return false
    }

    private mutating func stream(_ from: ByteChannel, _ to: ByteChannel, _ plane: Dataplane) -> Bool {
        // What was copied before goes first.
        to.flush()
        guard to.output.isEmpty, to.failure == nil else { return false }
        guard let pipe = pipe ?? plane.pipes.take() else {
            fullReceiveCount = 0
            return copy(from, to, plane)
        }
        self.pipe = pipe
        let before = from.progressCount
        var fillCount = 0
        var hasMore = true
        while hasMore {
            to.flush(pipe)
            // Until it is taken, nothing more is received.
            if !pipe.isEmpty { return false }
            if fillCount == Self.fillLimit { break }
            fillCount += 1
            do throws(LinuxError) { hasMore = try from.receive(into: pipe) } catch {
                plane.pipes.limit = 0
                giveBack(to: plane.pipes)
                return copy(from, to, plane)
            }
        }
        giveBack(to: plane.pipes)
        let passed = from.progressCount &- before
        if passed > 0, passed < Self.leastOfStream { fullReceiveCount = 0 }
        // Whether there is really no more, or the end, only a receive tells: an urgent byte stops a pipe for good.
        return hasMore || copy(from, to, plane)
    }

    /// The flow is over, or nothing is in the pipe.
    mutating func giveBack(to pipes: PipePool) {
        if let pipe { pipes.giveBack(pipe) }
        pipe = nil
    }
}
