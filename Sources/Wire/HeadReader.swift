/// Reads the lines of a head or of trailers as they arrive: every octet is looked at once, however the bytes are cut, and a bad line is refused as
/// soon as it is whole.
///
/// Lines end with CR LF and nothing else: a lone LF or CR is where two parsers come to disagree about where a field ends (RFC 9112, 2.2 allows
/// the refusal). Folded lines are refused (5.2), and so is a blank before the colon (5.1).
struct HeadReader: Sendable {
    enum Found {
        /// The first line is whole; its octets, without line end, relative to the front of the queue.
        case startLine(Range<Int>)
        /// The head is whole: this many octets, the empty line included.
        case complete(Int)
    }

    /// Octets that were searched for a line end.
    private var searched = 0
    private var lineStart = 0
    private var hasStartLine: Bool
    private var headers = HTTPHeaders()
    private(set) var facts = FramingFacts()

    /// Trailers have no first line.
    init(expectsStartLine: Bool) { hasStartLine = !expectsStartLine }

    /// What the fields go into. BEFORE the first of them: when the first line is whole.
    mutating func useRoom(_ empty: HTTPHeaders) { headers = empty }

    var hasFields: Bool { !headers.isEmpty }

    /// The headers, with all of the head's octets, which leave the queue. AFTER `complete`, once.
    mutating func finish(_ byteCount: Int, of input: inout ByteQueue) -> HTTPHeaders {
        var whole = HTTPHeaders()
        // Nothing else may hold them: what is taken out or added would be done to a copy.
        swap(&whole, &headers)
        whole.finish(byteCount, of: &input)
        return whole
    }

    /// Nil: more octets are needed. AFTER `startLine` call again.
    mutating func read(_ input: UnsafeBufferPointer<UInt8>, _ limits: WireLimits) throws(WireError) -> Found? {
        while true {
            guard let lineFeed = lineFeed(in: input) else {
                searched = input.count
                if !hasStartLine, input.count - lineStart > limits.startLineByteLimit { throw tooLongStartLine(limits) }
                if input.count > limits.headByteLimit { throw tooLongHead(limits) }
                return nil
            }
            guard lineFeed > lineStart, input[lineFeed - 1] == Octets.cr else {
                throw .bad("a line ends with LF alone; CR LF is needed")
            }
            let line = lineStart..<(lineFeed - 1)
            searched = lineFeed + 1
            if searched > limits.headByteLimit { throw tooLongHead(limits) }
            if hasStartLine {
                lineStart = searched
                if line.isEmpty { return .complete(searched) }
                if headers.count == limits.fieldCountLimit { throw WireError(431, "more than \(limits.fieldCountLimit) header fields") }
                try readField(input, line)
            } else {
                if line.count > limits.startLineByteLimit { throw tooLongStartLine(limits) }
                hasStartLine = true
                lineStart = searched
                return .startLine(line)
            }
        }
    }

    private func lineFeed(in input: UnsafeBufferPointer<UInt8>) -> Int? {
        var at = searched
        let end = input.count
        while at < end {
            if input[at] == Octets.lf { return at }
            at += 1
        }
        return nil
    }

    private func tooLongStartLine(_ limits: WireLimits) -> WireError {
        WireError(414, "the first line is longer than \(limits.startLineByteLimit) bytes")
    }

    private func tooLongHead(_ limits: WireLimits) -> WireError { WireError(431, "the head is longer than \(limits.headByteLimit) bytes") }

    private mutating func readField(_ input: UnsafeBufferPointer<UInt8>, _ line: Range<Int>) throws(WireError) {
        var at = line.lowerBound
        let end = line.upperBound
        if Octets.isBlank(input[at]) { throw .bad("a header line begins with a blank: folded lines are refused") }
        while at < end, Octets.isToken(input[at]) { at += 1 }
        let nameEnd = at
        guard nameEnd > line.lowerBound, at < end, input[at] == Octets.colon else {
            if at < end, Octets.isBlank(input[at]) { throw .bad("a blank stands in or behind a header's name; the colon follows at once") }
            throw .bad("a header line is not `name: value`")
        }
        if nameEnd - line.lowerBound > 65535 { throw WireError(431, "a header's name is longer than 65535 bytes") }
        at += 1
        while at < end, Octets.isBlank(input[at]) { at += 1 }
        var valueEnd = end
        while valueEnd > at, Octets.isBlank(input[valueEnd - 1]) { valueEnd -= 1 }
        for i in at..<valueEnd where !Octets.isFieldValue(input[i]) {
            throw .bad("a header's value holds the control character \(input[i])")
        }
        let known = KnownField(UnsafeBufferPointer(rebasing: input[line.lowerBound..<nameEnd]))
        headers.note(
            HTTPHeaders.Field(
                nameStart: UInt32(line.lowerBound), valueStart: UInt32(at), valueCount: UInt32(valueEnd - at),
                nameCount: UInt16(nameEnd - line.lowerBound), known: known))
        if known != .other { try facts.note(known, UnsafeBufferPointer(rebasing: input[at..<valueEnd])) }
    }
}

