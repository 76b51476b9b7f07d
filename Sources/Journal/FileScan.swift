/// What stands in one file: its whole records up to the end or to the first place where none stands that should.
struct FileScan {
    var records: [JournalFormat.Found] = []
    /// Where the next record goes.
    var end = JournalFormat.headerSize
    /// There are bytes behind `end` that were never durable: a write that a crash cut off.
    var tornByteCount = 0
    /// There are records behind `end` that prove that something else was durable there once: the offset of the first of them.
    var provenLater: Int?

    /// - Parameter bytes: the whole file, header included.
    init(_ bytes: [UInt8]) {
        while let record = JournalFormat.record(in: bytes, at: end), records.last.map({ record.revision > $0.revision }) ?? true {
            records.append(record)
            end = record.end
        }
        guard let last = bytes.lastIndex(where: { $0 != 0 }), last >= end else { return }
        tornByteCount = last + 1 - end
        // One batch is written with one write and may reach the disk in any order: whole records behind a hole prove nothing by themselves. But
        // each says how far the file was durable before its batch was written, and a batch is written only then.
        var at = end + 8
        while at + JournalFormat.recordHeaderSize <= last + 1 {
            if let record = JournalFormat.record(in: bytes, at: at), record.durableThrough > end, record.durableThrough <= at {
                provenLater = at
                return
            }
            at += 8
        }
    }
}
