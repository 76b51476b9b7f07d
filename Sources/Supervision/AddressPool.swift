import Timing

/// The addresses of one node's pods, handed out oldest first.
///
/// An address that was given back is used again only AFTER every proxy routes by a table that was made without it. Whoever starts anew does not know when
/// those that are free were given back: all of them count as given back now, and where nothing changes the proxies tell of a newer table only
/// once in a while (a minute and a half). Therefore some that are known to be in no table are kept back, and noted on disk, for the pods that begin
/// right after a restart.
package struct AddressPool: Sendable {
    /// In host order.
    package typealias Address = UInt32

    /// Kept back at most; of a small pool an eighth.
    package static let reserveLimit: Address = 64

    private let first: Address
    private var next: Address
    /// Where never used ones end; what lies between here and `limit` is the first reserve.
    private let end: Address
    private let limit: Address
    private var used: Set<Address> = []
    /// In the order in which they were given back.
    private var released: [(address: Address, withdrawnAt: UInt64)] = []

    /// In no proxy's table, and not handed out while there are others. Whoever takes an address notes these on disk BEFORE the pod has it.
    package private(set) var reserve: [Address]

    /// Addresses from `first` up to, but not including, `end`.
    package init(first: Address, end: Address) {
        let count = min(Self.reserveLimit, (end - first) / 8)
        self.first = first
        next = first
        self.end = end - count
        limit = end
        reserve = Array(end - count..<end)
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

    /// Goes on behind an earlier pool, AFTER what pods have was claimed. What it had handed out and nobody claims counts as given back at this revision.
    ///
    /// - Parameter reserve: what it had noted; nil: it left no note, so none is believed to be unused.
    package mutating func resume(at cursor: Address, reserve noted: [Address]?, withdrawnAt: UInt64) {
        next = max(next, min(cursor, end))
        reserve = (noted ?? []).filter { (first..<limit).contains($0) && !(next..<end).contains($0) && !used.contains($0) }
        let kept = used.union(reserve)
        released = (Array(first..<next) + Array(end..<limit)).filter { !kept.contains($0) }.map { ($0, withdrawnAt) }
    }

    /// An address that pods have already; what was never handed out is skipped up to it.
    package mutating func claim(_ address: Address) {
        used.insert(address)
        released.removeAll { $0.address == address }
        reserve.removeAll { $0 == address }
    }

    /// Never used ones first, then the one that has been free the longest, then one of the reserve. Nil when none may be used yet.
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
        let safe = released.indices.filter { (acknowledged ?? .max) >= released[$0].withdrawnAt }
        guard let index = safe.first(where: { !isHeld(released[$0].address) }) else {
            guard let index = reserve.firstIndex(where: { !isHeld($0) }) else { return nil }
            let address = reserve.remove(at: index)
            used.insert(address)
            return address
        }
        let address = released[index].address
        fillReserve(from: safe.filter { $0 != index })
        released.removeAll { $0.address == address }
        used.insert(address)
        return address
    }

    /// What will be the last to be handed out goes to the reserve, half of it at most, once half of the reserve is gone.
    private mutating func fillReserve(from safe: [Int]) {
        let wanted = Int(limit - end)
        guard reserve.count < (wanted + 1) / 2 else { return }
        let chosen = safe.suffix(min(wanted - reserve.count, safe.count / 2))
        let addresses = Set(chosen.map { released[$0].address })
        reserve += chosen.map { released[$0].address }
        released.removeAll { addresses.contains($0.address) }
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
