import Glibc
import Synchronization

/// A file of lines that a thread of its own writes, so that no disk can hold up whoever has something to say.
///
/// Lines are handed over many at a time, under a lock that is held for as long as it takes to add them. What the disk does not take in time, or at all,
/// is dropped and counted.
package final class LineFile: Sendable {
    /// Bytes that wait for the disk at most; lines beyond it are dropped.
    package static let waitingLimit = 4 << 20
    /// The file is cut here; the older part is kept once, as `.1`.
    package static let fileLimit = 16 << 20

    private struct State {
        var waiting: [UInt8] = []
        var lineCount: UInt64 = 0
        var writtenCount: UInt64 = 0
        var droppedCount: UInt64 = 0
        var isClosing = false
    }

    private let path: String
    private let fileLimit: Int
    private let state = Mutex(State())
    private let bell: Doorbell
    private let thread = Mutex<ThreadHandle?>(nil)

    /// Starts the thread; the file is made by its first lines, for its owner alone.
    package init(_ path: String, fileLimit: Int = LineFile.fileLimit) throws(LinuxError) {
        self.path = path
        self.fileLimit = fileLimit
        bell = try Doorbell()
        let handle = try ThreadHandle.start(name: "steady-lines") { [self] in run() }
        thread.withLock { $0 = handle }
    }

    /// Hands over whole lines.
    package func append(_ lines: [UInt8], lineCount: Int) {
        state.withLock { state in
            if state.waiting.count + lines.count > Self.waitingLimit {
                state.droppedCount += UInt64(lineCount)
            } else {
                state.waiting += lines
                state.lineCount += UInt64(lineCount)
            }
        }
        bell.ring()
    }

    /// Lines that the file has, and lines that it never got.
    package var counts: (written: UInt64, dropped: UInt64) { state.withLock { ($0.writtenCount, $0.droppedCount) } }

    /// Writes what waits, and ends the thread. Nothing may be handed over AFTER.
    package func close() {
        guard let handle = thread.withLock({ $0 }) else { return }
        thread.withLock { $0 = nil }
        state.withLock { $0.isClosing = true }
        bell.ring()
        handle.join()
        bell.close()
    }

    private func run() {
        var file: Int32 = -1
        while true {
            bell.wait()
            let (lines, count, isClosing) = state.withLock { state in
                defer {
                    state.waiting = []
                    state.lineCount = 0
                }
                return (state.waiting, state.lineCount, state.isClosing)
            }
            if !lines.isEmpty {
                let isWritten = write(lines, to: &file)
                state.withLock { state in
                    if isWritten { state.writtenCount += count } else { state.droppedCount += count }
                }
            }
            if isClosing { break }
        }
        if file >= 0 { Glibc.close(file) }
    }

    /// One process at a time: of two that find the file too long, the second must not move the new one over what the first kept.
    private func moveAway() {
        guard let lock = try? FileLock.take(path) else { return }
        defer { lock.release() }
        guard FileIdentity.of(lock.fd) == FileIdentity.of(path), Files.size(of: lock.fd) > fileLimit else { return }
        try? Files.move(path, to: path + ".1")
    }

    private func write(_ lines: [UInt8], to file: inout Int32) -> Bool {
        if Files.size(path) > fileLimit { moveAway() }
        // Moved away, by this process or by another one that writes the same file.
        if file >= 0, FileIdentity.of(file) != FileIdentity.of(path) {
            Glibc.close(file)
            file = -1
        }
        if file < 0 { file = (try? Files.open(path, Files.appending)) ?? -1 }
        guard file >= 0 else { return false }
        return (try? Files.writeAll(lines, to: file, named: path)) != nil
    }
}
