import Testing
import Wire

@Suite struct `First bytes` {
    @Test(arguments: [
        ("GET / HTTP/1.1\r\n", FirstBytes.Verdict.http), ("OPTIONS * HTTP/1.1\r\n", .http), ("POST http://web/ HTTP/1.1\r\n", .http),
        ("PATCH /", .http), ("DELETE /a", .http), ("", .unknown), ("G", .unknown), ("GET ", .unknown), ("P", .unknown), ("PO", .unknown),
        ("GET key\r\n", .other), ("get /", .other), ("CONNECT a:1 HTTP/1.1\r\n", .other), ("PRI * HTTP/2.0\r\n", .other),
        ("\u{16}\u{3}\u{1}", .other), ("*1\r\n$4\r\nPING\r\n", .other), ("SSH-2.0-x", .other), ("GETS /", .other), ("\r\n", .other),
    ])
    func `tell HTTP from everything else`(text: String, expected: FirstBytes.Verdict) {
        Array(text.utf8).withUnsafeBufferPointer { #expect(FirstBytes.verdict($0) == expected) }
    }
}
