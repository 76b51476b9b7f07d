import Timing

/// Which entries of a log a reader wants, and how they are printed: the options of `kubectl logs`.
struct LogSelection: Hashable, Sendable {
    var follow = false
    var previous = false
    var tailLines: Int?
    var since: Timestamp?
    var limitBytes: Int?
    var timestamps = false

    init() {}

    /// Unknown options are ignored; a malformed one is named.
    init(query: [(name: String, value: String)], now: Timestamp) throws(LogSelectionError) {
        for (name, value) in query {
            switch name {
            case "follow": follow = value == "true" || value == "1" || value.isEmpty
            case "previous": previous = value == "true" || value == "1" || value.isEmpty
            case "timestamps": timestamps = value == "true" || value == "1" || value.isEmpty
            case "tailLines": tailLines = try Self.number(name, value)
            case "limitBytes": limitBytes = try Self.number(name, value)
            case "sinceSeconds": since = now + .seconds(-(try Self.number(name, value)))
            case "sinceTime":
                guard let time = Timestamp(rfc3339: value) else {
                    throw LogSelectionError(message: "sinceTime: \"\(value)\" is no RFC 3339 time")
                }
                since = time
            default: continue
            }
        }
    }

    private static func number(_ name: String, _ value: String) throws(LogSelectionError) -> Int {
        guard let number = Int(value), number >= 0 else {
            throw LogSelectionError(message: "\(name): \"\(value)\" is no whole number from 0 on")
        }
        return number
    }
}

struct LogSelectionError: Error { var message: String }

/// Turns log entries into what a reader sees; keeps whether a line is not complete yet.
struct LogFormatter {
    private let selection: LogSelection
    /// Entries' times have one length, so text decides which is earlier.
    private let since: [UInt8]?
    private var sentBytes = 0
    private var continuesLine = false
    private var isSkippingLine = false

    init(_ selection: LogSelection) {
        self.selection = selection
        since = selection.since.map { Array($0.rfc3339Nano.utf8) }
    }

    /// Whether the byte limit is reached: nothing more is to come.
    var isFull: Bool { selection.limitBytes.map { sentBytes >= $0 } ?? false }

    /// The text of whole entries.
    mutating func format(_ entries: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(entries.count)
        entries.withUnsafeBufferPointer { bytes in
            var start = 0
            while start < bytes.count {
                let end = bytes[start...].firstIndex(of: LogEntry.newline) ?? bytes.count
                defer { start = end + 1 }
                // Torn by a full disk.
                guard end - start >= LogEntry.textOffset else { continue }
                let isWhole = bytes[start + LogEntry.tagOffset] == UInt8(ascii: "F")
                if !continuesLine, let since {
                    isSkippingLine = bytes[start..<(start + LogEntry.timeLength)].lexicographicallyPrecedes(since)
                }
                if !isSkippingLine {
                    if selection.timestamps, !continuesLine {
                        out += bytes[start..<(start + LogEntry.timeLength)]
                        out.append(UInt8(ascii: " "))
                    }
                    out += bytes[(start + LogEntry.textOffset)..<end]
                    if isWhole { out.append(LogEntry.newline) }
                }
                continuesLine = !isWhole
            }
        }
        if let limit = selection.limitBytes, sentBytes + out.count > limit { out = Array(out.prefix(limit - sentBytes)) }
        sentBytes += out.count
        return out
    }
}
