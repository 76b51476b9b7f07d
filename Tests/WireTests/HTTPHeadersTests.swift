import Testing

@testable import Wire

@Suite struct `Headers` {
    @Test func `are found in any case, in their order`() {
        var headers: HTTPHeaders = ["Accept": "a", "X-One": "1", "accept": "b"]
        #expect(headers["ACCEPT"] == "a")
        #expect(headers.all("accept") == ["a", "b"])
        #expect(headers[.accept] == "a")
        headers.set("X-ONE", "2")
        #expect(headers.pairs.map(\.name) == ["Accept", "accept", "X-ONE"])
        headers.remove("accept")
        #expect(headers.pairs.map(\.value) == ["2"])
        #expect(headers["^"] == nil)
    }

    @Test func `of a token that differs only in the bit of case are different names`() {
        let headers: HTTPHeaders = ["a^b": "1"]
        #expect(headers["a~b"] == nil)
        #expect(headers["A^B"] == "1")
    }

    @Test func `cannot be made to carry lines of their own`() {
        var output = ByteQueue()
        HTTPHeaders([("Warning", "a\r\nSet-Cookie: b\0")]).serialize(into: &output)
        #expect(String(decoding: output.bytes, as: UTF8.self) == "Warning: a  Set-Cookie: b \r\n")
    }

    @Test func `are written as they were read`() throws {
        var reader = RequestReader()
        var input = ByteQueue(Array("GET /x HTTP/1.1\r\nHost:a\r\nX:  b c \r\nEmpty:\r\n\r\n".utf8))
        guard case .head(var head)? = try reader.next(&input) else { return _ = Issue.record("no head") }
        head.headers.add("Via", "1.1 steady")
        var output = ByteQueue()
        head.serialize(into: &output)
        #expect(
            String(decoding: output.bytes, as: UTF8.self) == "GET /x HTTP/1.1\r\nHost: a\r\nX: b c\r\nEmpty: \r\nVia: 1.1 steady\r\n\r\n")
    }

    static let hops: [(given: HTTPHeaders, kept: [String])] = [
        (["Connection": "close", "Keep-Alive": "timeout=5", "TE": "trailers", "Upgrade": "h2c", "Proxy-Connection": "x", "A": "1"], ["A"]),
        (["Connection": "x-mine, Keep-Alive", "X-Mine": "1", "X-Other": "2"], ["X-Other"]),
        (["Connection": "host, content-length", "Host": "x", "Content-Length": "1"], ["Host", "Content-Length"]),
        (["Transfer-Encoding": "chunked", "Trailer": "Digest"], ["Trailer"]),
    ]

    @Test(arguments: hops.indices) func `that concern one hop are removed, and those they name`(index: Int) {
        var headers = Self.hops[index].given
        headers.removeHopByHop()
        #expect(headers.pairs.map(\.name) == Self.hops[index].kept)
    }

    @Test func `of a list are split at commas`() {
        let headers: HTTPHeaders = ["Connection": " keep-alive ,, UPGRADE", "connection": "x"]
        #expect(headers.list(.connection) == ["keep-alive", "UPGRADE", "x"])
        #expect(headers.list(.connection, contains: "upgrade"))
        #expect(!headers.list(.connection, contains: "up"))
    }

    @Test func `of every class of octets are what the RFC says`() {
        let tokens = Set("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ".utf8)
        for octet in UInt8.min...UInt8.max {
            #expect(Octets.isToken(octet) == tokens.contains(octet), "\(octet)")
            #expect(Octets.isFieldValue(octet) == (octet == 9 || octet >= 32 && octet != 127), "\(octet)")
        }
    }

    @Test func `that are known are recognised by every one of their names`() {
        for raw in 1...UInt8.max {
            guard let known = KnownField(rawValue: raw) else { break }
            let name = known.name.withUTF8Buffer { String(decoding: $0, as: UTF8.self) }
            for spelled in [name, name.lowercased(), name.uppercased()] {
                var headers = HTTPHeaders()
                headers.add(spelled, "x")
                #expect(headers.contains(known), "\(spelled)")
            }
        }
    }
}
