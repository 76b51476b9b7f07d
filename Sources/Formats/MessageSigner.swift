/// HMAC with SHA-256 (RFC 2104): who does not have the key cannot make it. What depends on the key alone is worked out once.
package struct MessageSigner: Sendable {
    private let inner: SHA256
    private let outer: SHA256

    package init(key: [UInt8]) {
        var block = key.count > 64 ? SHA256.digest(key) : key
        block += [UInt8](repeating: 0, count: 64 - block.count)
        func begun(_ pad: UInt8) -> SHA256 {
            var hash = SHA256()
            hash.update(block.map { $0 ^ pad })
            return hash
        }
        inner = begun(0x36)
        outer = begun(0x5C)
    }

    /// 32 bytes.
    package func sign(_ message: some Sequence<UInt8>) -> [UInt8] {
        var first = inner
        first.update(message)
        var second = outer
        second.update(first.finish())
        return second.finish()
    }
}
