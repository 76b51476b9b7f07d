import Linux

/// Reads the log of one run in order, a bounded piece at a time, also while it grows and is rotated.
///
/// The place is a descriptor and an offset: a file that is renamed under a reader is read to its end, and its successor is found by what bears the
/// next name. Who falls behind by more pieces than are kept misses what was removed.
final class LogReader {
    /// Bytes read at once: more than the longest entry, which is one read of the output pipe and its stamp.
    static let chunkSize = 128 << 10

    private let path: String
    private var file: Int32 = -1
    private var offset: Int64 = 0
    /// Where a reader that does not follow stops, so that a program that prints faster than it reads cannot keep it for ever.
    private let end: (file: FileIdentity, size: Int64)?
    /// What is left of the search for the last lines.
    private var seek: Seek?
    private var buffer = [UInt8](repeating: 0, count: LogReader.chunkSize)

    private struct Seek {
        var linesLeft: Int
        var isAtVeryEnd = true
    }

    /// `tail`: begin that many lines before the end. `endsHere`: what is written from now on is not read.
    init(_ path: String, tail: Int?, endsHere: Bool) {
        self.path = path
        end = endsHere ? FileIdentity.of(path).map { ($0, Files.size(path)) } : nil
        guard let tail else { return }
        // From the back: the newest piece first.
        file = (try? Files.openForReading(path)) ?? -1
        offset = file < 0 ? 0 : Files.size(path)
        if tail > 0 { seek = Seek(linesLeft: tail) }
    }

    deinit { if file >= 0 { closeDescriptor(file) } }

    /// One step of the search for the beginning; true while another is needed. BEFORE the first `next`.
    func seekFurther() -> Bool {
        guard var seek, file >= 0 else { return false }
        if offset == 0 {
            guard let before = neighbour(-1) else { return finishSeeking() }
            move(to: before)
            offset = Files.size(of: file)
            return true
        }
        let start = max(0, offset - Int64(Self.chunkSize))
        let count = Files.read(file, at: start, into: &buffer, upTo: Int(offset - start))
        guard count > 0 else { return finishSeeking() }
        // An entry that begins before this chunk is looked at with the next one.
        var first = 0
        if start > 0 { first = (buffer[..<count].firstIndex(of: LogEntry.newline) ?? count - 1) + 1 }
        guard first < count else { return finishSeeking() }
        var stop = count
        while stop > first {
            let from = (buffer[first..<(stop - 1)].lastIndex(of: LogEntry.newline) ?? first - 1) + 1
            if LogEntry.isWhole(buffer[from..<stop]) || seek.isAtVeryEnd {
                if seek.linesLeft == 0 {
                    offset = start + Int64(stop)
                    return finishSeeking()
                }
                seek.linesLeft -= 1
            }
            seek.isAtVeryEnd = false
            stop = from
        }
        offset = start + Int64(first)
        self.seek = seek
        return true
    }

    private func finishSeeking() -> Bool {
        seek = nil
        return false
    }

    /// The next whole entries; nil when there are no more for now.
    func next() -> ArraySlice<UInt8>? {
        while true {
            if file < 0 {
                guard let oldest = ContainerLog.pieces(path).first(where: { Files.exists($0) }) else { return nil }
                move(to: oldest)
                if file < 0 { return nil }
            }
            let room = end.map { $0.file == FileIdentity.of(file) ? Int(max(0, $0.size - offset)) : Self.chunkSize } ?? Self.chunkSize
            let count = Files.read(file, at: offset, into: &buffer, upTo: min(room, Self.chunkSize))
            if count > 0, let last = buffer[..<count].lastIndex(of: LogEntry.newline) {
                offset += Int64(last + 1)
                return buffer[...last]
            }
            if room == 0 { return nil }
            guard let next = neighbour(1) else { return nil }
            move(to: next)
        }
    }

    /// The piece before or after the one being read; by identity, since its name may have changed.
    private func neighbour(_ step: Int) -> String? {
        let pieces = ContainerLog.pieces(path).filter { Files.exists($0) }
        let here = FileIdentity.of(file)
        guard let index = pieces.firstIndex(where: { FileIdentity.of($0) == here }) else {
            // Rotated out while it was read: what follows is the oldest that is left.
            return step > 0 ? pieces.first : nil
        }
        return pieces.indices.contains(index + step) ? pieces[index + step] : nil
    }

    private func move(to piece: String) {
        if file >= 0 { closeDescriptor(file) }
        file = (try? Files.openForReading(piece)) ?? -1
        offset = 0
    }
}

/// One line of a log file: `TIME stdout F text`, where TIME has the same length always.
enum LogEntry {
    static let newline = UInt8(ascii: "\n")
    /// `2026-11-21T08:47:37.167347880Z`.
    static let timeLength = 30
    /// Behind the time and ` stdout `: `F` for a whole line, `P` for a part that goes on in the next entry.
    static let tagOffset = timeLength + 8
    static let textOffset = tagOffset + 2

    /// Whether a line ends with it.
    static func isWhole(_ entry: ArraySlice<UInt8>) -> Bool {
        entry.count > tagOffset && entry[entry.startIndex + tagOffset] == UInt8(ascii: "F")
    }
}
