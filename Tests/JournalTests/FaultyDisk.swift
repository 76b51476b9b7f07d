import Journal
import Linux
import Synchronization
import Timing

/// A disk in memory that behaves as Linux does at its worst, and fails when it is told to.
///
/// Files live in a page cache; fsync brings their dirty pages to the disk. One that fails brings some of them there and calls all of them clean: the
/// next one succeeds and writes nothing. Names are made durable by an fsync of the directory alone, which fails in the same way. A power cut leaves any dirty page and any first
/// part of the new names behind.
final class FaultyDisk: JournalDisk, @unchecked Sendable {
    /// Small, so that a record spans several.
    static let pageSize = 32

    struct File {
        /// What processes see.
        var bytes: [UInt8] = []
        var onDisk: [UInt8] = []
        var dirty: Set<Int> = []
        var isSizeDirty = false

        mutating func put(_ new: ArraySlice<UInt8>, at offset: Int) {
            if bytes.count < offset + new.count { bytes += [UInt8](repeating: 0, count: offset + new.count - bytes.count) }
            bytes.replaceSubrange(offset..<(offset + new.count), with: new)
            if !new.isEmpty { dirty.formUnion(offset / pageSize...(offset + new.count - 1) / pageSize) }
        }

        mutating func bring(_ page: Int) {
            let range = page * pageSize..<min((page + 1) * pageSize, bytes.count)
            guard !range.isEmpty else { return }
            if onDisk.count < range.upperBound { onDisk += [UInt8](repeating: 0, count: range.upperBound - onDisk.count) }
            onDisk.replaceSubrange(range, with: bytes[range])
        }

        mutating func bringSize() {
            onDisk = Array(onDisk.prefix(bytes.count))
            onDisk += [UInt8](repeating: 0, count: bytes.count - onDisk.count)
        }
    }

    enum NameChange {
        case link(String, Int)
        case unlink(String)
    }

    struct State {
        var files: [Int: File] = [:]
        var names: [String: Int] = [:]
        var durableNames: [String: Int] = [:]
        /// Changes of names that no fsync has brought to the disk yet.
        var changes: [NameChange] = []
        var isDirectoryDirty = false
        /// Operations that can fail, counted from 0.
        var operationCount = 0
        /// What fails, and how.
        var failing: (Int, _ operation: String) -> Bool = { _, _ in false }
        var errno: Int32 = 5
        var random = SeededRandom(seed: 1)

        mutating func change(_ change: NameChange) {
            changes.append(change)
            isDirectoryDirty = true
            Self.apply(change, to: &names)
        }

        static func apply(_ change: NameChange, to names: inout [String: Int]) {
            switch change {
            case .link(let name, let file): names[name] = file
            case .unlink(let name): names[name] = nil
            }
        }

        /// - Parameter keeps: whether a thing that was not durable reached the disk nevertheless.
        func afterPowerCut(_ keeps: (inout SeededRandom) -> Bool, seed: UInt64) -> [String: [UInt8]] {
            var random = SeededRandom(seed: seed)
            var names = durableNames
            for change in changes {
                guard keeps(&random) else { break }
                Self.apply(change, to: &names)
            }
            return names.mapValues { number in
                var file = files[number] ?? File()
                if file.isSizeDirty, keeps(&random) { file.bringSize() }
                for page in file.dirty.sorted() where keeps(&random) { file.bring(page) }
                return file.onDisk
            }
        }
    }

    let path = "/disk"
    /// Touched under the lock only.
    private var guarded: State
    private let lock = Mutex(())

