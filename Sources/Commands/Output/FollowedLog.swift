/// Joins the pieces of a log whose connection may be lost: each line once, however often the end of what was seen is sent again.
///
/// It reads lines as the API sends them with `timestamps=true`. A line is known by its time and by how many lines of that time came before it: an
/// agent stamps what it reads at once with one time.
struct FollowedLog {
    private let showsTimes: Bool
    /// Of the line that was begun last, over all connections.
    private var time: [UInt8] = []
    /// How many lines of that time were begun.
    private var count = 0
    /// How much of the last one's text was passed on, and whether it goes on.
    private var textCount = 0
    private var isLineOpen = false

    // Of this connection.
    private var head: [UInt8] = []
    private var place = Place.inTime
    /// Lines of the time at which this connection goes on; nil behind them.
    private var repeated: Int?

    private enum Place {
        case inTime
        /// What is left out first of the line's text; nil: all of it.
        case inText(skipping: Int?)
    }

    /// `2026-11-21T08:47:37.167347880Z`: always of this length.
    private static let timeLength = 30
    private static let newline = UInt8(ascii: "\n")

    init(showsTimes: Bool) { self.showsTimes = showsTimes }

    /// Begins a new connection; returns the time from which on lines are to be sent, nil when none has come.
    mutating func reconnect() -> String? {
        head = []
        place = .inTime
        repeated = count > 0 ? 0 : nil
        return count > 0 ? String(decoding: time, as: UTF8.self) : nil
    }

    /// What is new in the next bytes of a connection.
    mutating func take(_ bytes: [UInt8]) -> [UInt8] {
        var out: [UInt8] = []
        out.reserveCapacity(bytes.count)
        var rest = bytes[...]
        while !rest.isEmpty {
            switch place {
            case .inTime:
                // The time and the space behind it.
                let part = rest.prefix(Self.timeLength + 1 - head.count)
                head += part
                rest = rest.dropFirst(part.count)
                if head.count > Self.timeLength { begin(Array(head[..<Self.timeLength]), &out) }
            case .inText(let skipping):
                let end = rest.firstIndex(of: Self.newline)
                let text = end.map { rest[...$0] } ?? rest
                rest = rest.dropFirst(text.count)
                if let skipping {
                    let new = text.dropFirst(skipping)
                    out += new
                    textCount += new.count
                    isLineOpen = end == nil
                    place = .inText(skipping: max(0, skipping - text.count))
                }
                if end != nil {
                    place = .inTime
                    head = []
                }
            }
        }
        return out
    }

    private mutating func begin(_ lineTime: [UInt8], _ out: inout [UInt8]) {
        if let seen = repeated {
            if lineTime == time, seen < count {
                repeated = seen + 1
                // Only of the last one something may be missing.
                place = .inText(skipping: seen + 1 == count && isLineOpen ? textCount : nil)
                return
            }
            if lineTime.lexicographicallyPrecedes(time) {
                place = .inText(skipping: nil)
                return
            }
            repeated = nil
        }
        // A line that will not be ended any more: its run is over.
        if isLineOpen { out.append(Self.newline) }
        count = lineTime == time ? count + 1 : 1
        time = lineTime
        textCount = 0
        isLineOpen = true
        if showsTimes { out += lineTime + [UInt8(ascii: " ")] }
        place = .inText(skipping: 0)
    }
}
