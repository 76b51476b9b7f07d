import Glibc

/// Reads a log that somebody else writes, line by line and each line once, also past its rotation: what was moved aside is read to its end, then
/// the file that stands in its place from its beginning.
///
/// Two rotations between two looks lose the file in the middle. A file that was cut in place is read from its beginning.
package final class LogTail {
    private let path: String
    private var descriptor: Int32 = -1
    private var offset: Int64 = 0
    /// What was read behind the last line's end.
    private var begun: [UInt8] = []

    /// A line is broken here: what has no end is not kept without limit.
    package static let lineLimit = 64 << 10

    private var buffer = [UInt8](repeating: 0, count: 64 << 10)

    /// The file need not be there yet.
    package init(_ path: String) { self.path = path }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Hands over every whole line since the last look, without its end; empty ones are left out. What is begun waits for its end.
    package func look(_ line: (ArraySlice<UInt8>) -> Void) {
        read(line)
        // The descriptor's file may have got more BEFORE it was moved aside: read once more AFTER that was seen.
        guard FileIdentity.of(path) != (descriptor < 0 ? nil : FileIdentity.of(descriptor)), let next = try? Files.openForReading(path)
        else { return }
        read(line)
        finish(line)
        if descriptor >= 0 { close(descriptor) }
        descriptor = next
        offset = 0
        read(line)
    }

    /// Hands over what is begun, as a line.
    package func finish(_ line: (ArraySlice<UInt8>) -> Void) {
        if !begun.isEmpty { line(begun[...]) }
        begun = []
    }

    private func read(_ line: (ArraySlice<UInt8>) -> Void) {
        guard descriptor >= 0 else { return }
        if Files.size(of: descriptor) < offset {
            offset = 0
            begun = []
        }
        while true {
            let count = Files.read(descriptor, at: offset, into: &buffer, upTo: buffer.count)
            guard count > 0 else { return }
            offset += Int64(count)
            var rest = buffer[..<count]
            while let end = rest.firstIndex(of: 10) {
                begun += rest[..<end]
                finish(line)
                rest = rest[(end + 1)...]
            }
            begun += rest
            if begun.count > Self.lineLimit { finish(line) }
        }
    }
}
