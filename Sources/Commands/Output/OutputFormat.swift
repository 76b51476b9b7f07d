import Formats
import Linux
import Resources
import Timing

/// How `get` prints: kubectl's formats.
struct OutputFormat {
    enum Kind {
        case table(isWide: Bool)
        case objects(ObjectOutput)
        case columns([(header: String, path: JSONPath)])
    }

    let kind: Kind
    private let showsLabels: Bool
    private let labelColumns: [String]
    private let hasHeaders: Bool
    private let showsKinds: Bool
    /// Of a watch: what happened to an object is shown as well.
    private let showsEvents: Bool

    /// For messages, and for `--help`.
    static let words = "wide, \(ObjectOutput.words), custom-columns=…"

    init(_ invocation: Invocation) throws(CommandError) {
        showsLabels = invocation.isSet("show-labels")
        labelColumns = invocation.all("label-columns").flatMap { $0.split(separator: ",").map(String.init) }
        hasHeaders = !invocation.isSet("no-headers")
        showsKinds = invocation.isSet("show-kind")
        showsEvents = invocation.isSet("output-watch-events")
        let text = invocation.value("output") ?? (invocation.isGiven("template") ? "go-template" : "")
        let name = String(text.prefix { $0 != "=" })
        let argument = String(text.dropFirst(name.count + 1))
        switch name {
        case "": kind = .table(isWide: false)
        case "wide": kind = .table(isWide: true)
        case "custom-columns": kind = .columns(try Self.columns(argument))
        case "custom-columns-file":
            let lines: [[Substring]]
            do throws(LinuxError) {
                lines = try Files.text(argument).split(separator: "\n").map { $0.split(whereSeparator: \.isWhitespace) }
            } catch {
                throw CommandError("\(error)")
            }
            guard lines.count >= 2, lines[0].count == lines[1].count else {
                throw .usage("custom-columns-file: \(argument) must have a line of headers, and below it one of as many paths")
            }
            kind = .columns(try Self.columns(zip(lines[0], lines[1]).map { "\($0):\($1)" }.joined(separator: ",")))
        default:
            if let found = try ObjectOutput.named(text, invocation) {
                kind = .objects(found)
                return
            }
            let near =
                nearest(name, among: ["wide", "custom-columns", "custom-columns-file"] + ObjectOutput.names).map { "; did you mean \($0)?" }
                ?? ""
            throw .usage("--output: found \"\(text)\", allowed are \(Self.words)\(near)")
        }
    }

    private static func columns(_ text: String) throws(CommandError) -> [(header: String, path: JSONPath)] {
        var out: [(header: String, path: JSONPath)] = []
        for part in text.split(separator: ",") {
            let pieces = part.split(separator: ":", maxSplits: 1).map(String.init)
            guard pieces.count == 2 else { throw .usage("custom-columns: found \"\(part)\", allowed is HEADER:.path") }
            out.append((pieces[0], try JSONPath(pieces[1])))
        }
        return out
    }

    var isTable: Bool {
        switch kind {
        case .table, .columns: true
        default: false
        }
    }

    func text(_ found: [(type: ResourceType, object: Value)], isSingle: Bool, showsKind: Bool, showsNamespace: Bool) throws(CommandError)
        -> String
    {
        switch kind {
        case .objects(let output): return try output.text(found, isSingle: isSingle)
        case .columns(let columns):
            let rows = found.map { entry in
                columns.map { $0.path.values(in: entry.object).map(\.plainText).joined(separator: ",") }.map { $0.isEmpty ? "<none>" : $0 }
            }
            return TextTable.text((hasHeaders ? [columns.map(\.header)] : []) + rows)
        case .table:
            var out = ""
            var at = 0
            while at < found.count {
                let type = found[at].type
                var end = at
                while end < found.count, found[end].type == type { end += 1 }
                let rows = self.rows(type, showsNamespace: showsNamespace, showsKind: showsKind)
                if at > 0 { out += "\n" }
                out += TextTable.text((hasHeaders ? [rows.headers] : []) + found[at..<end].map { rows.cells($0.object) })
                at = end
            }
            return out
        }
    }

