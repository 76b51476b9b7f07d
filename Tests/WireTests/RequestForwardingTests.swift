import Testing

@testable import Wire

@Suite struct `A request is passed on` {
    static let way = RequestWay(client: "10.0.0.9", entrance: "127.0.0.1:8080")
    static let marks = RequestMarks(high: 0x1122_3344_5566_7788, low: 0x99AA_BBCC_DDEE_FF00, parent: 0x0102_0304_0506_0708)

    /// The lines that the endpoint gets.
    private func pass(_ text: String, way: RequestWay = Self.way) throws -> [String] {
        var reader = RequestReader()
        var input = ByteQueue(Array(text.replacingLineEnds.utf8))
        guard case .head(let head)? = try reader.next(&input) else {
            Issue.record("no head")
            return []
        }
        var output = ByteQueue([0x21])
        RequestForwarding.write(head, way, Self.marks, into: &output)
        let written = String(decoding: output.bytes, as: UTF8.self)
        #expect(written.hasPrefix("!"), "what was there stays")
        #expect(written.hasSuffix("\r\n\r\n"))
        return written.dropFirst().split(separator: "\r\n").map(String.init)
    }

    @Test func `with the client's address, an id and a trace`() throws {
        #expect(
            try pass("GET /a?b HTTP/1.1\nHost: shop\nAccept: */*\n\n") == [
                "GET /a?b HTTP/1.1", "Host: shop", "Accept: */*", "X-Forwarded-For: 10.0.0.9", "X-Forwarded-Proto: http",
                "X-Forwarded-Host: shop",
                "X-Forwarded-Port: 8080", "Forwarded: for=10.0.0.9;proto=http;host=\"shop\"",
                "X-Request-Id: 112233445566778899aabbccddeeff00", "traceparent: 00-112233445566778899aabbccddeeff00-0102030405060708-01",
            ])
    }

    /// What comes in, what goes on, what does not.
    static let rows: [(request: String, there: [String], gone: [String])] = [
        (
            "GET / HTTP/1.1\nHost: a\nX-Forwarded-For: 1.1.1.1\nX-Forwarded-For:\nX-Forwarded-For: 2.2.2.2, 3.3.3.3\n\n",
            ["X-Forwarded-For: 1.1.1.1, 2.2.2.2, 3.3.3.3, 10.0.0.9"], []
        ),
        (
            "GET / HTTP/1.1\nHost: a\nForwarded: for=\"[::1]:4\";by=x\nForwarded: for=b\n\n",
            ["Forwarded: for=\"[::1]:4\";by=x, for=b, for=10.0.0.9;proto=http;host=\"a\""], []
        ),
        // A string left open must not swallow the client's address.
        ("GET / HTTP/1.1\nHost: a\nForwarded: for=\"x\n\n", ["Forwarded: for=10.0.0.9;proto=http;host=\"a\""], ["x, for"]),
        ("GET / HTTP/1.1\nHost: a\nForwarded: for=\"x\\\"\n\n", ["Forwarded: for=10.0.0.9;proto=http;host=\"a\""], ["x\\"]),
        (
            "GET / HTTP/1.1\nHost: a\nX-Forwarded-Proto: https\nX-Forwarded-Host: shop.example\nX-Forwarded-Port: 443\n\n",
            ["X-Forwarded-Proto: https", "X-Forwarded-Host: shop.example", "X-Forwarded-Port: 443"], ["proto: http\r", "Port: 8080"]
        ),
        ("GET / HTTP/1.1\nHost: a\nx-request-id: my-7\nX-Request-Id: other\n\n", ["X-Request-Id: my-7"], ["other"]),
        ("GET / HTTP/1.1\nHost: a\nX-Request-Id: two words\n\n", ["X-Request-Id: 112233445566778899aabbccddeeff00"], ["two words"]),
        (
            "GET / HTTP/1.1\nHost: a\nX-Request-Id: \(String(repeating: "a", count: 129))\n\n",
            ["X-Request-Id: 112233445566778899aabbccddeeff00"], ["aaaa"]
        ),
        (
            "GET / HTTP/1.1\nHost: a\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\ntracestate: k=v\n\n",
            ["traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00", "tracestate: k=v"], ["1122334455667788-"]
        ),
        // A trace of another form is none: it begins anew (W3C Trace Context, 4.3).
        (
            "GET / HTTP/1.1\nHost: a\ntraceparent: 00-0AF7651916CD43DD8448EB211C80319C-B7AD6B7169203331-00\ntracestate: k=v\n\n",
            ["traceparent: 00-112233445566778899aabbccddeeff00-0102030405060708-01"], ["tracestate", "0AF7"]
        ),
        (
            "GET / HTTP/1.1\nHost: a\ntraceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00\n"
                + "traceparent: 00-0af7651916cd43dd8448eb211c80319d-b7ad6b7169203331-00\n\n",
            ["traceparent: 00-112233445566778899aabbccddeeff00-0102030405060708-01"], ["0af7"]
        ),
        ("GET / HTTP/1.1\nHost: a\ntracestate: k=v\n\n", [], ["tracestate"]),
        (
            "GET http://shop:81/p?q HTTP/1.1\nHost: other\n\n", ["GET /p?q HTTP/1.1", "Host: shop:81", "X-Forwarded-Host: shop:81"],
            ["other"]
        ),
        ("GET http://shop?q HTTP/1.1\nHost: other\n\n", ["GET /?q HTTP/1.1", "Host: shop"], ["other"]),
        ("GET http://shop HTTP/1.1\nHost: other\n\n", ["GET / HTTP/1.1", "Host: shop"], ["other"]),
        ("OPTIONS http://shop HTTP/1.1\nHost: other\n\n", ["OPTIONS * HTTP/1.1", "Host: shop"], ["other"]),
        ("OPTIONS * HTTP/1.1\nHost: shop\n\n", ["OPTIONS * HTTP/1.1", "Host: shop"], []),
        (
            "GET / HTTP/1.0\nExpect: 100-continue\n\n", ["GET / HTTP/1.1", "Host: 127.0.0.1:8080", "X-Forwarded-Host: 127.0.0.1:8080"],
            ["Expect"]
        ),
        ("GET / HTTP/1.1\nHost:\n\n", ["Host: ", "X-Forwarded-Host: 127.0.0.1:8080"], []),
        (
            "GET / HTTP/1.1\nHost: a\nConnection: close, X-Hop, Host, X-Forwarded-For, x-request-id\nX-Hop: 1\nX-Request-Id: 5\n"
                + "Keep-Alive: 3\nProxy-Connection: x\nTE: trailers\n\n",
            ["Host: a", "X-Request-Id: 5"], ["X-Hop", "Connection", "Keep-Alive", "TE:"]
        ),
        (
            "POST / HTTP/1.1\nHost: a\nTransfer-Encoding: Chunked\n\n", ["Transfer-Encoding: chunked"], ["Chunked"]
        ),
        (
            "GET / HTTP/1.1\nHost: a\nConnection: keep-alive, Upgrade\nUpgrade: websocket\n\n",
            ["Connection: upgrade", "Upgrade: websocket"],
            ["keep-alive"]
        ),
        // HTTP/2 without TLS would carry requests past the proxy.
        (
            "GET / HTTP/1.1\nHost: a\nConnection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAAQAAP__\n\n", [],
            ["pgrade", "HTTP2", "AAMA"]
        ),
        (
            "GET / HTTP/1.1\nHost: a\nConnection: Upgrade, HTTP2-Settings\nUpgrade: H2C,websocket,h2 , x/1\nHTTP2-Settings: AAMAAABkAAQAAP__\n\n",
            ["Connection: upgrade", "Upgrade: websocket,x/1"], ["h2", "H2C", "HTTP2"]
        ),
        // Upgrade without Connection is none.
        ("GET / HTTP/1.1\nHost: a\nUpgrade: websocket\n\n", [], ["websocket"]),
    ]

    @Test(arguments: rows.indices) func `changed where it must be`(index: Int) throws {
        let row = Self.rows[index]
        let lines = try pass(row.request)
        for line in row.there { #expect(lines.contains(line), "\(lines)") }
        for part in row.gone { #expect(!lines.joined(separator: "\r\n").contains(part), "\(part) in \(lines)") }
        #expect(lines.count { $0.hasPrefix("Host:") } == 1)
    }

    @Test func `for a client of IPv6, whose address is quoted where it must be`() throws {
        let lines = try pass("GET / HTTP/1.1\nHost: a\n\n", way: RequestWay(client: "2001:db8::1", entrance: "127.0.0.1:80"))
        #expect(lines.contains("X-Forwarded-For: 2001:db8::1"))
        #expect(lines.contains("Forwarded: for=\"[2001:db8::1]\";proto=http;host=\"a\""))
    }

    @Test func `in the room that was made for it, however long its lists are`() throws {
        let commas = String(repeating: "a,", count: 7000)
        _ = try pass("GET http://\(String(repeating: "h", count: 9000))/ HTTP/1.1\nHost: a\nUpgrade: \(commas)\nConnection: upgrade\n\n")
        _ = try pass("GET / HTTP/1.1\nHost: \(String(repeating: "h", count: 9000))\nX-Forwarded-For: \(commas)\nForwarded: \(commas)\n\n")
        #expect(throws: WireError.self) { try pass("GET / HTTP/1.1\nHost: a\nConnection: \(commas)\n\n") }
    }

    static let traces: [(value: String, isValid: Bool)] = [
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
        ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", true),
        ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later", true),
        ("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01later", false),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-later", false),
        ("ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
        ("00-00000000000000000000000000000000-b7ad6b7169203331-01", false),
        ("00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", false),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0", false),
        ("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-0g", false),
        ("00_0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", false),
        ("", false),
    ]

    @Test(arguments: traces) func `with the trace that it came with only where that is valid`(value: String, isValid: Bool) {
        #expect(Array(value.utf8).withUnsafeBufferPointer { TraceParent.isValid($0) } == isValid)
    }

    @Test func `and its id can be told afterwards`() {
        #expect(Self.marks.requestID(of: ["X-Request-Id": "given"]) == "given")
        #expect(Self.marks.requestID(of: [:]) == "112233445566778899aabbccddeeff00")
        #expect(RequestMarks(high: 0, low: 0, parent: 0).requestID(of: [:]) == "00000000000000000000000000000001")
    }
}

extension String {
    fileprivate var replacingLineEnds: String { split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\r\n") }
}
