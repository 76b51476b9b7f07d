import Testing

@testable import Wire

@Suite struct `Requests are read` {
    @Test(arguments: [1, 2, 3, 7, 1000]) func `the same however their bytes are cut`(pieceCount: Int) {
        let stream =
            "POST /a?b=c HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello"
            + "\r\nPUT /chunks HTTP/1.1\r\nhost: x:80\r\nTransfer-Encoding: Chunked\r\nAccept:  text/plain \t\r\n\r\n"
            + "3;name=\"v\"\r\nabc\r\n00a\r\n0123456789\r\n0\r\nDigest: x\r\nContent-Length: 7\r\n\r\n"
            + "GET http://other:8080/p HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\nOPTIONS * HTTP/1.1\r\nHost:\r\nConnection: a, close\r\n\r\n"
        #expect(
            readRequests(stream, pieces: pieceCount).lines == [
                "POST /a?b=c HTTP/1.1 length(5) keeps", "Host: x", "Content-Length: 5", "body \"hello\"",
                "PUT /chunks HTTP/1.1 chunked keeps", "host: x:80", "Transfer-Encoding: Chunked", "Accept: text/plain",
                "body \"abc0123456789\"", "trailer Digest: x",
                "GET http://other:8080/p HTTP/1.0 none keeps", "Connection: Keep-Alive", "body \"\"",
                "OPTIONS * HTTP/1.1 none closes", "Host: ", "Connection: a, close", "body \"\"",
            ])
        #expect(readRequests(stream, pieces: pieceCount).status == nil)
    }

    static let refused: [(why: String, request: String, status: Int)] = [
        ("both lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("both lengths, the other way round", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n", 400),
        ("two lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n", 400),
        ("two equal lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\n", 400),
        ("a list of lengths", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3, 3\r\n\r\n", 400),
        ("a signed length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +3\r\n\r\n", 400),
        ("a negative length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -3\r\n\r\n", 400),
        ("a hexadecimal length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x3\r\n\r\n", 400),
        ("an empty length", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", 400),
        ("a length past 63 bits", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9223372036854775808\r\n\r\n", 400),
        ("a length past the limit", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 8388609\r\n\r\n", 413),
        ("another coding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
        ("identity", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: identity\r\n\r\n", 501),
        ("chunked before another coding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", 400),
        ("chunked twice", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", 400),
        (
            "chunked twice on two lines", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
            400
        ),
        ("chunked with a parameter", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked;a=b\r\n\r\n", 400),
        ("chunked with a vertical tab", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \u{B}chunked\r\n\r\n", 400),
        ("chunked in quotes", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", 400),
        ("an empty coding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: , chunked\r\n\r\n", 400),
        ("no coding", "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding:\r\n\r\n", 400),
        ("chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
        ("a lone LF", "GET / HTTP/1.1\nHost: x\n\n", 400),
        ("a lone LF behind a field", "GET / HTTP/1.1\r\nHost: x\n\r\n", 400),
        ("a lone LF as the end", "GET / HTTP/1.1\r\nHost: x\r\n\n", 400),
        ("a lone CR in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n", 400),
        ("a lone CR in a name", "GET / HTTP/1.1\r\nHost: x\r\nA\rb: c\r\n\r\n", 400),
        ("a CR before CR LF", "GET / HTTP/1.1\r\nHost: x\r\r\n\r\n", 400),
        ("a lone CR in the request line", "GET /\rx HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("a folded line", "GET / HTTP/1.1\r\nHost: x\r\nA: b\r\n c\r\n\r\n", 400),
        ("a blank before the first field", "GET / HTTP/1.1\r\n Host: x\r\n\r\n", 400),
        ("a blank before the colon", "GET / HTTP/1.1\r\nHost : x\r\n\r\n", 400),
        ("no colon", "GET / HTTP/1.1\r\nHost: x\r\nwhat\r\n\r\n", 400),
        ("no name", "GET / HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n", 400),
        ("NUL in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: \0\r\n\r\n", 400),
        ("DEL in a value", "GET / HTTP/1.1\r\nHost: x\r\nA: \u{7F}\r\n\r\n", 400),
        ("a letter above ASCII in a name", "GET / HTTP/1.1\r\nHost: x\r\n\u{E4}: b\r\n\r\n", 400),
        ("two spaces in the request line", "GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("two spaces before the version", "GET /  HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("a blank behind the version", "GET / HTTP/1.1 \r\nHost: x\r\n\r\n", 400),
        ("a tab in the request line", "GET\t/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("no version", "GET /\r\nHost: x\r\n\r\n", 400),
        ("another protocol", "GET / HTTQ/1.1\r\nHost: x\r\n\r\n", 400),
        ("lower case", "GET / http/1.1\r\nHost: x\r\n\r\n", 400),
        ("HTTP/2.0", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
        ("HTTP/3.0", "GET / HTTP/3.0\r\nHost: x\r\n\r\n", 505),
        ("HTTP/1.2", "GET / HTTP/1.2\r\nHost: x\r\n\r\n", 505),
        ("HTTP/11.1", "GET / HTTP/11.1\r\nHost: x\r\n\r\n", 400),
        ("a method that is no token", "G@T / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("a method without end", String(repeating: "A", count: 33) + " / HTTP/1.1\r\nHost: x\r\n\r\n", 501),
        ("a TLS greeting", "\u{16}\u{3}\u{1}\u{2}", 400),
        ("a relative target", "GET a HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("another scheme", "GET ftp://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("user information", "GET http://a@x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("a fragment", "GET /a#b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("a star without OPTIONS", "GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("CONNECT to a path", "CONNECT /x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("CONNECT without a port", "CONNECT x HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("no Host", "GET / HTTP/1.1\r\nAccept: x\r\n\r\n", 400),
        ("two Hosts", "GET / HTTP/1.1\r\nHost: x\r\nhost: x\r\n\r\n", 400),
        ("a Host with a path", "GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", 400),
        ("a Host with user information", "GET / HTTP/1.1\r\nHost: a@x\r\n\r\n", 400),
        ("a Host with a list", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("an unknown expectation", "GET / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\n\r\n", 417),
        ("a long request line", "GET /" + String(repeating: "a", count: 16 * 1024) + " HTTP/1.1\r\nHost: x\r\n\r\n", 414),
        ("a long request line without end", "GET /" + String(repeating: "a", count: 17 * 1024), 414),
        ("a long head", "GET / HTTP/1.1\r\nHost: x\r\nA: " + String(repeating: "a", count: 64 * 1024) + "\r\n\r\n", 431),
        ("a long head without end", "GET / HTTP/1.1\r\nHost: x\r\nA: " + String(repeating: "a", count: 65 * 1024), 431),
        ("many fields", "GET / HTTP/1.1\r\nHost: x\r\n" + String(repeating: "A: b\r\n", count: 128) + "\r\n", 431),
        ("empty lines only", String(repeating: "\r\n", count: 5), 400),
    ]

    @Test(arguments: refused.indices) func `and refused with the status that says why`(index: Int) {
        let (why, request, status) = Self.refused[index]
        #expect(readRequests(request).status == status, "\(why)")
        if request.utf8.count < 1000 { #expect(readRequests(request, pieces: 1).status == status, "\(why), byte by byte") }
    }

    static let refusedChunks: [(why: String, chunks: String, status: Int)] = [
        ("no size", "\r\nabc\r\n", 400),
        ("a blank before the size", " 3\r\nabc\r\n0\r\n\r\n", 400),
        ("a blank behind the size", "3 \r\nabc\r\n0\r\n\r\n", 400),
        ("a sign", "+3\r\nabc\r\n0\r\n\r\n", 400),
        ("0x", "0x3\r\nabc\r\n0\r\n\r\n", 400),
        ("a letter past F", "3g\r\nabc\r\n0\r\n\r\n", 400),
        ("a size past 60 bits", "1000000000000000\r\n", 400),
        ("a size past the limit", "800001\r\n", 413),
        ("many chunks past the limit", String(repeating: "80000\r\n" + String(repeating: "a", count: 0x80000) + "\r\n", count: 17), 413),
        ("a lone LF behind the size", "3\nabc\r\n0\r\n\r\n", 400),
        ("a lone CR behind the size", "3\rabc\r\n0\r\n\r\n", 400),
        ("data longer than the size", "3\r\nabcd\r\n0\r\n\r\n", 400),
        ("a lone LF behind the data", "3\r\nabc\n0\r\n\r\n", 400),
        ("a lone LF in an extension", "3;a\nb\r\nabc\r\n0\r\n\r\n", 400),
        ("NUL in an extension", "3;a\0b\r\nabc\r\n0\r\n\r\n", 400),
        ("an extension without end", "3;" + String(repeating: "a", count: 2000) + "\r\nabc\r\n0\r\n\r\n", 413),
        (
            "extensions on every chunk",
            String(repeating: "1;" + String(repeating: "a", count: 900) + "\r\nx\r\n", count: 20) + "0\r\n\r\n", 413
        ),
        ("a folded trailer", "0\r\nA: b\r\n c\r\n\r\n", 400),
        ("a trailer without colon", "0\r\nAb\r\n\r\n", 400),
        ("many trailers", "0\r\n" + String(repeating: "A: b\r\n", count: 129) + "\r\n", 431),
    ]

    @Test(arguments: refusedChunks.indices) func `and so are chunks`(index: Int) {
        let (why, chunks, status) = Self.refusedChunks[index]
        let request = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
        #expect(readRequests(request).status == status, "\(why)")
        if chunks.utf8.count < 30_000 { #expect(readRequests(request, pieces: 1).status == status, "\(why), byte by byte") }
    }

    @Test func `a refusal stays: nothing behind it is read`() {
        var reader = RequestReader()
        var input = ByteQueue(Array("GET / HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
        for _ in 0..<2 { #expect(throws: WireError(400, "Host is missing")) { try reader.next(&input) } }
    }

    @Test func `whether the sender waits for 100 Continue`() throws {
        func head(_ text: String) throws -> RequestHead? {
            var reader = RequestReader()
            var input = ByteQueue(Array(text.utf8))
            guard case .head(let head)? = try reader.next(&input) else { return nil }
            return head
        }
        #expect(try head("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-Continue\r\nContent-Length: 3\r\n\r\n")?.expectsContinue == true)
        #expect(try head("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 0\r\n\r\n")?.expectsContinue == false)
        #expect(try head("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n")?.expectsContinue == false)
    }
}
