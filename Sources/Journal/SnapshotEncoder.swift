import Linux

/// The state at a revision, as records that are made while they are written.
package struct JournalSnapshot: Sendable {
    package let revision: UInt64
    package let count: Int
    /// When it was taken, in seconds since 1970; 0: not known.
    package let time: Int64
    package let record: @Sendable (Int) -> JournalRecord

    package init(revision: UInt64, count: Int, time: Int64 = 0, record: @escaping @Sendable (Int) -> JournalRecord) {
        self.revision = revision
        self.count = count
        self.time = time
        self.record = record
    }
}

/// Makes a snapshot's bytes piece by piece: the same for the journal's own, for copies and for the wire.
package struct SnapshotEncoder: Sendable {
    package let snapshot: JournalSnapshot
    private let contentVersion: UInt32
    private var next = 0
    private var hasHeader = false

    package init(_ snapshot: JournalSnapshot, contentVersion: UInt32) {
        self.snapshot = snapshot
        self.contentVersion = contentVersion
    }

    package var isDone: Bool { hasHeader && next == snapshot.count }

    /// At least one record more, and then as many as `byteCount` has room for; empty when all are given.
    package mutating func bytes(_ byteCount: Int) -> [UInt8] {
        var out: [UInt8] = []
        if !hasHeader {
            hasHeader = true
            out = JournalFormat.bytes(
                of: .init(
                    kind: .snapshot, contentVersion: contentVersion, revision: snapshot.revision, recordCount: UInt64(snapshot.count),
                    time: snapshot.time))
        }
        while next < snapshot.count, out.count < byteCount {
            JournalFormat.append(snapshot.record(next), durableThrough: 0, to: &out)
            next += 1
        }
        return out
    }
}

/// Where a snapshot goes.
package enum SnapshotDestination: Sendable {
    /// Into the journal's own directory, where it replaces what is older.
    case journal
    /// A copy for bad days, elsewhere; AFTER it is durable the oldest copies beyond `keep` are removed.
    case copy(any JournalDisk, name: String, keep: Int)

    package var isCopy: Bool { if case .copy = self { true } else { false } }
}

/// A snapshot on its way into a file: under a temporary name until it is whole and on disk.
struct SnapshotWriting {
    private var encoder: SnapshotEncoder
    let destination: SnapshotDestination
    private let disk: any JournalDisk
    private let name: String
    private let file: any JournalFile
    private(set) var byteCount = 0
    private var isClosed = false

    static let temporarySuffix = ".tmp"

    init(_ snapshot: JournalSnapshot, contentVersion: UInt32, to destination: SnapshotDestination, journal: any JournalDisk)
        throws(LinuxError)
    {
        encoder = SnapshotEncoder(snapshot, contentVersion: contentVersion)
        self.destination = destination
        switch destination {
        case .journal:
            disk = journal
            name = JournalNames.snapshot(snapshot.revision)
        case .copy(let other, let name, _):
            disk = other
            self.name = name
        }
        file = try disk.open(Self.temporary(destination, name), truncating: true)
    }

    private static func temporary(_ destination: SnapshotDestination, _ name: String) -> String {
        destination.isCopy ? name + temporarySuffix : JournalNames.temporary
    }

    private var temporary: String { Self.temporary(destination, name) }
    var revision: UInt64 { encoder.snapshot.revision }

    /// Writes the next part; true when it is whole, durable and has its name.
    mutating func step(_ stepByteCount: Int) throws(LinuxError) -> Bool {
        let bytes = encoder.bytes(stepByteCount)
        if !bytes.isEmpty { try file.write(bytes, at: byteCount) }
        byteCount += bytes.count
        guard encoder.isDone else { return false }
        try file.synchronize()
        try disk.rename(temporary, to: name)
        try disk.synchronize()
        file.close()
        isClosed = true
        if case .copy(let disk, _, let keep) = destination { SnapshotCopies.removeOldest(of: disk, keep: keep) }
        return true
    }

    func abandon() {
        if isClosed { return }
        file.close()
        try? disk.remove(temporary)
    }
}

/// Names of the copies that are made on a schedule.
package enum SnapshotCopies {
    private static let prefix = "snapshot-"
    private static let suffix = ".steady"

    /// - Parameter time: of the form `2026-01-31T12:00:00Z`; names sort as their times do.
    package static func name(time: String, revision: UInt64) -> String {
        prefix + time.split(separator: ":").joined(separator: "-") + "-r\(revision)" + suffix
    }

    /// The time in a name, as it was given; nil when it is none of ours.
    package static func time(of name: String) -> String? {
        guard name.hasPrefix(prefix), name.hasSuffix(suffix) else { return nil }
        // 2026-01-31T12-00-00Z
        let text = Array(name.dropFirst(prefix.count).prefix(20))
        guard text.count == 20 else { return nil }
        return String(text[..<13]) + ":" + String(text[14..<16]) + ":" + String(text[17...])
    }

    /// Oldest first.
    package static func names(_ disk: any JournalDisk) throws(LinuxError) -> [String] {
        // Of one second the shorter revision is the earlier.
        try disk.names().filter { $0.hasPrefix(prefix) && $0.hasSuffix(suffix) }.sorted {
            (time(of: $0) ?? "", $0.utf8.count, $0) < (time(of: $1) ?? "", $1.utf8.count, $1)
        }
    }

    /// What cannot be removed now is removed after the next copy. Temporary files of copies that were cut off go, too.
    static func removeOldest(of disk: any JournalDisk, keep: Int) {
        let names = (try? names(disk)) ?? []
        for name in names.dropLast(max(1, keep)) { try? disk.remove(name) }
        for name in (try? disk.names()) ?? [] where name.hasPrefix(prefix) && name.hasSuffix(suffix + SnapshotWriting.temporarySuffix) {
            try? disk.remove(name)
        }
    }
}
