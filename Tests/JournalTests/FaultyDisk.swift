import Journal
import Linux
import Synchronization

/// A disk in memory that knows what an fsync made durable and fails when it is told to.
final class FaultyDisk: JournalDisk, @unchecked Sendable {
    struct File {
        var bytes: [UInt8] = []
        var durable: [UInt8] = []
    }

    struct State {
        var files: [String: File] = [:]
        /// Operations that can fail, counted from 0.
        var operationCount = 0
        /// The operations that fail.
        var failing: (Int) -> Bool = { _ in false }
        var errno: Int32 = 5
    }

    let path = "/disk"
    /// Touched under the lock only.
    private var guarded: State
    private let lock = Mutex(())

    init(files: [String: [UInt8]] = [:]) {
        guarded = State(files: files.mapValues { File(bytes: $0, durable: $0) })
    }

    private func withState<R>(_ body: (inout State) -> R) -> R {
        lock.withLock { _ in
            nonisolated(unsafe) let result = body(&guarded); return Box(result)
        }.value
    }

    private struct Box<R>: @unchecked Sendable {
        let value: R
        init(_ value: R) { self.value = value }
    }

    func fail(errno: Int32 = 5, _ failing: @escaping @Sendable (Int) -> Bool) {
        withState {
            $0.failing = failing
            $0.errno = errno
        }
    }

    var operationCount: Int { withState { $0.operationCount } }
    /// What a process finds that starts after this one was killed.
    var writtenFiles: [String: [UInt8]] { withState { $0.files.mapValues(\.bytes) } }
    /// What a machine finds at worst that lost its power now.
    var durableFiles: [String: [UInt8]] { withState { $0.files.mapValues(\.durable) } }

    fileprivate func operate<R>(_ name: String, _ body: (inout State) -> R, failing: (inout State) -> Void = { _ in }) throws(LinuxError)
        -> R
    {
        let result: Result<R, LinuxError> = withState { state in
            let number = state.operationCount
            state.operationCount += 1
            if state.failing(number) {
                failing(&state)
                return .failure(LinuxError(errno: state.errno, operation: name))
            }
            return .success(body(&state))
        }
        return try result.get()
    }

    func names() throws(LinuxError) -> [String] { withState { $0.files.keys.sorted() } }
    func read(_ name: String) throws(LinuxError) -> [UInt8] { withState { $0.files[name]?.bytes ?? [] } }

    func open(_ name: String, truncating: Bool) throws(LinuxError) -> any JournalFile {
        try operate("open \(name)") { if truncating { $0.files[name] = File() } }
        return OpenFile(disk: self, name: name)
    }

    func rename(_ name: String, to newName: String) throws(LinuxError) {
        try operate("rename \(name)") { $0.files[newName] = $0.files.removeValue(forKey: name) }
    }

    func remove(_ name: String) throws(LinuxError) { try operate("remove \(name)") { $0.files[name] = nil } }
    func synchronize() throws(LinuxError) { try operate("fsync") { _ in } }

    struct OpenFile: JournalFile {
        let disk: FaultyDisk
        let name: String

        func write(_ bytes: [UInt8], at offset: Int) throws(LinuxError) {
            try disk.operate("write \(name)") {
                Self.put(bytes[...], at: offset, into: &$0.files[name, default: File()].bytes)
            } failing: {
                // A write that fails may have got half way.
                Self.put(bytes[..<(bytes.count / 2)], at: offset, into: &$0.files[name, default: File()].bytes)
            }
        }

        private static func put(_ bytes: ArraySlice<UInt8>, at offset: Int, into file: inout [UInt8]) {
            if file.count < offset + bytes.count { file += [UInt8](repeating: 0, count: offset + bytes.count - file.count) }
            file.replaceSubrange(offset..<(offset + bytes.count), with: bytes)
        }

        func synchronize() throws(LinuxError) {
            try disk.operate("fdatasync \(name)") {
                let bytes = $0.files[name]?.bytes ?? []
                $0.files[name]?.durable = bytes
            } failing: {
                // One that fails may have made some of it durable, here the first half.
                guard let file = $0.files[name] else { return }
                var durable = file.durable
                let reached = (file.durable.count + file.bytes.count) / 2
                if reached <= file.bytes.count, reached > durable.count { durable += file.bytes[durable.count..<reached] }
                $0.files[name]?.durable = durable
            }
        }

        func truncate(to size: Int) throws(LinuxError) {
            try disk.operate("truncate \(name)") { state in
                guard var bytes = state.files[name]?.bytes else { return }
                bytes = Array(bytes.prefix(size))
                bytes += [UInt8](repeating: 0, count: size - bytes.count)
                state.files[name]?.bytes = bytes
            }
        }

        func reserve(_ count: Int, from offset: Int) throws(LinuxError) { try disk.operate("reserve \(name)") { _ in } }
        func close() {}
    }
}

func record(_ revision: UInt64, _ text: String = "") -> JournalRecord {
    JournalRecord(revision: revision, head: Array("\(revision) ".utf8), body: Array(text.utf8))
}

extension RecoveredJournal {
    var revisions: [UInt64] { records.map(\.revision) }
    var texts: [String] { records.map { String(decoding: $0.payload, as: UTF8.self) } }
}

/// Small enough that every test changes segments and lays out space more than once.
let smallSettings = JournalSettings(segmentLimit: 600, allocationStep: 256, snapshotStep: 64)

func open(_ disk: any JournalDisk, settings: JournalSettings = smallSettings) throws -> (recovered: RecoveredJournal, writer: JournalWriter)
{
    try Journals.open(disk, contentVersion: 1, settings: settings)
}
