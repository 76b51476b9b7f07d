@testable import Journal

extension Property {
    /// Bytes as a file, as they are and with their checksums put right: what is found lies inside and is as it is written again.
    static let journal = Property(name: "journal") { bytes in
        for file in [bytes, mended(bytes)] {
            let scan = FileScan(file)
            for record in scan.records where record.payload.upperBound > file.count || record.end < record.payload.upperBound {
                return "a record lies outside of its file"
            }
            if let header = JournalFormat.header(of: file), JournalFormat.header(of: JournalFormat.bytes(of: header)) != header {
                return "a header that was written is read differently"
            }
            guard let read = try? SnapshotFile(file, path: "f", contentVersion: .max) else { continue }
            let snapshot = JournalSnapshot(revision: read.revision, count: read.records.count, time: read.time) {
                JournalRecord(revision: read.records[$0].revision, head: [], body: read.records[$0].payload)
            }
            var encoder = SnapshotEncoder(snapshot, contentVersion: read.contentVersion)
            var written: [UInt8] = []
            while !encoder.isDone { written += encoder.bytes(100) }
            guard let again = try? SnapshotFile(written, path: "f", contentVersion: .max), again.revision == read.revision,
                again.records.elementsEqual(read.records, by: { $0.revision == $1.revision && $0.payload == $1.payload })
            else { return "a snapshot that was written is read differently" }
        }
        return nil
    }

    /// The same bytes with the checksums that they should have: a mutation would hardly ever meet one by itself.
    private static func mended(_ bytes: [UInt8]) -> [UInt8] {
        guard bytes.count >= JournalFormat.headerSize else { return bytes }
        var out = bytes
        func put(_ sum: UInt32, at offset: Int) {
            for index in 0..<4 { out[offset + index] = UInt8(truncatingIfNeeded: sum >> (8 * index)) }
        }
        put(Checksum.crc32c(Array(out[..<60])), at: 60)
        var at = JournalFormat.headerSize
        while at + JournalFormat.recordHeaderSize <= out.count {
            let length = (0..<4).reduce(0) { $0 | Int(out[at + $1]) << (8 * $1) }
            let end = at + JournalFormat.recordHeaderSize + length
            guard length > 0, end <= out.count else { break }
            put(Checksum.crc32c(Array(out[(at + 8)..<end])), at: at + 4)
            at = (end + 7) / 8 * 8
        }
        return out
    }
}
