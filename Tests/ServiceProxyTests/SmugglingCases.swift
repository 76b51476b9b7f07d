import Foundation

/// A case of `Tests/Fixtures/smuggling`, see the page there.
struct SmugglingCase: Sendable, CustomStringConvertible {
    var name: String
    var bytes: [UInt8] = []
    /// `METHOD TARGET "BODY" {TRAILERS}`, as `Recording` writes them.
    var requests: [String] = []
    var lines: [String] = []
    var absent: [String] = []
    var statuses: [Int] = []
    var closes = false

    var description: String { name }

    /// Whether another request may follow.
    var staysOpen: Bool { !closes && (statuses.last ?? 0) < 400 }

    static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/smuggling").path

    static let files = ["framing", "chunks", "lines", "targets", "ways"]

    static func read(_ file: String) throws -> [SmugglingCase] {
        let text = try String(contentsOfFile: "\(folder)/\(file).txt", encoding: .utf8)
        var cases: [SmugglingCase] = []
        var variants: [String] = []
        var lines: [(mark: Character, text: String)] = []
        var name = ""
        func finish() {
            if name.isEmpty { return }
            if variants.isEmpty { variants = [""] }
            for variant in variants { cases.append(SmugglingCase(name: "\(file): \(name): \(variant)", lines, variant)) }
            variants = []
            lines = []
        }
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if line.hasPrefix("== ") {
                finish()
                name = String(line.dropFirst(3))
            } else if let mark = line.first {
                let rest = String(line.dropFirst(2))
                if mark == "|" { variants.append(rest) } else { lines.append((mark, rest)) }
            }
        }
        finish()
        return cases
    }

    private init(name: String, _ given: [(mark: Character, text: String)], _ variant: String) {
        self.name = name
        for (mark, template) in given {
            let text = template.replacing("@", with: variant)
            switch mark {
            case ">":
                let isCut = text.hasSuffix("\\") && !text.hasSuffix("\\\\")
                bytes += Self.octets(isCut ? String(text.dropLast()) : text) + (isCut ? [] : [13, 10])
            case "=": requests.append(Self.latin(Self.octets(text)))
            case "~": lines.append(Self.latin(Self.octets(text)))
            case "-": absent.append(Self.latin(Self.octets(text)))
            case "<":
                statuses += text.split(separator: " ").compactMap { Int($0) }
                closes = text.hasSuffix("close")
            default: break
            }
        }
    }

    /// `\r \n \t \\ \xHH`, and `\{TEXT*COUNT}`.
    static func octets(_ text: String) -> [UInt8] {
        var rest = Array(text.utf8)[...]
        var out: [UInt8] = []
        while let octet = rest.popFirst() {
            guard octet == UInt8(ascii: "\\"), let next = rest.popFirst() else {
                out.append(octet)
                continue
            }
            switch next {
            case UInt8(ascii: "r"): out.append(13)
            case UInt8(ascii: "n"): out.append(10)
            case UInt8(ascii: "t"): out.append(9)
            case UInt8(ascii: "x"):
                out.append(UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) ?? 0)
                rest.removeFirst(2)
            case UInt8(ascii: "{"):
                let inner = rest.prefix { $0 != UInt8(ascii: "}") }
                rest.removeFirst(inner.count + 1)
                let star = inner.lastIndex(of: UInt8(ascii: "*")) ?? inner.startIndex
                let part = octets(String(decoding: inner[..<star], as: UTF8.self))
                for _ in 0..<(Int(String(decoding: inner[(star + 1)...], as: UTF8.self)) ?? 0) { out += part }
            default: out.append(next)
            }
        }
        return out
    }

    /// One character for each octet, so that any of them can be compared and printed.
    static func latin(_ octets: some Sequence<UInt8>) -> String { String(String.UnicodeScalarView(octets.map { UnicodeScalar($0) })) }
}

/// What an endpoint was asked, read by rules of its own: simple ones, and stricter than any server's. It shares no code with what it judges.
struct Recording {
    private(set) var requests: [String] = []
    private(set) var heads: [[String]] = []
    /// What is wrong with the bytes; empty: nothing.
    private(set) var problem = ""
    private var rest = ""

