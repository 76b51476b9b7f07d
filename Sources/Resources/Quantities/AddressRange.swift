/// A block of IPv4 addresses in CIDR form, addresses in host byte order.
package struct AddressRange: Hashable, Sendable, CustomStringConvertible {
    package let first: UInt32
    package let prefixLength: Int

    package init(_ first: UInt32, prefixLength: Int) {
        self.first = first
        self.prefixLength = prefixLength
    }

    /// Reads `127.64.0.0/14`; nil for anything else, also where bits are set behind the prefix.
    package init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let address = Self.address(String(parts[0])), let length = Int(parts[1]), (0...32).contains(length),
            String(length) == parts[1]
        else { return nil }
        self.init(address, prefixLength: length)
        guard count == 1 << 32 ? address == 0 : UInt64(address) % count == 0 else { return nil }
    }

    /// How many addresses there are.
    package var count: UInt64 { 1 << UInt64(32 - prefixLength) }

    /// Whether the address lies in the range.
    package func contains(_ address: UInt32) -> Bool { address >= first && UInt64(address - first) < count }
    /// Whether the whole other range lies in this one.
    package func contains(_ other: AddressRange) -> Bool { other.prefixLength >= prefixLength && contains(other.first) }

    /// The `index`-th part of this range when it is cut into parts of `prefixLength`.
    package func part(_ index: Int, prefixLength: Int) -> AddressRange {
        AddressRange(first + UInt32(index) << UInt32(32 - prefixLength), prefixLength: prefixLength)
    }

    package var description: String { "\(Self.text(first))/\(prefixLength)" }

    /// `127.32.0.1`.
    package static func text(_ address: UInt32) -> String {
        "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
    }

    /// Reads four decimal parts without leading zeros; nil for anything else.
    package static func address(_ text: String) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var address: UInt32 = 0
        for part in parts {
            guard let byte = UInt8(part), String(byte) == part else { return nil }
            address = address << 8 | UInt32(byte)
        }
        return address
    }
}
