/// Follows a body through the bytes that arrive. It copies nothing: it says how many bytes at the front of the queue are body.
struct BodyReader: Sendable {
    private enum State: Sendable {
        case done
        case length(Int)
        case untilClose
        case chunkLine
        case chunkData(Int)
        case chunkLineEnd
        case trailers(HeadReader)
    }

    private var state: State
    /// Body bytes announced so far, against the limit.
    private var byteCount = 0
    private var extensionByteCount = 0

    enum Part {
        case bytes(Int)
        case end(trailers: HTTPHeaders)
    }

    init(_ framing: BodyFraming, _ limits: WireLimits) throws(WireError) {
        switch framing {
        case .none, .tunnel: state = .done
        case .length(let count):
            if count > limits.bodyByteLimit { throw Self.tooLarge(limits) }
            state = count == 0 ? .done : .length(count)
        case .chunked: state = .chunkLine
        case .untilClose: state = .untilClose
        }
    }

    var isUntilClose: Bool { if case .untilClose = state { true } else { false } }

    mutating func next(_ input: inout ByteQueue, _ limits: WireLimits) throws(WireError) -> Part? {
        while true {
            switch state {
            case .done:
                return .end(trailers: HTTPHeaders())
            case .length(let left):
                if input.isEmpty { return nil }
                let count = min(left, input.count)
                state = count == left ? .done : .length(left - count)
                return .bytes(count)
            case .untilClose:
                if input.isEmpty { return nil }
                try count(input.count, limits)
                return .bytes(input.count)
            case .chunkLine:
                guard let line = try chunkLine(input, limits) else { return nil }
                input.consume(line.byteCount)
                try count(line.size, limits)
                state = line.size == 0 ? .trailers(HeadReader(expectsStartLine: false)) : .chunkData(line.size)
            case .chunkData(let left):
                if input.isEmpty { return nil }
                let count = min(left, input.count)
                state = count == left ? .chunkLineEnd : .chunkData(left - count)
                return .bytes(count)
            case .chunkLineEnd:
                if !input.isEmpty, input[0] != Octets.cr { throw .bad("a chunk's data is longer than its size") }
                if input.count < 2 { return nil }
                if input[1] != Octets.lf { throw .bad("a chunk's data does not end with CR LF") }
                input.consume(2)
                state = .chunkLine
            case .trailers(var reader):
                let found = try input.withBytes { bytes throws(WireError) in try reader.read(bytes, limits) }
                state = .trailers(reader)
                guard case .complete(let count)? = found else { return nil }
                state = .done
                // Nearly always: without a look at memory.
                if !reader.hasFields {
                    input.consume(count)
                    return .end(trailers: HTTPHeaders())
                }
                var trailers = reader.finish(count, of: &input)
                trailers.removeNonTrailers()
                return .end(trailers: trailers)
            }
        }
    }

    private static func tooLarge(_ limits: WireLimits) -> WireError {
        WireError(413, "the body is longer than \(limits.bodyByteLimit) bytes")
    }

    private mutating func count(_ more: Int, _ limits: WireLimits) throws(WireError) {
        let (sum, over) = byteCount.addingReportingOverflow(more)
        if over || sum > limits.bodyByteLimit { throw Self.tooLarge(limits) }
        byteCount = sum
    }

    private static func tooLongChunkLine(_ limits: WireLimits) -> WireError {
        WireError(413, "a chunk's line is longer than \(limits.chunkLineByteLimit) bytes")
    }

    /// Where the line end behind the extensions is: `*( ";" BWS name [ BWS "=" BWS ( token / quoted-string ) ] )` (RFC 9112, 7.1.1); nil while
    /// it has not come.
    private static func extensionsEnd(_ bytes: UnsafeBufferPointer<UInt8>, from start: Int) throws(WireError) -> Int? {
        var at = start
        func skipBlanks() { while at < bytes.count, Octets.isBlank(bytes[at]) { at += 1 } }
        func skipToken() throws(WireError) -> Bool {
            let first = at
            while at < bytes.count, Octets.isToken(bytes[at]) { at += 1 }
            if at == bytes.count { return false }
            if at == first { throw .bad("a chunk's extension is not `;name=value`") }
            return true
        }
        while at < bytes.count {
            if bytes[at] == Octets.cr { return at }
            guard bytes[at] == 0x3B else { throw .bad("a chunk's size is followed by something that is no extension") }
            at += 1
            skipBlanks()
            guard try skipToken() else { return nil }
            skipBlanks()
            guard at < bytes.count else { return nil }
            guard bytes[at] == 0x3D else { continue }
            at += 1
            skipBlanks()
            guard at < bytes.count else { return nil }
            guard bytes[at] == 0x22 else {
                guard try skipToken() else { return nil }
                continue
            }
            at += 1
            while at < bytes.count, bytes[at] != 0x22 {
                // A backslash takes the next octet with it.
                if bytes[at] == 0x5C { at += 1 }
                if at < bytes.count, !Octets.isFieldValue(bytes[at]) {
                    throw .bad("a chunk's extension holds the control character \(bytes[at])")
                }
                at += 1
            }
            if at >= bytes.count { return nil }
            at += 1
        }
        return nil
    }

    /// `chunk-size [ chunk-ext ] CRLF`; nil while it is not whole.
    private mutating func chunkLine(_ input: ByteQueue, _ limits: WireLimits) throws(WireError) -> (size: Int, byteCount: Int)? {
        var extensions = 0
        let found: (size: Int, byteCount: Int)? = try input.withBytes { bytes throws(WireError) in
            var at = 0
            var size = 0
            while at < bytes.count, let digit = Octets.hexValue(bytes[at]) {
                // 15 digits fit 60 bits: nothing can overflow.
                if at == 15 { throw .bad("a chunk's size has more than 15 digits") }
                size = size << 4 | digit
                at += 1
            }
            if at == bytes.count { return nil }
            if at == 0 { throw .bad("a chunk's size is not a hexadecimal number") }
            let extensionStart = at
            if bytes[at] != Octets.cr {
                guard let end = try Self.extensionsEnd(bytes, from: at) else {
                    if bytes.count > limits.chunkLineByteLimit { throw Self.tooLongChunkLine(limits) }
                    return nil
                }
                at = end
                if at > limits.chunkLineByteLimit { throw Self.tooLongChunkLine(limits) }
            }
            extensions = at - extensionStart
            if at + 1 >= bytes.count { return nil }
            if bytes[at + 1] != Octets.lf { throw .bad("a chunk's line does not end with CR LF") }
            return (size, at + 2)
        }
        if found != nil {
            extensionByteCount += extensions
            if extensionByteCount > 16 * limits.chunkLineByteLimit { throw WireError(413, "the chunks' extensions are too long") }
        }
        return found
    }
}
