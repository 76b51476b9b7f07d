import Foundation
import Testing

@testable import Wire

/// The request and response cases of the llhttp parser's documentation: what it reads we read the same, what it refuses we refuse.
@Suite struct `HTTP messages against llhttp's cases` {
    struct Case {
        var name: String
        var isRequest: Bool
        var isFinished: Bool
        var input: [UInt8]
        var isRefused: Bool
        var bodyText: String
        var completeCount: Int
        /// Many refused inputs end within the bad line. We look at whole lines, so theirs is ended.
        var completedInput: [UInt8] { isRefused ? input + [13, 10, 13, 10] : input }
    }

    /// Where we differ on purpose: the case (or the start of its name) and why.
    static let exceptions: [(name: String, why: String)] = [
        ("request/invalid.md: HTTP protocol and ANNOUNCE method", "any token is a method; the routes decide which are served"),
        ("request/invalid.md: Invalid method", "any token is a method; the routes decide which are served"),
        ("request/method.md: CONNECT request", "tunnels are not served, so what follows is read as a request"),
        ("request/method.md: CONNECT with body", "tunnels are not served, so what follows is read as a request"),
        ("request/method.md: M-SEARCH request", "`*` is a target of OPTIONS only (RFC 9112, 3.2.4)"),
        ("request/method.md: SOURCE request with ICE", "another protocol"),
        ("request/method.md: OPTIONS request with RTSP", "another protocol"),
        ("request/method.md: ANNOUNCE request with RTSP", "another protocol"),
        ("request/sample.md: No HTTP version", "HTTP/0.9 is not served"),
        ("request/transfer-encoding.md: POST with `chunked` as last transfer-encoding", "codings other than chunked cannot be undone: 501"),
        ("request/uri.md: Fragment in URI", "a target has no fragment (RFC 9112, 3.2)"),
        ("request/uri.md: `host:port` and basic auth", "user information does not belong in a target (RFC 9110, 4.2.4)"),
        ("response/connection.md: HTTP 100 first, then 400", "an empty line between responses is no HTTP"),
        (
            "response/connection.md: HTTP/1.1 with keep-alive disabled and 204 status",
            "bytes behind the last response of a connection are refused by whoever owns it"
        ),
        ("response/sample.md: RTSP response", "another protocol"),
        ("response/sample.md: ICE response", "another protocol"),
        ("response/sample.md: HTTP version 0.9", "HTTP/0.9 is not spoken"),
        ("response/transfer-encoding.md: `chunked` before other transfer-encoding", "a coding after chunked is refused"),
        (
            "response/transfer-encoding.md: multiple transfer-encoding where chunked is not the last one",
            "a coding after chunked is refused"
        ),
        (
            "response/transfer-encoding.md: `chunkedchunked` transfer-encoding does not enable chunked enconding",
            "codings other than chunked cannot be undone"
        ),
    ]

    static let excludedFiles: [String: String] = [
        "pausing.md": "pausing in the middle of a callback is the library's own feature",
        "lenient-header-value-relaxed.md": "nothing is lenient here",
        "lenient-headers.md": "nothing is lenient here",
        "lenient-version.md": "nothing is lenient here",
    ]

