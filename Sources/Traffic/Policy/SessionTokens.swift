import Formats
import Resources

/// What clients of one backend are given to find their endpoint again: which one it was, and since when, signed.
///
/// A token names no address and no pod: the endpoint is a number that only who has the key can work out. Any proxy with the key reads it, also after a
/// restart; nothing is remembered. Times are whole seconds since 1970.
struct SessionTokens: Sendable {
    /// What a good token says.
    struct Content: Hashable, Sendable {
        /// Of the endpoint, see `mark`.
        var mark: UInt64
        /// When the session began.
        var begun: Int64
        /// When the token was written.
        var written: Int64
    }

    /// Bytes of a token: the content, and half of the signature, as RFC 2104 allows.
    private static let contentLength = 18
    private static let signatureLength = 16

    private let signer: MessageSigner
    private let service: RouteTable.ServiceName
    private var endpoints: [UInt64: EndpointID] = [:]

    init(_ key: SessionKey, _ service: RouteTable.ServiceName) {
        signer = key.signer
        self.service = service
    }

    /// The endpoints that tokens may name; what was named before is forgotten.
    mutating func list(_ endpoints: [(RouteTable.Endpoint, EndpointID)]) {
        self.endpoints = [:]
        for (endpoint, id) in endpoints { self.endpoints[mark(of: endpoint)] = id }
    }

    /// The endpoint that a token names; nil where it is there no more.
    func endpoint(_ mark: UInt64) -> EndpointID? { endpoints[mark] }

    /// A pod's by its name, so that one that comes back under its own name, wherever it runs then, has its clients back.
    func mark(of endpoint: RouteTable.Endpoint) -> UInt64 {
        let name = endpoint.pod.isEmpty ? "address \(endpoint.address)" : "pod \(endpoint.pod)"
        return Self.number(signer.sign("endpoint\n\(service)\n\(name)".utf8).prefix(8))
    }

    func write(_ content: Content) -> String {
        var bytes = [UInt8]()
        bytes.reserveCapacity(Self.contentLength + Self.signatureLength)
        for (number, length) in [(content.mark, 8), (UInt64(bitPattern: content.begun), 5), (UInt64(bitPattern: content.written), 5)] {
            for index in 0..<length { bytes.append(UInt8(truncatingIfNeeded: number >> UInt64(8 * (length - 1 - index)))) }
        }
        return Self.text(bytes + signature(bytes))
    }

    /// Nil for what this key did not sign for this Service, and for what is too old by the rules.
    func read(_ text: some StringProtocol, _ rules: SessionRules, now: Int64) -> Content? {
        guard let bytes = Self.bytes(text), bytes.count == Self.contentLength + Self.signatureLength else { return nil }
        let content = Array(bytes[..<Self.contentLength])
        // Every byte is looked at, so that the time taken tells nothing.
        let difference = zip(bytes[Self.contentLength...], signature(content)).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) }
        guard difference == 0 else { return nil }
        let found = Content(
            mark: Self.number(content[0..<8]), begun: Int64(Self.number(content[8..<13])), written: Int64(Self.number(content[13..<18])))
        if let limit = rules.absoluteTimeout, now - found.begun >= limit.wholeSeconds { return nil }
        if let limit = rules.idleTimeout, now - found.written >= limit.wholeSeconds { return nil }
        return found
    }

    private func signature(_ content: [UInt8]) -> ArraySlice<UInt8> {
        var message = Array("session\n\(service)\n".utf8)
        message += content
        return signer.sign(message).prefix(Self.signatureLength)
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    /// Base64 with the letters that cookies and header fields take as they are (RFC 4648, 5), without padding.
    private static func text(_ bytes: [UInt8]) -> String {
        String(
            Base64.encode(bytes).compactMap { letter -> Character? in
                switch letter {
                case "+": "-"
                case "/": "_"
                case "=": nil
                default: letter
                }
            })
    }

    private static func bytes(_ text: some StringProtocol) -> [UInt8]? {
        // One of ours has 46 letters; nothing much longer is looked at.
        guard text.utf8.count == (contentLength + signatureLength) * 4 / 3 + 1 else { return nil }
        let letters = text.map { $0 == "-" ? "+" : $0 == "_" ? "/" : $0 }
        return Base64.decode(String(letters) + String(repeating: "=", count: (4 - letters.count % 4) % 4))
    }
}

/// The secret that session tokens are signed with: the same for every proxy of an instance, and after a restart.
package struct SessionKey: Sendable {
    /// Bytes.
    package static let length = 32
    let signer: MessageSigner

    /// Nil for anything but `length` bytes.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.length else { return nil }
        signer = MessageSigner(key: bytes)
    }

    /// One that nobody else has.
    package init(using random: inout some RandomNumberGenerator) {
        signer = MessageSigner(key: (0..<Self.length).map { _ in UInt8.random(in: 0...255, using: &random) })
    }
}

extension Duration {
    /// Rounded up.
    var wholeSeconds: Int64 { components.seconds + (components.attoseconds > 0 ? 1 : 0) }
}
