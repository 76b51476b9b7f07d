/// What the journal stores: some bytes under a revision. It does not look into them.
package struct JournalRecord: Sendable {
    package let revision: UInt64
    /// The payload in two parts, so that the larger one need not be copied to be put behind the smaller.
    package let head: [UInt8]
    package let body: [UInt8]

    package init(revision: UInt64, head: [UInt8], body: [UInt8] = []) {
        self.revision = revision
        self.head = head
        self.body = body
    }
}

/// The layout of the files, version 1. All numbers are little-endian.
///
/// A file begins with a header of 64 bytes: magic (8), layout version (4), content version (4), revision (8), record count (8; snapshots), time
/// (8; snapshots, seconds since 1970, 0: unknown), zeros, and in the last 4 the CRC-32C of the first 60. Records follow: payload length (4), CRC-32C of all that follows (4), revision (8), how
/// far the file was durable when the record was written (8), payload, zeros up to the next multiple of 8. Zeros in the place of a record are
/// the end: space is laid out ahead.
///
/// Behind the last record of the last segment may stand a mark: a record of revision 0, which no commit has, with one byte of payload. It says that all
/// before it was durable, as the next record would: without it damage to the last record looks like a write that was cut off. It is no part of the
/// content, and the next record takes its place; who does not know of marks takes it for a write that was cut off, which held nothing.
enum JournalFormat {
    static let layoutVersion: UInt32 = 1
    static let headerSize = 64
    static let recordHeaderSize = 24
    /// No payload is larger; a longer length can only be damage. Bodies are limited to 8 MiB by the API.
    static let payloadLimit = 64 << 20

    enum FileKind: String {
        case segment = "STEADYJL"
        case snapshot = "STEADYSN"
    }

    struct Header: Equatable {
        var kind: FileKind
        var layoutVersion: UInt32 = JournalFormat.layoutVersion
        var contentVersion: UInt32
        /// A segment's records are later than this; a snapshot is the state at this.
        var revision: UInt64
        var recordCount: UInt64 = 0
        var time: Int64 = 0
    }

    static func bytes(of header: Header) -> [UInt8] {
        var out = Array(header.kind.rawValue.utf8)
        append(header.layoutVersion, to: &out)
        append(header.contentVersion, to: &out)
        append(header.revision, to: &out)
        append(header.recordCount, to: &out)
        append(header.time, to: &out)
        out += [UInt8](repeating: 0, count: headerSize - 4 - out.count)
        append(Checksum.crc32c(out), to: &out)
        return out
    }

    /// Nil when it is none, or is damaged.
    static func header(of bytes: [UInt8]) -> Header? {
        guard bytes.count >= headerSize, let kind = FileKind(rawValue: String(decoding: bytes[..<8], as: UTF8.self)),
            number(UInt32.self, in: bytes, at: 60) == Checksum.crc32c(Array(bytes[..<60]))
        else { return nil }
        return Header(
            kind: kind, layoutVersion: number(UInt32.self, in: bytes, at: 8), contentVersion: number(UInt32.self, in: bytes, at: 12),
            revision: number(UInt64.self, in: bytes, at: 16), recordCount: number(UInt64.self, in: bytes, at: 24),
            time: number(Int64.self, in: bytes, at: 32))
    }

    static func append(_ record: JournalRecord, durableThrough: Int, to out: inout [UInt8]) {
        let start = out.count
        append(UInt32(record.head.count + record.body.count), to: &out)
        append(UInt32(0), to: &out)
        append(record.revision, to: &out)
        append(UInt64(durableThrough), to: &out)
        out += record.head
        out += record.body
        let crc = out.withUnsafeBytes { Checksum.crc32c(UnsafeRawBufferPointer(rebasing: $0[(start + 8)...])) }
        withUnsafeBytes(of: crc.littleEndian) { for (index, byte) in $0.enumerated() { out[start + 4 + index] = byte } }
        let padding = (8 - out.count % 8) % 8
        for _ in 0..<padding { out.append(0) }
    }

    /// A record that stands at an offset.
    struct Found {
        var revision: UInt64
        var durableThrough: Int
        var payload: Range<Int>
        /// Where the next record stands.
        var end: Int
    }

    /// Nil when there is none, or it is damaged. `bytes` begins where the file begins, so that offsets agree.
    static func record(in bytes: [UInt8], at offset: Int) -> Found? {
        guard offset + recordHeaderSize <= bytes.count else { return nil }
        let length = Int(number(UInt32.self, in: bytes, at: offset))
        let start = offset + recordHeaderSize
        guard length > 0, length <= payloadLimit, start + length <= bytes.count else { return nil }
        let crc = bytes.withUnsafeBytes { Checksum.crc32c(UnsafeRawBufferPointer(rebasing: $0[(offset + 8)..<(start + length)])) }
        guard crc == number(UInt32.self, in: bytes, at: offset + 4) else { return nil }
        return Found(
            revision: number(UInt64.self, in: bytes, at: offset + 8),
            durableThrough: Int(truncatingIfNeeded: number(UInt64.self, in: bytes, at: offset + 16)),
            payload: start..<(start + length), end: (start + length + 7) / 8 * 8)
    }

    /// A mark that goes to this offset; no longer than the shortest record, which so leaves nothing of it.
    static func mark(at offset: Int) -> [UInt8] {
        var out: [UInt8] = []
        append(JournalRecord(revision: 0, head: [1]), durableThrough: offset, to: &out)
        return out
    }

    /// Nil when none stands here.
    static func mark(in bytes: [UInt8], at offset: Int) -> Found? {
        guard let found = record(in: bytes, at: offset), found.revision == 0, found.durableThrough == offset else { return nil }
        return found
    }

    private static func append(_ number: some FixedWidthInteger, to out: inout [UInt8]) {
        withUnsafeBytes(of: number.littleEndian) { out.append(contentsOf: $0) }
    }

    private static func number<N: FixedWidthInteger>(_: N.Type, in bytes: [UInt8], at offset: Int) -> N {
        bytes.withUnsafeBytes { N(littleEndian: $0.loadUnaligned(fromByteOffset: offset, as: N.self)) }
    }
}
