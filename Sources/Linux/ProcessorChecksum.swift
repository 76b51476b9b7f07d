import CLinux

/// CRC-32C by the processor's own instruction: a kilobyte in a tenth of a microsecond.
package enum ProcessorChecksum {
    private static let isThere = clinux_has_crc32c() != 0

    /// Goes on with a checksum that is not inverted; nil where the processor has no such instruction.
    package static func crc32c(_ crc: UInt32, _ bytes: UnsafeRawBufferPointer) -> UInt32? {
        guard isThere else { return nil }
        guard let base = bytes.baseAddress else { return crc }
        return clinux_crc32c(crc, base, bytes.count)
    }
}
