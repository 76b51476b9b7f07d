/// A snapshot's file as it was read: every checksum holds, and all of it is there.
package struct SnapshotFile: Sendable {
    package let revision: UInt64
    /// The versions of the layout and of what the records hold.
    package let layoutVersion: UInt32
    package let contentVersion: UInt32
    /// When it was taken, in seconds since 1970; 0: not known.
    package let time: Int64
    package let byteCount: Int
    package let records: [(revision: UInt64, payload: [UInt8])]

    /// - Parameters:
    ///   - path: for the error.
    ///   - contentVersion: the newest content that the caller understands.
    package init(_ bytes: [UInt8], path: String, contentVersion: UInt32) throws(JournalError) {
        guard let header = JournalFormat.header(of: bytes), header.kind == .snapshot else {
            throw .damaged(path, offset: 0, "this is not the header of a snapshot")
        }
        try header.check(path: path, contentVersion: contentVersion)
        var at = JournalFormat.headerSize
        var records: [(revision: UInt64, payload: [UInt8])] = []
        // A damaged count cannot be met: the header has a checksum. A record has at least its header's size.
        records.reserveCapacity(min(Int(clamping: header.recordCount), bytes.count / JournalFormat.recordHeaderSize))
        for index in 0..<header.recordCount {
            guard let record = JournalFormat.record(in: bytes, at: at) else {
                throw .damaged(
                    path, offset: at,
                    at + JournalFormat.recordHeaderSize > bytes.count
                        ? "the file ends here, before record \(index + 1) of \(header.recordCount)"
                        : "record \(index + 1) of \(header.recordCount) is damaged")
            }
            records.append((record.revision, Array(bytes[record.payload])))
            at = record.end
        }
        guard bytes.count <= at else { throw .damaged(path, offset: at, "\(bytes.count - at) bytes follow the last record") }
        revision = header.revision
        layoutVersion = header.layoutVersion
        self.contentVersion = header.contentVersion
        time = header.time
        byteCount = bytes.count
        self.records = records
    }
}

extension JournalFormat.Header {
    /// Newer reads older; older refuses newer by name.
    func check(path: String, contentVersion: UInt32) throws(JournalError) {
        guard layoutVersion <= JournalFormat.layoutVersion, self.contentVersion <= contentVersion else {
            throw JournalError(
                path: path,
                problem:
                    "it was written by a newer Steady (format \(layoutVersion).\(self.contentVersion); this one reads up to \(JournalFormat.layoutVersion).\(contentVersion))",
                remedy: "Use that version again, or another data directory; nothing was changed")
        }
    }
}