    init(files: [String: [UInt8]] = [:], seed: UInt64 = 1) {
        guarded = State()
        for (number, name) in files.keys.sorted().enumerated() {
            guarded.files[number] = File(bytes: files[name]!, onDisk: files[name]!)
            guarded.names[name] = number
        }
        guarded.durableNames = guarded.names
        guarded.random = SeededRandom(seed: seed)
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

    /// - Parameter failing: sees each operation's number and its name (`fdatasync segment-…`).
    func fail(errno: Int32 = 5, _ failing: @escaping @Sendable (Int, String) -> Bool) {
        withState {
            $0.failing = failing
            $0.errno = errno
        }
    }

    func fail(errno: Int32 = 5, _ failing: @escaping @Sendable (Int) -> Bool) { fail(errno: errno) { number, _ in failing(number) } }
    func work() { fail { _ in false } }

    var operationCount: Int { withState { $0.operationCount } }
    /// What a process finds that starts after this one was killed.
    var writtenFiles: [String: [UInt8]] { withState { state in state.names.mapValues { state.files[$0]!.bytes } } }
    /// What a machine finds that lost its power now, where nothing got to the disk that did not have to.
    var durableFiles: [String: [UInt8]] { withState { $0.afterPowerCut({ _ in false }, seed: 0) } }
    /// The same where some of it did.
    func filesAfterPowerCut(seed: UInt64) -> [String: [UInt8]] {
        withState { $0.afterPowerCut({ $0.next() & 1 == 0 }, seed: seed) }
    }

    fileprivate func operate(_ name: String, _ body: (inout State) -> Void, failing: (inout State) -> Void = { _ in }) throws(LinuxError) {
        let error: LinuxError? = withState { state in
            let number = state.operationCount
            state.operationCount += 1
            if state.failing(number, name) {
                failing(&state)
                return LinuxError(errno: state.errno, operation: name)
            }
            body(&state)
            return nil
        }
        if let error { throw error }
    }

    func names() throws(LinuxError) -> [String] { withState { $0.names.keys.sorted() } }
    func read(_ name: String) throws(LinuxError) -> [UInt8] {
        withState { state in state.names[name].map { state.files[$0]!.bytes } ?? [] }
    }

    func open(_ name: String, truncating: Bool) throws(LinuxError) -> any JournalFile {
        try operate("open \(name)") { state in
            guard truncating else { return }
            if let number = state.names[name] {
                state.files[number]!.bytes = []
                state.files[number]!.dirty = []
                state.files[number]!.isSizeDirty = true
            } else {
                let number = state.files.count
                state.files[number] = File()
                state.change(.link(name, number))
            }
        }
        return OpenFile(disk: self, number: withState { $0.names[name] ?? -1 }, name: name)
    }

    func rename(_ name: String, to newName: String) throws(LinuxError) {
        try operate("rename \(name)") { state in
            guard let number = state.names[name] else { return }
            state.change(.link(newName, number))
            state.change(.unlink(name))
        }
    }

    func remove(_ name: String) throws(LinuxError) {
        try operate("remove \(name)") { if $0.names[name] != nil { $0.change(.unlink(name)) } }
    }

    func synchronize() throws(LinuxError) {
        try operate("fsync") { state in
            guard state.isDirectoryDirty else { return }
            state.durableNames = state.names
            state.changes = []
            state.isDirectoryDirty = false
        } failing: {
            // As for pages: clean until the next change.
            $0.isDirectoryDirty = false
        }
    }

    struct OpenFile: JournalFile {
        let disk: FaultyDisk
        let number: Int
        let name: String

        func write(_ bytes: [UInt8], at offset: Int) throws(LinuxError) {
            try disk.operate("write \(name)") {
                $0.files[number]?.put(bytes[...], at: offset)
            } failing: {
                // A write that fails may have got half way.
                $0.files[number]?.put(bytes[..<(bytes.count / 2)], at: offset)
            }
        }

        func synchronize() throws(LinuxError) {
            try disk.operate("fdatasync \(name)") { state in
                state.files[number]?.bringSize()
                for page in state.files[number]?.dirty ?? [] { state.files[number]?.bring(page) }
                state.files[number]?.dirty = []
                state.files[number]?.isSizeDirty = false
            } failing: { state in
                for page in (state.files[number]?.dirty ?? []).sorted() where state.random.next() & 1 == 0 {
                    state.files[number]?.bring(page)
                }
                state.files[number]?.dirty = []
            }
        }

        func truncate(to size: Int) throws(LinuxError) {
            try disk.operate("truncate \(name)") { state in
                guard var file = state.files[number] else { return }
                let kept = file.bytes.prefix(size)
                file.bytes = Array(kept) + [UInt8](repeating: 0, count: size - kept.count)
                // The kernel clears the rest of the last page itself.
                if size % FaultyDisk.pageSize != 0 { file.dirty.insert(size / FaultyDisk.pageSize) }
                file.dirty = file.dirty.filter { $0 * FaultyDisk.pageSize < size }
                file.isSizeDirty = true
                state.files[number] = file
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

func open(
    _ disk: any JournalDisk, settings: JournalSettings = smallSettings, reached: ReachedNote? = nil
) throws -> (recovered: RecoveredJournal, writer: JournalWriter) {
    try Journals.open(disk, contentVersion: 1, settings: settings, reached: reached)
}

extension ReachedNote {
    /// On the disk of its journal, so that both fail and lose their power together.
    init(beside disk: any JournalDisk) { self.init(on: disk, name: "reached") }
}
