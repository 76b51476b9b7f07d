import Timing

/// What happened in a world, in its order: the digest of all of it, and the last part of it in words.
package struct History: Sendable {
    /// One line of a timeline.
    package struct Line: Sendable, Hashable {
        package var at: Instant
        package var who: String
        package var what: String
        /// Worth a line in a shortened history: faults, actions of people, verdicts.
        package var isTurningPoint: Bool
    }

    /// Lines that are kept; turning points beyond it are kept as well, up to as many.
    package static let lineLimit = 2000

    /// Of everything that was noted or counted since the start (FNV-1a): equal digests mean equal histories.
    package private(set) var digest: UInt64 = 14_695_981_039_346_656_037
    package private(set) var eventCount = 0
    private var ring: [Line] = []
    private var head = 0
    private var turningPoints: [Line] = []

    /// Nothing of it is kept in words while this is false; the digest is the same.
    var keepsWords = true

    mutating func note(_ at: Instant, _ who: String, _ what: String, isTurningPoint: Bool = false) {
        count(UInt64(bitPattern: at.nanoseconds))
        mix(who)
        mix(what)
        guard keepsWords else { return }
        let line = Line(at: at, who: who, what: what, isTurningPoint: isTurningPoint)
        if isTurningPoint, turningPoints.count < Self.lineLimit { turningPoints.append(line) }
        if ring.count < Self.lineLimit {
            ring.append(line)
        } else {
            ring[head] = line
            head = (head + 1) % Self.lineLimit
        }
    }

    /// Takes a number into the digest alone: for what happens too often for words.
    mutating func count(_ number: UInt64) {
        eventCount += 1
        digest = (digest ^ number) &* 1_099_511_628_211
        digest ^= digest >> 29
    }

    private mutating func mix(_ text: String) {
        for byte in text.utf8 { digest = (digest ^ UInt64(byte)) &* 1_099_511_628_211 }
    }

    /// The last lines, oldest first.
    package var lines: [Line] { Array(ring[head...] + ring[..<head]) }

    /// All turning points, and the last `count` lines of the rest.
    package func shortened(to count: Int) -> [Line] {
        let last = lines.suffix(count)
        guard let start = last.first?.at else { return turningPoints }
        return turningPoints.filter { $0.at < start } + last
    }
}

extension History.Line: CustomStringConvertible {
    package var description: String { "\(TimeText.seconds(at)) \(who): \(what)" }
}

/// Moments of a simulation in words.
package enum TimeText {
    /// `  12.034 s`: seconds since the start, to the millisecond.
    package static func seconds(_ at: Instant) -> String {
        let milliseconds = at.nanoseconds / 1_000_000
        let rest = String(milliseconds % 1000)
        let text = "\(milliseconds / 1000).\(String(repeating: "0", count: 3 - rest.count))\(rest) s"
        return String(repeating: " ", count: max(0, 10 - text.count)) + text
    }
}
