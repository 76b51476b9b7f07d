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

/// Turns log entries into what a reader sees; keeps a line that is not complete yet.
struct LogFormatter {
    private let selection: LogSelection
    private var sentBytes = 0
    private var continuesLine = false
    private var isSkippingLine = false

    init(_ selection: LogSelection) { self.selection = selection }

    /// Whether the byte limit is reached: nothing more is to come.
    var isFull: Bool { selection.limitBytes.map { sentBytes >= $0 } ?? false }

    /// The text of whole entries.
    mutating func format(_ entries: ArraySlice<UInt8>) -> [UInt8] {
        var out: [UInt8] = []
        for entry in entries.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: true) {
            // TIME, stream and tag have no blanks; what comes after the third one is the text, blanks included.
            let fields = entry.split(separator: UInt8(ascii: " "), maxSplits: 3, omittingEmptySubsequences: false)
            guard fields.count == 4 else { continue }
            let isWhole = fields[2].first == UInt8(ascii: "F")
            if !continuesLine {
                let time = Timestamp(rfc3339: String(decoding: fields[0], as: UTF8.self))
                isSkippingLine = selection.since.map { since in time.map { $0 < since } ?? false } ?? false
            }
            if !isSkippingLine {
                if selection.timestamps, !continuesLine { out += fields[0] + [UInt8(ascii: " ")] }
                out += fields[3]
                if isWhole { out.append(UInt8(ascii: "\n")) }
            }
            continuesLine = !isWhole
        }
        if let limit = selection.limitBytes, sentBytes + out.count > limit { out = Array(out.prefix(limit - sentBytes)) }
        sentBytes += out.count
        return out
    }

    /// The last `count` lines of entries.
    static func tail(_ entries: [UInt8], lines count: Int) -> ArraySlice<UInt8> {
        guard count > 0 else { return [] }
        var left = count
        var end = entries.count
        var start = entries.count
        // Walks entries from the back; one that is whole begins a new line.
        while end > 0 {
            let from = (entries[..<(end - 1)].lastIndex(of: UInt8(ascii: "\n")) ?? -1) + 1
            let fields = entries[from..<end].split(separator: UInt8(ascii: " "), maxSplits: 3, omittingEmptySubsequences: false)
            let isWhole = fields.count > 2 && fields[2].first == UInt8(ascii: "F")
            if isWhole || end == entries.count {
                if left == 0 { break }
                left -= 1
            }
            start = from
            end = from
        }
        return entries[start...]
    }
}
