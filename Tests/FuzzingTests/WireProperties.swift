import Wire

@testable import ServiceProxy

extension Property {
    /// A connection's bytes as requests: the same however they are cut, and the same behind the proxy.
    static let request = Property(name: "request") { bytes in
        let whole = Conversation(requests: [bytes])
        for pieces in drips(bytes) where Conversation(requests: pieces) != whole { return "read in pieces it is something else" }
        for message in whole.requests where message.head.framing != .tunnel {
            let head = message.head
            var output = ByteQueue()
            let marks = RequestMarks(high: 1, low: 2, parent: 3)
            RequestForwarding.write(head, RequestWay(client: "10.0.0.1", entrance: "127.0.0.1:80"), marks, into: &output)
            if head.framing == .chunked {
                Chunks.append(message.body, into: &output)
                Chunks.finish(trailers: message.trailers, into: &output)
            } else {
                output.append(message.body)
            }
            let passed = Conversation(requests: [output.bytes])
            guard passed.requests.count == 1, passed.isRefused == false, let again = passed.requests.first else {
                return "what is passed on is not one request"
            }
            guard again.head.method == head.method, again.body == message.body, pairs(again.trailers) == pairs(message.trailers) else {
                return "what is passed on is another request"
            }
            if pairs(foreign(again.head.headers)) != pairs(foreign(head.headers)) { return "what is passed on has other fields" }
            for known in [KnownField.host, .forwardedFor, .forwarded, .requestID, .traceParent]
            where again.head.headers.all("\(known.name)").count != 1 {
                return "what is passed on has \(known.name) not once"
            }
            guard again.head.headers.list(.forwardedFor).last == "10.0.0.1" else { return "who asked is not told" }
        }
        return nil
    }

    /// The bytes of a body in chunks, with what follows it: as for a connection's bytes, but the fuzzer need not find a head first.
    static let chunks = Property(name: "chunks") { bytes in
        request.violation(Array("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8) + bytes)
    }

    /// A connection's bytes as the answers to GET requests: the same however they are cut, and the same behind the proxy.
    static let response = Property(name: "response") { bytes in
        let whole = Conversation(responses: [bytes])
        for pieces in drips(bytes) where Conversation(responses: pieces) != whole { return "read in pieces it is something else" }
        for message in whole.responses where message.head.framing != .tunnel {
            var head = message.head
            let (coding, _) = HeadRewriting.rewrite(&head, toHTTP11: true, keepsAlive: true)
            var output = ByteQueue()
            head.serialize(into: &output)
            if coding == .chunked {
                Chunks.append(message.body, into: &output)
                Chunks.finish(trailers: message.trailers, into: &output)
            } else {
                output.append(message.body)
            }
            let passed = Conversation(responses: [output.bytes])
            guard passed.responses.count == 1, passed.isRefused == false, let again = passed.responses.first else {
                return "what is passed on is not one response"
            }
            guard again.head.status == head.status, again.head.reason == head.reason, again.body == message.body,
                pairs(again.head.headers) == pairs(head.headers)
            else { return "what is passed on is another response" }
        }
        return nil
    }

    /// The beginning of a connection that a proxy passes on: the same however it is cut, and when it is written and read again.
    static let proxyHeader = Property(name: "proxyheader") { bytes in
        let whole = proxyHeader([bytes])
        for pieces in drips(bytes) where proxyHeader(pieces) != whole { return "read in pieces it is something else" }
        guard case .success((let header?, _)) = whole.result else { return nil }
        var output = ByteQueue()
        header.serialize(into: &output)
        let again = proxyHeader([output.bytes])
        guard case .success((let second?, let rest)) = again.result, second == header, rest == 0 else {
            return "written it is something else"
        }
        return nil
    }

    /// What was read, and how many bytes were left of the piece that ended it.
    private static func proxyHeader(_ pieces: [[UInt8]]) -> ProxyReading {
        var input = ByteQueue()
        var total = 0
        let all = pieces.reduce(0) { $0 + $1.count }
        for piece in pieces {
            input.append(piece)
            total += piece.count
            do throws(WireError) {
                if let header = try ProxyHeader.next(&input) { return ProxyReading(result: .success((header, all - total + input.count))) }
            } catch { return ProxyReading(result: .failure(error)) }
        }
        return ProxyReading(result: .success((nil, 0)))
    }

    private struct ProxyReading: Equatable {
        var result: Result<(header: ProxyHeader?, left: Int), WireError>

        static func == (a: Self, b: Self) -> Bool {
            switch (a.result, b.result) {
            case (.success(let a), .success(let b)): a == b
            case (.failure(let a), .failure(let b)): a == b
            default: false
            }
        }
    }

    /// The fields that are no business of a proxy.
    private static func foreign(_ headers: HTTPHeaders) -> HTTPHeaders {
        var headers = headers
        headers.removeHopByHop()
        let own: [KnownField] = [
            .host, .expect, .forwarded, .forwardedFor, .forwardedProto, .forwardedHost, .forwardedPort, .requestID, .traceParent,
            .traceState,
        ]
        for known in own { headers.remove(known) }
        return headers
    }

    static func pairs(_ headers: HTTPHeaders) -> [String] { headers.pairs.map { "\($0.name): \($0.value)" } }

    /// The bytes one by one, and in pieces whose lengths follow from the bytes themselves, so that every run is the same.
    private static func drips(_ bytes: [UInt8]) -> [[[UInt8]]] {
        var seed = bytes.reduce(UInt64(1)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        var pieces: [[UInt8]] = []
        var at = 0
        while at < bytes.count {
            seed = seed &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let end = min(bytes.count, at + 1 + Int(seed >> 33) % 24)
            pieces.append(Array(bytes[at..<end]))
            at = end
        }
        return bytes.count <= 2000 ? [bytes.map { [$0] }, pieces] : [pieces]
    }
}
