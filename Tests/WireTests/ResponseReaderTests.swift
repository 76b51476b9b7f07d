import Testing

@testable import Wire

@Suite struct `Responses are read` {
    @Test(arguments: [1, 2, 5, 1000]) func `the same however their bytes are cut`(pieceCount: Int) {
        let stream =
            "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
            + "HTTP/1.1 404\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\nA: b\r\n\r\n"
            + "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"
            + "HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"
            + "HTTP/1.0 200 \r\n\r\nto the end"
        let outcome = readResponses(stream, pieces: pieceCount, methods: ["POST", "GET", "HEAD"])
        #expect(
            outcome.lines == [
                "interim 100 Continue", "interim 103 Early Hints", "HTTP/1.1 200 OK length(2) keeps", "Content-Length: 2", "body \"hi\"",
                "HTTP/1.1 404 Not Found chunked keeps", "Transfer-Encoding: chunked", "body \"x\"", "trailer A: b",
                "HTTP/1.1 200 OK none keeps", "Content-Length: 50", "body \"\"",
                "HTTP/1.1 204 No Content none keeps", "body \"\"",
                "HTTP/1.1 304 Not Modified none keeps", "Content-Length: 9", "body \"\"",
                "HTTP/1.0 200 OK untilClose closes", "body \"to the end\"",
            ])
        #expect(outcome.status == nil)
    }

    static let refused: [(why: String, response: String, status: Int)] = [
        ("both lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("two lengths", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", 400),
        ("another coding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ("no status", "HTTP/1.1\r\n\r\n", 400),
        ("a short status", "HTTP/1.1 20 OK\r\n\r\n", 400),
        ("a long status", "HTTP/1.1 2000 OK\r\n\r\n", 400),
        ("a status below 100", "HTTP/1.1 099 OK\r\n\r\n", 400),
        ("two spaces", "HTTP/1.1  200 OK\r\n\r\n", 400),
        ("another protocol", "ICY 200 OK\r\n\r\n", 400),
        ("HTTP/2.0", "HTTP/2.0 200 OK\r\n\r\n", 400),
        ("a lone LF", "HTTP/1.1 200 OK\nA: b\n\n", 400),
        ("a folded line", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", 400),
        ("a lone CR in the reason", "HTTP/1.1 200 O\rK\r\n\r\n", 400),
        ("a close in the body", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nab", 502),
        ("a close in the chunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", 502),
        ("a close in the head", "HTTP/1.1 200 OK\r\nContent-", 502),
        ("interim responses without end", String(repeating: "HTTP/1.1 100 Continue\r\n\r\n", count: 17), 502),
    ]

    @Test(arguments: refused.indices) func `and refused`(index: Int) {
        let (why, response, status) = Self.refused[index]
        #expect(readResponses(response).status == status, "\(why)")
        #expect(readResponses(response, pieces: 1).status == status, "\(why), byte by byte")
    }

    @Test func `bytes that no request asked for are refused`() throws {
        var reader = ResponseReader()
        reader.expect(method: "HEAD")
        var input = ByteQueue(Array("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi".utf8))
        guard case .head? = try reader.next(&input), case .end? = try reader.next(&input) else {
            Issue.record("no head")
            return
        }
        #expect(throws: WireError.self) { try reader.next(&input) }
    }

    @Test(arguments: [("GET", 101), ("CONNECT", 200)]) func `a tunnel leaves its bytes alone`(method: String, status: Int) throws {
        var reader = ResponseReader()
        reader.expect(method: method)
        var input = ByteQueue(Array("HTTP/1.1 \(status) X\r\nUpgrade: y\r\n\r\nraw".utf8))
        guard case .head(let head)? = try reader.next(&input) else {
            Issue.record("no head")
            return
        }
        #expect(head.framing == .tunnel)
        #expect(try reader.next(&input) == nil)
        #expect(input.count == 3)
    }

    @Test func `a connection is not used again when a body may follow that must not be there`() {
        #expect(readResponses("HTTP/1.1 204 X\r\nContent-Length: 3\r\n\r\n").lines.first == "HTTP/1.1 204 X none closes")
        #expect(readResponses("HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n").lines.first == "HTTP/1.1 204 X none keeps")
    }
}
