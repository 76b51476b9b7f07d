import Linux

/// How far a journal was durable once: a small file outside of its directory, because files that were cut short, or put back as they were earlier, do not
/// tell that themselves.
///
/// Written AFTER the journal is durable up to there, when it rests, stops or has a new segment or snapshot; so a journal goes at least as far, unless somebody
/// took something from it. A note that is gone, damaged or of another form says nothing.
package struct ReachedNote: Sendable {
    private let disk: any JournalDisk
    private let name: String

    /// - Parameter disk: the directory that it stands in; not the journal's own.
    package init(on disk: any JournalDisk, name: String) {
        self.disk = disk
        self.name = name
    }

    /// In a directory of this machine that is there.
    package init(_ path: String) { self.init(on: SystemDisk(existing: Files.directory(of: path)), name: Files.name(of: path)) }

    /// For messages.
    package var path: String { "\(disk.path)/\(name)" }

    /// Of the file that becomes the note; may be left behind.
    private static let temporarySuffix = ".tmp"

    /// The revision; nil where none is noted.
    package func read() throws(LinuxError) -> UInt64? {
        guard try disk.names().contains(name) else { return nil }
        let bytes = try disk.read(name)
        let revision = String(decoding: bytes, as: UTF8.self).split(separator: " ").dropFirst(2).first.flatMap { UInt64($0) }
        return revision.flatMap { Self.text($0) == bytes ? $0 : nil }
    }

    /// Takes effect as a whole. Its name is not made durable: after a power cut the note before it, which is as true, may stand here again.
    func write(_ revision: UInt64) throws(LinuxError) {
        let file = try disk.open(name + Self.temporarySuffix, truncating: true)
        defer { file.close() }
        try file.write(Self.text(revision), at: 0)
        try file.synchronize()
        try disk.rename(name + Self.temporarySuffix, to: name)
    }

    /// For good when it returns: what follows may go less far.
    package func remove() throws(LinuxError) {
        guard try disk.names().contains(name) else { return }
        try disk.remove(name)
        try disk.synchronize()
    }

    /// `journal reached 1234 89abcdef`: the last word is the CRC-32C of what stands before it.
    private static func text(_ revision: UInt64) -> [UInt8] {
        let words = Array("journal reached \(revision) ".utf8)
        let digits = String(Checksum.crc32c(words), radix: 16)
        return words + Array((String(repeating: "0", count: 8 - digits.count) + digits + "\n").utf8)
    }
}
