import Wire

/// What a reader made of one connection's bytes.
struct Conversation: Equatable {
    struct Message<Head> {
        var head: Head
        var body: [UInt8] = []
        var trailers = HTTPHeaders()
    }

    private(set) var requests: [Message<RequestHead>] = []
    private(set) var responses: [Message<ResponseHead>] = []
    private(set) var isRefused = false
    /// All that was read, one line each, for comparing.
    private var lines: [String] = []

    static func == (a: Conversation, b: Conversation) -> Bool { a.lines == b.lines && a.isRefused == b.isRefused }

    init(requests pieces: [[UInt8]]) {
        var reader = RequestReader()
        var input = ByteQueue()
        var open: Message<RequestHead>?
        for piece in pieces where !isRefused {
            input.append(piece)
            do throws(WireError) {
                while let part = try reader.next(&input) {
                    switch part {
                    case .head(let head):
                        open = Message(head: head)
                        lines.append(
                            "\(head.method) \(head.target) \(head.version) \(head.framing) \(head.keepsAlive) \(head.expectsContinue)")
                        lines += Property.pairs(head.headers)
                    case .body(let count): open?.body += input.take(count)
                    case .end(let trailers):
                        open?.trailers = trailers
                        if let open { requests.append(open) }
                        lines.append("body \(open?.body ?? [])")
                        lines += Property.pairs(trailers)
                    }
                }
            } catch { isRefused = true }
        }
    }

    init(responses pieces: [[UInt8]]) {
        var reader = ResponseReader()
        var input = ByteQueue()
        var open: Message<ResponseHead>?
        var isBetween = true
        func end(_ trailers: HTTPHeaders) {
            open?.trailers = trailers
            if let open { responses.append(open) }
            lines.append("body \(open?.body ?? [])")
            lines += Property.pairs(trailers)
        }
        for piece in pieces where !isRefused {
            input.append(piece)
            do throws(WireError) {
                while true {
                    if isBetween, !input.isEmpty {
                        isBetween = false
                        reader.expect(method: "GET")
                    }
                    guard let part = try reader.next(&input) else { break }
                    switch part {
                    case .interim(let head): lines.append("interim \(head.status) \(head.reason)")
                    case .head(let head):
                        open = Message(head: head)
                        lines.append("\(head.version) \(head.status) \(head.reason) \(head.framing) \(head.keepsAlive)")
                        lines += Property.pairs(head.headers)
                    case .body(let count): open?.body += input.take(count)
                    case .end(let trailers):
                        end(trailers)
                        isBetween = true
                    }
                }
            } catch { isRefused = true }
        }
        if isRefused || isBetween { return }
        do throws(WireError) { if case .end(let trailers)? = try reader.close(input) { end(trailers) } } catch { isRefused = true }
    }
}