/// What the header fields say about the message's length and the connection's life, collected while they are read.
struct FramingFacts: Sendable {
    var contentLength: Int?
    var hasTransferEncoding = false
    var isChunked = false
    var hostCount = 0
    var isHostValid = true
    var saysClose = false
    var saysKeepAlive = false
    var expectsContinue = false
    var hasUnknownExpectation = false
    private var connectionOptionCount = 0

    /// Each is looked for among the fields. Who sends more wants to keep the reader busy.
    private static let connectionOptionLimit = 64

    mutating func note(_ known: KnownField, _ value: UnsafeBufferPointer<UInt8>) throws(WireError) {
        switch known {
        case .contentLength:
            // RFC 9112, 6.3 lets equal repetitions pass; who sends them at all is not worth the risk.
            if contentLength != nil { throw .bad("Content-Length is given twice") }
            contentLength = try Self.length(value)
        case .transferEncoding:
            try noteCodings(value)
        case .connection:
            var (close, keep) = (false, false)
            ListElements.forEach(value) {
                connectionOptionCount += 1
                if Octets.equal($0, lower: "close") { close = true } else if Octets.equal($0, lower: "keep-alive") { keep = true }
            }
            if close { saysClose = true }
            if keep { saysKeepAlive = true }
            if connectionOptionCount > Self.connectionOptionLimit {
                throw .bad("Connection has more than \(Self.connectionOptionLimit) options")
            }
        case .host:
            hostCount += 1
            isHostValid = isHostValid && value.allSatisfy(Self.isHostOctet)
        case .expect:
            if Octets.equal(value, lower: "100-continue") { expectsContinue = true } else { hasUnknownExpectation = true }
        default:
            break
        }
    }

    /// Digits only: no sign, no list, no blank within.
    private static func length(_ value: UnsafeBufferPointer<UInt8>) throws(WireError) -> Int {
        if value.isEmpty { throw .bad("Content-Length is empty") }
        var length = 0
        for octet in value {
            guard Octets.isDigit(octet) else { throw .bad("Content-Length is not a decimal number") }
            let (product, over) = length.multipliedReportingOverflow(by: 10)
            let (sum, carry) = product.addingReportingOverflow(Int(octet - 48))
            if over || carry { throw .bad("Content-Length does not fit 63 bits") }
            length = sum
        }
        return length
    }

    /// `chunked` once, last and alone; another coding would have to be undone, which we cannot (501, RFC 9112, 6.1).
    private mutating func noteCodings(_ value: UnsafeBufferPointer<UInt8>) throws(WireError) {
        hasTransferEncoding = true
        var codingCount = 0
        var problem: WireError?
        let wasChunked = isChunked
        var chunked = false
        ListElements.forEach(value) { coding in
            codingCount += 1
            if Octets.equal(coding, lower: "chunked") {
                if chunked || wasChunked { problem = problem ?? .bad("Transfer-Encoding says chunked twice") }
                chunked = true
            } else if chunked || wasChunked {
                problem = problem ?? .bad("Transfer-Encoding has a coding after chunked")
            } else {
                let isToken = coding.allSatisfy(Octets.isToken)
                problem =
                    problem
                    ?? (isToken
                        ? WireError(501, "Transfer-Encoding has a coding other than chunked") : .bad("Transfer-Encoding is garbled"))
            }
        }
        // `, chunked` and `chunked,` are valid lists for some and rubbish for others.
        let commaCount = value.reduce(0) { $0 + ($1 == 0x2C ? 1 : 0) }
        if codingCount != commaCount + 1 { throw problem ?? .bad("Transfer-Encoding has an empty element") }
        if let problem { throw problem }
        isChunked = true
    }

    static func isHostOctet(_ octet: UInt8) -> Bool {
        switch octet {
        case 0x21, 0x24...0x2E, 0x30...0x3B, 0x3D, 0x41...0x5B, 0x5D, 0x5F, 0x61...0x7A, 0x7E: true
        default: false
        }
    }
}
