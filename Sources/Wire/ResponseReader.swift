/// What comes next in a stream of responses.
package enum ResponsePart: Sendable {
    /// 1xx except 101: another head follows.
    case interim(ResponseHead)
    case head(ResponseHead)
    /// This many bytes at the front of the queue are body. They must be consumed BEFORE the next call.
    case body(Int)
    case end(trailers: HTTPHeaders)
}

/// Reads responses from the bytes of one connection. BEFORE each response it must be told the method of its request: the answer to HEAD has no
/// body whatever its head says.
package struct ResponseReader: Sendable {
    private enum State: Sendable {
        /// No request is open: whatever comes is unasked for.
        case idle
        case head(HeadReader, line: StatusLine?)
        case body(BodyReader)
        case tunnel
        case refused(WireError)
    }

    private let limits: WireLimits
    private var state = State.idle
    private var method = "GET"
    private var mayUpgrade = true
    private var interimCount = 0

    /// A server that sends interim responses without end must not keep a client busy for ever.
    private static let interimLimit = 16

    package init(limits: WireLimits = .standard) { self.limits = limits }

    /// Announces the next response.
    ///
    /// - Parameter mayUpgrade: whether the request asked to leave HTTP; if not, who answers 101 has not understood it.
    package mutating func expect(method: String, mayUpgrade: Bool = true) {
        self.method = method
        self.mayUpgrade = mayUpgrade
        interimCount = 0
        state = .head(HeadReader(expectsStartLine: true), line: nil)
    }

    /// Nil: more bytes are needed (or a tunnel began). AFTER an error every call throws it again.
    package mutating func next(_ input: inout ByteQueue) throws(WireError) -> ResponsePart? {
        var room = HeadRoom()
        return try next(&input, &room)
    }

    /// Nil: more bytes are needed (or a tunnel began). AFTER an error every call throws it again.
    ///
    /// - Parameter room: where the memory of heads comes from; who is done with one gives it back there.
    package mutating func next(_ input: inout ByteQueue, _ room: inout HeadRoom) throws(WireError) -> ResponsePart? {
        do throws(WireError) {
            switch state {
            case .idle:
                if input.isEmpty { return nil }
                throw WireError(502, "the server sent bytes that no request asked for")
            case .head: return try nextHead(&input, &room)
            case .body(var body):
                let part = try body.next(&input, limits)
                state = .body(body)
                switch part {
                case nil: return nil
                case .bytes(let count): return .body(count)
                case .end(let trailers):
                    state = .idle
                    return .end(trailers: trailers)
                }
            case .tunnel: return nil
            case .refused(let error): throw error
            }
        } catch {
            state = .refused(error)
            throw error
        }
    }

    /// The server closed. `.end` where that is how the body ends; nil where nothing was open; an error where something is missing.
    package mutating func close(_ input: ByteQueue) throws(WireError) -> ResponsePart? {
        switch state {
        case .idle, .tunnel: return nil
        case .body(let body) where body.isUntilClose:
            state = .idle
            return .end(trailers: HTTPHeaders())
        case .body: throw WireError(502, "the server closed in the middle of a response")
        case .head: throw WireError(502, "the server closed before it answered")
        case .refused(let error): throw error
        }
    }

    private mutating func nextHead(_ input: inout ByteQueue, _ room: inout HeadRoom) throws(WireError) -> ResponsePart? {
        guard case .head(var reader, var line) = state else { return nil }
        state = .head(HeadReader(expectsStartLine: true), line: nil)
        let limits = limits
        let length: Int? = try input.withBytes { bytes throws(WireError) in
            if line == nil, let first = bytes.first, first != 0x48 {
                throw .bad("this is no HTTP response: it begins with the octet \(first)")
            }
            while let found = try reader.read(bytes, limits) {
                switch found {
                case .startLine(let range):
                    line = try StatusLine(UnsafeBufferPointer(rebasing: bytes[range]))
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
        var head = ResponseHead(status: line.status, reason: line.reason, headers: reader.finish(length, of: &input))
        head.version = line.version
        if head.isInterim {
            interimCount += 1
            if interimCount > Self.interimLimit { throw WireError(502, "more than \(Self.interimLimit) interim responses") }
            state = .head(HeadReader(expectsStartLine: true), line: nil)
            return .interim(head)
        }
        head.framing = try framing(facts, line)
        head.keepsAlive = line.version == .http11 ? !facts.saysClose : facts.saysKeepAlive && !facts.saysClose
        switch head.framing {
        case .untilClose: head.keepsAlive = false
        case .none where line.status == 204 && (facts.isChunked || facts.contentLength ?? 0 > 0):
            // A body that may not be there, announced all the same: nobody knows what follows.
            head.keepsAlive = false
        default: break
        }
        state = head.framing == .tunnel ? .tunnel : .body(try BodyReader(head.framing, limits))
        return .head(head)
    }

    /// RFC 9112, 6.3, in its order.
    private func framing(_ facts: FramingFacts, _ line: StatusLine) throws(WireError) -> BodyFraming {
        if facts.hasTransferEncoding {
            if facts.contentLength != nil { throw .bad("both Content-Length and Transfer-Encoding are given") }
            if line.version == .http10 { throw .bad("Transfer-Encoding in a message of HTTP/1.0") }
        }
        if line.status == 101, !mayUpgrade { throw .bad("101 was answered to a request that asked for no upgrade") }
        if line.status == 101 || (method == "CONNECT" && line.status < 300) { return .tunnel }
        if method == "HEAD" || line.status == 204 || line.status == 304 { return .none }
        if facts.hasTransferEncoding { return .chunked }
        return facts.contentLength.map { .length($0) } ?? .untilClose
    }
}

/// `HTTP-version SP status-code SP [ reason ]` (RFC 9112, 4); the space before a missing reason may be missing too, as many servers have it.
struct StatusLine: Sendable {
    let version: HTTPVersion
    let status: Int
    let reason: String

    init(_ line: UnsafeBufferPointer<UInt8>) throws(WireError) {
        let name: StaticString = "HTTP/1."
        guard line.count >= 12, (0..<7).allSatisfy({ line[$0] == name.utf8Start[$0] }), line[7] == 0x31 || line[7] == 0x30,
            line[8] == Octets.space,
            Octets.isDigit(line[9]), Octets.isDigit(line[10]), Octets.isDigit(line[11]), line.count == 12 || line[12] == Octets.space
        else { throw .bad("the status line is not `HTTP/1.1 200 OK`") }
        version = line[7] == 0x31 ? .http11 : .http10
        status = Int(line[9] - 48) * 100 + Int(line[10] - 48) * 10 + Int(line[11] - 48)
        if status < 100 { throw .bad("the status \(status) is below 100") }
        let text = UnsafeBufferPointer(rebasing: line[min(13, line.count)...])
        for octet in text where !Octets.isFieldValue(octet) { throw .bad("the reason holds the control character \(octet)") }
        reason = Self.reason(text, status)
    }

    /// Short ones fit a String's own 15 octets; of the longer ones the usual are constants.
    private static func reason(_ octets: UnsafeBufferPointer<UInt8>, _ status: Int) -> String {
        if octets.count > 15 {
            var usual = StatusReason.text(status)
            if usual.withUTF8({ $0.elementsEqual(octets) }) { return usual }
        }
        return String(decoding: octets, as: UTF8.self)
    }
}