    /// Rows of one kind: for lists, and one by one for watches.
    func rows(_ type: ResourceType, showsNamespace: Bool, showsKind: Bool = false) -> Rows {
        Rows(type: type, format: self, showsNamespace: showsNamespace && type.isNamespaced, showsKind: showsKind || showsKinds)
    }

    struct Rows {
        let type: ResourceType
        fileprivate let format: OutputFormat
        let showsNamespace: Bool
        let showsKind: Bool
        private var widths: [Int] = []
        private var hasBegun = false

        fileprivate init(type: ResourceType, format: OutputFormat, showsNamespace: Bool, showsKind: Bool) {
            self.type = type
            self.format = format
            self.showsNamespace = showsNamespace
            self.showsKind = showsKind
        }

        private var isWide: Bool { if case .table(let isWide) = format.kind { isWide } else { false } }

        var headers: [String] {
            (showsNamespace ? ["NAMESPACE"] : [])
                + Printing.columns(type).filter { isWide || $0.priority == 0 }.map { $0.name.uppercased() }
                + format.labelColumns.map { String($0.split(separator: "/").last ?? "").uppercased() }
                + (format.showsLabels ? ["LABELS"] : [])
        }

        func cells(_ object: Value) -> [String] {
            let columns = Printing.columns(type)
            let values = Printing.cells(object, type, now: Clock.realtime())
            var out = zip(columns, values).filter { isWide || $0.0.priority == 0 }.map { $0.1.plainText }
            if showsKind, !out.isEmpty { out[0] = type.shown(out[0]) }
            let labels = object["metadata"]["labels"].stringMap
            out += format.labelColumns.map { labels[$0] ?? "" }
            if format.showsLabels {
                out.append(
                    labels.isEmpty ? "<none>" : labels.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(separator: ","))
            }
            return (showsNamespace ? [object.namespaceName] : []) + out
        }

        /// The text for one event of a watch; the header comes with the first.
        mutating func event(_ event: WatchEvent) throws(CommandError) -> String {
            switch format.kind {
            case .objects(.name): return type.shown(event.object.name) + "\n"
            case .objects(let output):
                let shown: Value = format.showsEvents ? ["type": .string(event.kind.rawValue), "object": event.object] : event.object
                if case .yaml = output { return "---\n" + (try output.text(of: shown)) }
                return try output.text(of: shown)
            case .columns(let columns):
                let cells = columns.map { $0.path.values(in: event.object).map(\.plainText).joined(separator: ",") }
                return ((format.showsEvents ? [event.kind.rawValue] : []) + cells).joined(separator: "   ") + "\n"
            case .table:
                let headers = (format.showsEvents ? ["EVENT"] : []) + headers
                let row = (format.showsEvents ? [event.kind.rawValue] : []) + cells(event.object)
                var out = ""
                if !hasBegun {
                    widths = zip(headers, row).map { max($0.count, $1.count) }
                    // The longest there is.
                    if format.showsEvents { widths[0] = max(widths[0], WatchEvent.Kind.modified.rawValue.count) }
                    if format.hasHeaders { out += TextTable.line(headers, widths) }
                    hasBegun = true
                }
                for (at, cell) in row.enumerated() where at < widths.count { widths[at] = max(widths[at], cell.count) }
                return out + TextTable.line(row, widths)
            }
        }
    }
}

/// Columns under their headers, three spaces apart, as kubectl prints them.
enum TextTable {
    static let gap = 3
    /// A column with its gap, as kubectl's.
    private static let minimumWidth = 6

    static func text(_ rows: [[String]], gap: Int = gap) -> String {
        var widths: [Int] = []
        for row in rows {
            for (at, cell) in row.enumerated() {
                if at < widths.count { widths[at] = max(widths[at], cell.count) } else { widths.append(cell.count) }
            }
        }
        return rows.map { line($0, widths, gap: gap) }.joined()
    }

    static func line(_ cells: [String], _ widths: [Int], gap: Int = gap) -> String {
        var out = ""
        for (at, cell) in cells.enumerated() {
            out += at == cells.count - 1 ? cell : cell.padded(to: max(minimumWidth, (at < widths.count ? widths[at] : 0) + gap))
        }
        return out + "\n"
    }
}
