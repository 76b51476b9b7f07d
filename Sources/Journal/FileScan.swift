/// What stands in one file: its whole records up to the end or to the first place where none stands that should.
struct FileScan {
    var records: [JournalFormat.Found] = []
    /// Where the next record goes.
    var end = JournalFormat.headerSize
    /// There are bytes behind `end`, and behind the mark that may stand there, which are no whole record.
    var tornByteCount = 0
    /// A mark stands at `end`: all before it was durable when it was written, and nothing was acknowledged since, for the next write begins where it stands.
    var hasMark = false
    /// There are records behind `end` that prove that something else was durable there once: the offset of the first of them.
    var provenLater: Int?

    /// - Parameter bytes: the whole file, header included.
    init(_ bytes: [UInt8]) {
        while let record = JournalFormat.record(in: bytes, at: end), records.last.map({ record.revision > $0.revision }) ?? true {
            records.append(record)
            end = record.end
        }
        let mark = records.isEmpty ? nil : JournalFormat.mark(in: bytes, at: end)
        hasMark = mark != nil
        let tail = mark?.end ?? end
        guard let last = bytes.lastIndex(where: { $0 != 0 }), last >= tail else { return }
        tornByteCount = last + 1 - tail
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