    /// - Parameter bytes: all that came over one connection.
    init(_ bytes: [UInt8]) {
        rest = SmugglingCase.latin(bytes)
        while problem.isEmpty, let end = rest.firstRange(of: "\r\n\r\n") {
            let head = rest[..<end.lowerBound].split(separator: "\r\n", omittingEmptySubsequences: false).map(String.init)
            let behind = String(rest[end.upperBound...])
            guard let message = message(head, behind) else { return }
            requests.append(message.text)
            heads.append(head)
            rest = message.rest
        }
    }

    private mutating func message(_ head: [String], _ behind: String) -> (text: String, rest: String)? {
        let words = head[0].split(separator: " ", omittingEmptySubsequences: false)
        if words.count != 3 || words[2] != "HTTP/1.1" { problem = "the request line is \(head[0])" }
        var fields: [String: [String]] = [:]
        for line in head.dropFirst() {
            guard let colon = line.firstIndex(of: ":"), line.first != " ", line.first != "\t" else {
                problem = "a field is \(line)"
                return nil
            }
            let name = line[..<colon].lowercased().replacing("_", with: "-")
            if name.isEmpty || name.contains(where: { $0 == " " || $0 == "\t" }) { problem = "a name is \(name)" }
            fields[name, default: []].append(String(line[line.index(colon, offsetBy: 2)...]))
        }
        if head.joined().unicodeScalars.contains(where: { $0.value < 32 && $0 != "\t" || $0.value == 127 }) {
            problem = "a control character"
        }
        for once in ["host", "x-forwarded-for", "forwarded", "x-request-id", "traceparent"] where fields[once]?.count != 1 {
            problem = "\(once) stands there \(fields[once]?.count ?? 0) times"
        }
        let (length, codings) = (fields["content-length"] ?? [], fields["transfer-encoding"] ?? [])
        if length.count + codings.count > 1 { problem = "the length is given twice" }
        if !problem.isEmpty { return nil }
        let line = "\(words[0]) \(words[1])"
        if let coding = codings.first {
            if coding != "chunked" { problem = "Transfer-Encoding is \(coding)" }
            return chunks(behind).map { (line + Self.quoted($0.body) + $0.trailers, $0.rest) }
        }
        guard let text = length.first else { return (line, behind) }
        guard let count = Int(text), text.allSatisfy(\.isNumber) else {
            problem = "Content-Length is \(text)"
            return nil
        }
        // A character is one octet here but for CR LF, which Swift takes for one.
        let octets = Array(behind.unicodeScalars)
        if octets.count < count { return nil }
        return (line + Self.quoted(Self.text(octets[..<count])), Self.text(octets[count...]))
    }

    /// Nil while it is not whole.
    private mutating func chunks(_ text: String) -> (body: String, trailers: String, rest: String)? {
        var octets = Array(text.unicodeScalars)[...]
        var body = ""
        func line() -> String? {
            guard let end = octets.indices.dropLast().first(where: { octets[$0] == "\r" && octets[$0 + 1] == "\n" }) else { return nil }
            defer { octets = octets[(end + 2)...] }
            return Self.text(octets[..<end])
        }
        while let size = line() {
            guard let count = Int(size, radix: 16), size.allSatisfy(\.isHexDigit) else {
                problem = "a chunk's size is \(size)"
                return nil
            }
            if count == 0 {
                var trailers: [String] = []
                while let trailer = line() {
                    if trailer.isEmpty {
                        return (body, trailers.isEmpty ? "" : " {\(trailers.joined(separator: "; "))}", Self.text(octets))
                    }
                    trailers.append(trailer)
                }
                return nil
            }
            if octets.count < count + 2 { return nil }
            body += Self.text(octets.prefix(count))
            octets = octets.dropFirst(count)
            if octets.prefix(2).elementsEqual(["\r", "\n"]) == false { problem = "a chunk does not end" }
            octets = octets.dropFirst(2)
        }
        return nil
    }

    private static func text(_ scalars: some Sequence<UnicodeScalar>) -> String {
        var view = String.UnicodeScalarView()
        view.append(contentsOf: scalars)
        return String(view)
    }

    private static func quoted(_ body: String) -> String { body.isEmpty ? "" : " \"\(body)\"" }
}
