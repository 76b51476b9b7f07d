import Timing

/// The addresses of one node's pods, handed out oldest first.
///
/// An address that was given back is used again only AFTER every proxy routes by a table that was made without it.
package struct AddressPool: Sendable {
    /// In host order.
    package typealias Address = UInt32

    private var next: Address
    private let end: Address
    private var used: Set<Address> = []
    /// In the order in which they were given back.
    private var released: [(address: Address, withdrawnAt: UInt64)] = []

    /// Addresses from `first` up to, but not including, `end`.
    package init(first: Address, end: Address) {
        next = first
        self.end = end
    }

    /// From `127.64.0.0/21`: without the network's first address, and without its last. Nil when the text is no IPv4 network.
    package init?(cidr: String) {
        let parts = cidr.split(separator: "/")
        guard parts.count == 2, let length = UInt32(parts[1]), (8...30).contains(length) else { return nil }
        let bytes = parts[0].split(separator: ".").compactMap { UInt8($0) }
        guard bytes.count == 4 else { return nil }
        let base = bytes.reduce(Address(0)) { $0 << 8 | Address($1) } & ~(UInt32.max >> length)
        self.init(first: base + 1, end: base | (UInt32.max >> length))
    }

    package var usedCount: Int { used.count }

    /// Where never used addresses begin: kept over restarts, so that what was given back just before one is not used again right after it.
    package var cursor: Address { next }

    /// Goes on behind an earlier pool. What it had handed out and nobody claims counts as given back at this revision.
    package mutating func resume(at cursor: Address, withdrawnAt: UInt64) {
        guard cursor > next else { return }
        let cursor = min(cursor, end)
        released += (next..<cursor).filter { !used.contains($0) }.map { ($0, withdrawnAt) }
        next = cursor
    }

    /// An address that pods have already; what was never handed out is skipped up to it.
    package mutating func claim(_ address: Address) {
        used.insert(address)
        released.removeAll { $0.address == address }
    }

    /// Never used ones first, then the one that has been free the longest. Nil when none may be used yet.
    ///
    /// - Parameter acknowledged: the lowest revision that any proxy routes by; nil when there is no proxy.
    /// - Parameter isHeld: whether somebody listens there already, who is none of this node's pods: programs that another instance left behind. Such
    ///   an address waits behind the others.
    package mutating func take(acknowledged: UInt64?, isHeld: (Address) -> Bool = { _ in false }) -> Address? {
        while next < end {
            let address = next
            next += 1
            guard !used.contains(address) else { continue }
            if isHeld(address) {
                released.append((address, 0))
                continue
            }
            used.insert(address)
            return address
        }
        guard let index = released.firstIndex(where: { (acknowledged ?? .max) >= $0.withdrawnAt && !isHeld($0.address) }) else {
            return nil
        }
        let address = released.remove(at: index).address
        used.insert(address)
        return address
    }

    /// Gives an address back; `withdrawnAt` is a revision at which no route led there any more.
    package mutating func release(_ address: Address, withdrawnAt: UInt64) {
        guard used.remove(address) != nil else { return }
        released.append((address, withdrawnAt))
    }

    /// `127.64.0.1`.
    package static func text(_ address: Address) -> String {
        "\(address >> 24).\(address >> 16 & 255).\(address >> 8 & 255).\(address & 255)"
    }

    /// An address in dotted form.
    package static func parse(_ text: String) -> Address? {
        let bytes = text.split(separator: ".", omittingEmptySubsequences: false).compactMap { UInt8($0) }
        return bytes.count == 4 ? bytes.reduce(Address(0)) { $0 << 8 | Address($1) } : nil
    }
}
