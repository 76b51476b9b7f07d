import Testing
import Timing
import Wire

struct `A TLS greeting` {
    /// A length in two bytes and what it counts.
    private func taken(_ bytes: inout ArraySlice<UInt8>, _ count: Int) -> ArraySlice<UInt8> {
        defer { bytes = bytes.dropFirst(count) }
        return bytes.prefix(count)
    }
    private func number(_ bytes: inout ArraySlice<UInt8>) -> Int { taken(&bytes, 2).reduce(0) { $0 << 8 | Int($1) } }

    @Test(arguments: [nil, "example.com"] as [String?]) func `is one record whose lengths all meet`(name: String?) throws {
        var random = SeededRandom(seed: 7)
        let hello = TLSGreeting.clientHello(serverName: name, random: &random)
        var rest = hello[...]
        #expect(Array(taken(&rest, 3)) == [22, 3, 1])
        #expect(number(&rest) == rest.count)
        #expect(Array(taken(&rest, 2)) == [1, 0])
        #expect(number(&rest) == rest.count)
        _ = taken(&rest, 2 + 32)
        #expect(taken(&rest, 1) == [32])
        _ = taken(&rest, 32)
        let ciphers = number(&rest)
        #expect(ciphers > 0 && ciphers % 2 == 0)
        _ = taken(&rest, ciphers)
        #expect(Array(taken(&rest, 2)) == [1, 0])
        #expect(number(&rest) == rest.count)
        var types: [Int] = []
        var names: [UInt8] = []
        while !rest.isEmpty {
            let type = number(&rest)
            let length = number(&rest)
            try #require(length <= rest.count)
            let body = taken(&rest, length)
            types.append(type)
            if type == 0 { names = Array(body.dropFirst(5)) }
        }
        #expect(types == (name == nil ? [] : [0]) + [23, 0xFF01, 10, 11, 13, 43, 45, 51])
        #expect(names == Array((name ?? "").utf8))
        #expect(TLSGreeting.clientHello(serverName: name, random: &random) != hello, "no two are alike")
    }

    @Test func `is answered by a ServerHello, an alert, or by something else`() {
        let table: [([UInt8], TLSGreeting.Answer)] = [
            ([22, 3, 3, 0, 122, 2, 0, 0, 118, 3, 3], .serverHello), ([22, 3, 1, 0, 5, 2], .serverHello),
            ([21, 3, 3, 0, 2, 2, 40], .refused("the server refused with alert 40 (handshake failure)")),
            ([21, 3, 1, 0, 2, 2, 70], .refused("the server refused with alert 70 (protocol version)")),
            ([21, 3, 1, 0, 2, 2, 255], .refused("the server refused with alert 255")),
            ([22, 3, 3, 0, 5, 11], .refused("the first handshake message has type 11, a ServerHello has 2")),
            (Array("HTTP/1.1 400 Bad Request\r\n".utf8), .refused("the first record does not look like a TLS handshake")),
            (Array("H".utf8), .refused("the first record does not look like a TLS handshake")),
            ([22, 2, 0], .refused("the first record does not look like a TLS handshake")), ([], .incomplete), ([22], .incomplete),
            ([22, 3, 3, 0, 5], .incomplete), ([21, 3, 3, 0, 2, 2], .incomplete),
        ]
        for (bytes, answer) in table { #expect(TLSGreeting.judge(bytes) == answer, "\(bytes)") }
    }

    @Test func `is decided after a few bytes, however they come`() {
        for answer in [[22, 3, 3, 0, 122, 2, 0], [21, 3, 3, 0, 2, 2, 40], [22, 3, 3, 0, 5, 1, 0]] as [[UInt8]] {
            #expect(TLSGreeting.judge(Array(answer.prefix(TLSGreeting.answerLength))) != .incomplete)
        }
    }
}
