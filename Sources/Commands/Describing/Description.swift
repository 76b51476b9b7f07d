import Formats
import Resources
import Timing

/// A text of `describe` in the making: lines with tabs, in kubectl's order and words.
struct Description {
    private var done = ""
    private var pending = ""

    /// The layout of what was written so far is settled: what follows has columns of its own.
    mutating func flush() {
        done += ElasticTabs.layout(pending)
        pending = ""
    }

    var text: String { done + ElasticTabs.layout(pending) }

    /// One line, indented by two spaces a level; `\t` parts cells.
    mutating func line(_ level: Int, _ text: String) { pending += String(repeating: "  ", count: level) + text + "\n" }

    mutating func field(_ name: String, _ value: String, level: Int = 0) { line(level, "\(name):\t\(value)") }

    /// As `field`, if there is something to say.
    mutating func optional(_ name: String, _ value: Value, level: Int = 0) {
        let text = value.plainText
        if !text.isEmpty { field(name, text, level: level) }
    }

    /// `key=value` below each other.
    mutating func labels(_ name: String, _ map: [String: String]) {
        entries(name, map.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" })
    }

    /// `key: value` below each other, without what `apply` keeps for itself.
    mutating func annotations(_ map: [String: String]) {
        entries(
            "Annotations", map.filter { $0.key != Manifests.lastApplied }.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" })
    }

    mutating func entries(_ name: String, _ entries: [String]) {
        guard !entries.isEmpty else { return field(name, "<none>") }
        for (at, entry) in entries.enumerated() { line(0, at == 0 ? "\(name):\t\(entry)" : "\t\(entry)") }
    }

    /// `Sat, 21 Nov 2026 08:46:17 +0000`, from the API's form.
    static func time(_ value: Value) -> String {
        guard let text = value.string, let at = Timestamp(rfc3339: text) else { return value.plainText }
        let seconds = at.nanosecondsSince1970 / 1_000_000_000
        // 1 January 1970 was a Thursday.
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int(((seconds / 86_400) % 7 + 7) % 7)]
        let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
        let utc = at.rfc3339
        let month = months[max(0, min(11, (Int(utc.dropFirst(5).prefix(2)) ?? 1) - 1))]
        return "\(weekday), \(utc.dropFirst(8).prefix(2)) \(month) \(utc.prefix(4)) \(utc.dropFirst(11).prefix(8)) +0000"
    }

    static func age(_ value: Value, _ now: Timestamp) -> String {
        value.string.flatMap(Timestamp.init(rfc3339:)).map { HumanDuration.text(now - $0) } ?? "<unknown>"
    }
}
