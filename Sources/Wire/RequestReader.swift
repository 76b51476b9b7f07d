/// What comes next in a stream of requests.
package enum RequestPart: Sendable {
    case head(RequestHead)
    /// This many bytes at the front of the queue are body. They must be consumed BEFORE the next call.
    case body(Int)
    /// The request is whole; what follows is the next one.
    case end(trailers: HTTPHeaders)
}

/// Reads requests from the bytes of one connection, one after the other, however they are cut.
///
/// Cost: one look at every octet of a head, one copy of it into memory that a `HeadRoom` lends; bodies are not copied.
package struct RequestReader: Sendable {
    private enum State: Sendable {
        case head(HeadReader, line: RequestLine?)
        case body(BodyReader)
        case refused(WireError)
    }

    private let limits: WireLimits
    private var state = State.head(HeadReader(expectsStartLine: true), line: nil)
    private var emptyLineCount = 0

    /// RFC 9112, 2.2 asks to skip an empty line before a request (old clients send one behind a body); more is noise.
    private static let leadingEmptyLineLimit = 4

    package init(limits: WireLimits = .standard) { self.limits = limits }

    /// Whether nothing of a next request was read: then a close by the peer is no loss.
    package func isBetweenRequests(_ input: ByteQueue) -> Bool { if case .head = state { input.isEmpty } else { false } }

    /// Nil: more bytes are needed. AFTER an error every call throws it again.
    package mutating func next(_ input: inout ByteQueue) throws(WireError) -> RequestPart? {
        var room = HeadRoom()
        return try next(&input, &room)
    }

    /// Nil: more bytes are needed. AFTER an error every call throws it again.
    ///
    /// - Parameter room: where the memory of heads comes from; who is done with one gives it back there.
    package mutating func next(_ input: inout ByteQueue, _ room: inout HeadRoom) throws(WireError) -> RequestPart? {
        do throws(WireError) {
            switch state {
            case .head: return try nextHead(&input, &room)
            case .body(var body):
                let part = try body.next(&input, limits)
                state = .body(body)
                switch part {
                case nil: return nil
                case .bytes(let count): return .body(count)
                case .end(let trailers):
                    state = .head(HeadReader(expectsStartLine: true), line: nil)
                    emptyLineCount = 0
                    return .end(trailers: trailers)
                }
            case .refused(let error): throw error
            }
        } catch {
            state = .refused(error)
            throw error
        }
    }

    private mutating func nextHead(_ input: inout ByteQueue, _ room: inout HeadRoom) throws(WireError) -> RequestPart? {
        guard case .head(var reader, var line) = state else { return nil }
        // The state gives its reader up meanwhile, so that the fields grow in place.
        state = .head(HeadReader(expectsStartLine: true), line: nil)
        if line == nil {
            try skipEmptyLines(&input)
            // Perhaps the first half of an empty line.
            if input.count == 1, input[0] == Octets.cr { return nil }
        }
        let limits = limits
        let length: Int? = try input.withBytes { bytes throws(WireError) in
            if line == nil, let first = bytes.first, !Octets.isToken(first) {
                throw .bad("this is no HTTP request: it begins with the octet \(first)")
            }
            while let found = try reader.read(bytes, limits) {
                switch found {
                case .startLine(let range):
                    line = try RequestLine(UnsafeBufferPointer(rebasing: bytes[range]))
                    reader.useRoom(room.take())
                case .complete(let count): return count
                }
            }
            return nil
        }
        guard let length, let line else {
            state = .head(reader, line: line)
            return nil
        }
        let facts = reader.facts
        if facts.hasUnknownExpectation { throw WireError(417, "Expect has something other than 100-continue") }
        if limits.requiresHost, facts.hostCount == 0, line.version == .http11 { throw .bad("Host is missing") }
        if facts.hostCount > 1 { throw .bad("Host is given twice") }
        if !facts.isHostValid { throw .bad("Host is not a host with an optional port") }
        var head = RequestHead(
            method: line.method, target: line.target, version: line.version, headers: reader.finish(length, of: &input),
            framing: try Self.framing(facts, line.version))
        head.keepsAlive = line.version == .http11 ? !facts.saysClose : facts.saysKeepAlive && !facts.saysClose
        head.expectsContinue = facts.expectsContinue && line.version == .http11 && head.framing != .none && head.framing != .length(0)
        state = .body(try BodyReader(head.framing, limits))
        return .head(head)
    }

    private static func framing(_ facts: FramingFacts, _ version: HTTPVersion) throws(WireError) -> BodyFraming {
        if facts.hasTransferEncoding {
            if facts.contentLength != nil { throw .bad("both Content-Length and Transfer-Encoding are given") }
            if version == .http10 { throw .bad("Transfer-Encoding in a message of HTTP/1.0") }
            return .chunked
        }
        return facts.contentLength.map { .length($0) } ?? .none
    }

    private mutating func skipEmptyLines(_ input: inout ByteQueue) throws(WireError) {
        while input.count >= 2, input[0] == Octets.cr, input[1] == Octets.lf {
            emptyLineCount += 1
            if emptyLineCount > Self.leadingEmptyLineLimit { throw .bad("empty lines instead of a request") }
            input.consume(2)
        }
    }
}