    @Test(arguments: ["request", "response"]) func `hold`(folder: String) throws {
        guard let corpus = Corpus("llhttp") else { return }
        var ranCount = 0
        var unused = Set(Self.exceptions.filter { $0.name.hasPrefix(folder) }.map(\.name))
        for file in corpus.list("test/\(folder)") where Self.excludedFiles[file] == nil {
            let text = String(decoding: try #require(corpus.read("test/\(folder)/\(file)")), as: UTF8.self)
            for found in Self.cases(text, named: "\(folder)/\(file)") {
                if let exception = Self.exceptions.first(where: { found.name.hasPrefix($0.name) }) {
                    unused.remove(exception.name)
                    continue
                }
                ranCount += 1
                for pieceCount in [1, 7, 4096] {
                    let problem = found.isRequest ? Self.request(found, pieceCount) : Self.response(found, pieceCount)
                    if let problem { Issue.record("\(found.name), pieces of \(pieceCount): \(problem)") }
                }
            }
        }
        #expect(unused.isEmpty, "these exceptions name no case")
        #expect(ranCount >= 50)
    }

    static func request(_ given: Case, _ pieceCount: Int) -> String? {
        // The cases are about framing; hardly any has a Host.
        var limits = WireLimits.standard
        limits.requiresHost = false
        var reader = RequestReader(limits: limits)
        var input = ByteQueue()
        var body: [UInt8] = []
        var completeCount = 0
        var isClosing = false
        for piece in given.completedInput.pieces(of: pieceCount) {
            input.append(piece)
            do throws(WireError) {
                while let part = try reader.next(&input) {
                    switch part {
                    case .head(let head):
                        // A server reads nothing behind the last request of a connection.
                        if isClosing { throw WireError(400, "a request behind the last one") }
                        isClosing = !head.keepsAlive
                    case .body(let count): body += input.take(count)
                    case .end: completeCount += 1
                    }
                }
            } catch {
                return given.isRefused ? nil : "refused: \(error)"
            }
        }
        return compare(given, body, completeCount)
    }

    static func response(_ given: Case, _ pieceCount: Int) -> String? {
        var reader = ResponseReader()
        var input = ByteQueue()
        var body: [UInt8] = []
        var completeCount = 0
        var isBetween = true
        var isClosing = false
        for piece in given.completedInput.pieces(of: pieceCount) {
            input.append(piece)
            do throws(WireError) {
                reading: while true {
                    if isBetween {
                        while input.count >= 2, input[0] == 13, input[1] == 10 { input.consume(2) }
                        if input.isEmpty || input.bytes == [13] { break }
                        reader.expect(method: "GET")
                        isBetween = false
                    }
                    switch try reader.next(&input) {
                    case nil: break reading
                    case .head(let head):
                        if isClosing { throw WireError(400, "a response behind the last one") }
                        isClosing = !head.keepsAlive
                        // Of what follows, none is HTTP.
                        if head.framing == .tunnel { completeCount += 1 }
                    case .interim: completeCount += 1
                    case .body(let count): body += input.take(count)
                    case .end:
                        completeCount += 1
                        isBetween = true
                    }
                }
            } catch {
                return given.isRefused ? nil : "refused: \(error)"
            }
        }
        if given.isFinished {
            do throws(WireError) { if case .end? = try reader.close(input) { completeCount += 1 } } catch {
                return given.isRefused ? nil : "refused at the end: \(error)"
            }
        }
        return compare(given, body, completeCount)
    }

    static func compare(_ given: Case, _ body: [UInt8], _ completeCount: Int) -> String? {
        if given.isRefused { return "accepted, with \(completeCount) messages" }
        let text = String(decoding: body, as: UTF8.self)
        // The log writes quotation marks with and without a backslash.
        if text.filter({ $0 != "\\" }) != given.bodyText.filter({ $0 != "\\" }) {
            return "the body is \(text.debugDescription) instead of \(given.bodyText.debugDescription)"
        }
        if completeCount != given.completeCount { return "\(completeCount) messages are whole instead of \(given.completeCount)" }
        return nil
    }

    /// Cuts a Markdown file into its cases: headings name them, `meta` says their type, an `http` block is followed by a `log` block.
    static func cases(_ text: String, named file: String) -> [Case] {
        var cases: [Case] = []
        var heading = ""
        var type = ""
        var block: (language: String, lines: [String])?
        var input: [UInt8]?
        for line in text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init) {
            if block != nil {
                guard line.hasPrefix("```") else {
                    block!.lines.append(line)
                    continue
                }
                let (language, lines) = block!
                block = nil
                if language == "http" {
                    input = unescape(lines.joined(separator: "\n"))
                } else if language == "log", let bytes = input {
                    input = nil
                    guard ["request", "response", "request-finish", "response-finish"].contains(type) else { continue }
                    let errors = lines.filter {
                        $0.contains(" error code=") && !$0.contains("error code=21") && !$0.contains("error code=22")
                    }
                    // Several spans make one body.
                    let bodies = lines.filter { $0.contains("span[body]=") }.map { line in
                        if line.hasSuffix("=cr") { return "\r" }
                        if line.hasSuffix("=lf") { return "\n" }
                        let quoted = line[line.range(of: "span[body]=")!.upperBound...]
                        return String(decoding: unescape(String(quoted.dropFirst().dropLast())), as: UTF8.self)
                    }
                    cases.append(
                        Case(
                            name: "\(file): \(heading)", isRequest: type.hasPrefix("request"), isFinished: type.hasSuffix("finish"),
                            input: bytes, isRefused: !errors.isEmpty, bodyText: bodies.joined(),
                            completeCount: lines.count { $0.contains("message complete") || $0.contains("finish=1") }))
                }
            } else if line.hasPrefix("```") {
                block = (String(line.dropFirst(3)), [])
            } else if line.hasPrefix("#") {
                heading = line.drop { $0 == "#" || $0 == " " }.description
                type = ""
            } else if line.hasPrefix("<!-- meta="), let range = line.range(of: "\"type\":") {
                type =
                    line[range.upperBound...].split(separator: "\"", omittingEmptySubsequences: false).dropFirst().first.map(String.init)
                    ?? ""
                if line.contains("skipBody") || line.contains("pause") { type = "" }
            }
        }
        return cases
    }

    /// Line ends are CR LF; a backslash at a line's end joins lines; `\r \n \t \f \xHH` are spelled out.
    static func unescape(_ text: String) -> [UInt8] {
        var bytes = Array(text.replacingOccurrences(of: "\\\n", with: "").replacingOccurrences(of: "\n", with: "\r\n").utf8)[...]
        var out: [UInt8] = []
        while let byte = bytes.popFirst() {
            guard byte == UInt8(ascii: "\\"), let next = bytes.first else {
                out.append(byte)
                continue
            }
            switch next {
            case UInt8(ascii: "r"): out.append(13)
            case UInt8(ascii: "n"): out.append(10)
            case UInt8(ascii: "t"): out.append(9)
            case UInt8(ascii: "f"): out.append(12)
            case UInt8(ascii: "x"):
                let digits = bytes.dropFirst().prefix { Character(UnicodeScalar($0)).isHexDigit }.prefix(2)
                out.append(UInt8(String(decoding: digits, as: UTF8.self), radix: 16) ?? 0)
                bytes.removeFirst(digits.count)
            default:
                out.append(byte)
                continue
            }
            bytes.removeFirst()
        }
        return out
    }
}

extension [UInt8] {
    fileprivate func pieces(of count: Int) -> [ArraySlice<UInt8>] {
        stride(from: 0, to: self.count, by: count).map { self[$0..<Swift.min($0 + count, self.count)] }
    }
}
