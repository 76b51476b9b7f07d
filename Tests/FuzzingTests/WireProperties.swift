import Wire

@testable import ServiceProxy

extension Property {
    /// A connection's bytes as requests: the same however they are cut, and the same behind the proxy.
    static let request = Property(name: "request") { bytes in
        let whole = Conversation(requests: [bytes])
        for pieces in drips(bytes) where Conversation(requests: pieces) != whole { return "read in pieces it is something else" }
        for message in whole.requests where message.head.framing != .tunnel {
            let head = HeadRewriting.request(message.head, client: "10.0.0.1", entrance: "e")
            var output = ByteQueue()
            head.serialize(into: &output)
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
            guard again.head.method == head.method, again.head.target == head.target, again.body == message.body,
                pairs(again.head.headers) == pairs(head.headers), pairs(again.trailers) == pairs(message.trailers)
            else { return "what is passed on is another request" }
        }
        return nil
    }

    /// A connection's bytes as the answers to GET requests: the same however they are cut, and the same behind the proxy.
    static let response = Property(name: "response") { bytes in
        let whole = Conversation(responses: [bytes])
        for pieces in drips(bytes) where Conversation(responses: pieces) != whole { return "read in pieces it is something else" }
        for message in whole.responses where message.head.framing != .tunnel {
            let (head, coding, _) = HeadRewriting.response(message.head, toHTTP11: true, keepsAlive: true)
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