/// `method SP request-target SP HTTP-version`, with exactly these blanks (RFC 9112, 3).
struct RequestLine: Sendable {
    let method: String
    /// Where it stands in the line.
    let target: Range<Int>
    let version: HTTPVersion

    init(_ line: UnsafeBufferPointer<UInt8>) throws(WireError) {
        var at = 0
        while at < line.count, Octets.isToken(line[at]) { at += 1 }
        guard at > 0, at < line.count, line[at] == Octets.space else {
            throw .bad("the request line does not begin with a method and one space")
        }
        // Longer than any registered method; RFC 9112, 3 asks for 501.
        if at > 32 { throw WireError(501, "the method is longer than 32 characters") }
        method = Self.method(UnsafeBufferPointer(rebasing: line[0..<at]))
        let targetStart = at + 1
        at = targetStart
        while at < line.count, line[at] > 0x20, line[at] != 0x7F, line[at] != 0x23 { at += 1 }
        guard at > targetStart, at < line.count, line[at] == Octets.space else {
            throw .bad("the request's target is empty, or holds a control character or a fragment, or no version follows it")
        }
        let octets = UnsafeBufferPointer(rebasing: line[targetStart..<at])
        try Self.checkForm(octets, method)
        if !Octets.isUTF8(octets) { throw .bad("the request's target is not UTF-8") }
        target = targetStart..<at
        version = try Self.version(UnsafeBufferPointer(rebasing: line[(at + 1)...]))
    }

    /// Without an allocation for the usual ones.
    private static func method(_ octets: UnsafeBufferPointer<UInt8>) -> String {
        if octets.count == 3, octets[0] == 0x47, octets[1] == 0x45, octets[2] == 0x54 { return "GET" }
        return String(decoding: octets, as: UTF8.self)
    }

    /// RFC 9112, 3.2: a path; a whole URL; for CONNECT `host:port`; for OPTIONS also `*`.
    private static func checkForm(_ target: UnsafeBufferPointer<UInt8>, _ method: String) throws(WireError) {
        if method == "CONNECT" {
            guard let colon = target.lastIndex(of: Octets.colon), colon > 0, colon < target.count - 1,
                target[(colon + 1)...].allSatisfy(Octets.isDigit), !target.contains(0x2F)
            else { throw .bad("CONNECT needs host:port") }
            return
        }
        if target[0] == 0x2F { return }
        if method == "OPTIONS", target.count == 1, target[0] == 0x2A { return }
        guard let authority = RequestTarget.authorityRange(target) else {
            throw .bad("the request's target is neither a path nor an http URL")
        }
        if !target[authority].allSatisfy(FramingFacts.isHostOctet) {
            throw .bad("the authority of the request's target is not a host with an optional port")
        }
    }

    private static func version(_ octets: UnsafeBufferPointer<UInt8>) throws(WireError) -> HTTPVersion {
        let name: StaticString = "HTTP/"
        guard octets.count == 8, octets[0] == name.utf8Start[0], octets[1] == name.utf8Start[1], octets[2] == name.utf8Start[2],
            octets[3] == name.utf8Start[3], octets[4] == name.utf8Start[4], Octets.isDigit(octets[5]), octets[6] == 0x2E,
            Octets.isDigit(octets[7])
        else { throw .bad("the request line does not end with HTTP/1.1") }
        switch (octets[5], octets[7]) {
        case (0x31, 0x31): return .http11
        case (0x31, 0x30): return .http10
        default: throw WireError(505, "only versions 1.1 and 1.0 of HTTP are served")
        }
    }
}
