import Testing

@testable import Wire

/// What a reader made of a whole stream of bytes.
struct Outcome: Equatable, CustomStringConvertible {
    /// Per message: first line, fields, body, trailers; then the error, if any.
    var lines: [String] = []
    var status: Int?
    var description: String { lines.joined(separator: "\n") + (status.map { "\nrefused: \($0)" } ?? "") }
}

/// Reads requests from `text` cut into pieces of `pieceCount` bytes.
func readRequests(_ text: String, pieces pieceCount: Int = .max, limits: WireLimits = .standard) -> Outcome {
    var reader = RequestReader(limits: limits)
    var outcome = Outcome()
    var body: [UInt8] = []
    feed(text, pieceCount) { input in
        do throws(WireError) {
            while let part = try reader.next(&input) {
                switch part {
                case .head(let head):
                    outcome.lines.append(
                        "\(head.method) \(head.target) \(head.version) \(head.framing) \(head.keepsAlive ? "keeps" : "closes")")
                    outcome.lines += head.headers.pairs.map { "\($0.name): \($0.value)" }
                case .body(let count): body += input.take(count)
                case .end(let trailers):
                    outcome.lines.append("body \(String(decoding: body, as: UTF8.self).debugDescription)")
                    outcome.lines += trailers.pairs.map { "trailer \($0.name): \($0.value)" }
                    body = []
                }
            }
            return true
        } catch {
            outcome.status = error.status
            return false
        }
    }
    return outcome
}

/// Reads responses; `methods` are those of the requests, in order, GET for all further ones.
func readResponses(
    _ text: String, pieces pieceCount: Int = .max, methods: [String] = [], closes: Bool = true, limits: WireLimits = .standard
)
    -> Outcome
{
    var reader = ResponseReader(limits: limits)
    var outcome = Outcome()
    var body: [UInt8] = []
    var methods = methods[...]
    reader.expect(method: methods.popFirst() ?? "GET")
    var rest = ByteQueue()
    var isBetween = false
    func end(_ trailers: HTTPHeaders) {
        outcome.lines.append("body \(String(decoding: body, as: UTF8.self).debugDescription)")
        outcome.lines += trailers.pairs.map { "trailer \($0.name): \($0.value)" }
        body = []
    }
    feed(text, pieceCount) { input in
        if isBetween, !input.isEmpty {
            isBetween = false
            reader.expect(method: methods.popFirst() ?? "GET")
        }
        do throws(WireError) {
            while let part = try reader.next(&input) {
                switch part {
                case .interim(let head): outcome.lines.append("interim \(head.status) \(head.reason)")
                case .head(let head):
                    outcome.lines.append(
                        "\(head.version) \(head.status) \(head.reason) \(head.framing) \(head.keepsAlive ? "keeps" : "closes")")
                    outcome.lines += head.headers.pairs.map { "\($0.name): \($0.value)" }
                case .body(let count): body += input.take(count)
                case .end(let trailers):
                    end(trailers)
                    isBetween = input.isEmpty
                    if !isBetween { reader.expect(method: methods.popFirst() ?? "GET") }
                }
            }
            rest = input
            return true
        } catch {
            outcome.status = error.status
            return false
        }
    }
    if closes, outcome.status == nil {
        do throws(WireError) { if case .end(let trailers)? = try reader.close(rest) { end(trailers) } } catch {
            outcome.status = error.status
        }
    }
    return outcome
}

/// Hands the bytes over in pieces until `take` says that it wants no more.
private func feed(_ text: String, _ pieceCount: Int, _ take: (inout ByteQueue) -> Bool) {
    let bytes = text.unicodeScalars.flatMap { $0.value < 256 ? [UInt8($0.value)] : Array(String($0).utf8) }
    var input = ByteQueue()
    var at = 0
    repeat {
        let end = at + min(pieceCount, bytes.count - at)
        input.append(bytes[at..<end])
        at = end
        if !take(&input) { return }
    } while at < bytes.count
}
