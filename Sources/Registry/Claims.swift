import Formats
import Resources

/// Something of which there is one: whoever names it in a stored object has it.
enum Claim: Hashable, Sendable {
    case clusterIP(UInt32)
    case nodePort(Int, transport: String)
    case podRange(AddressRange)
    case imageReference(String)
}

/// Who has what, at the tip. Made from the objects alone, so that it follows every commit and every discard by itself.
struct Claims: Sendable {
    private var owners: [Claim: Slot] = [:]
    /// Where the pod ranges that are taken begin, in order.
    private var podRangeStarts: [UInt32] = []

    func owner(of claim: Claim) -> Slot? { owners[claim] }

    /// Moves the claims of one object from one state to the next; nil: there is none.
    mutating func replace(_ slot: Slot, _ old: Value?, with new: Value?) {
        guard Self.isClaiming(slot.type) else { return }
        if let old {
            for claim in Self.claims(of: old, type: slot.type) where owners[claim] == slot {
                owners[claim] = nil
                if case .podRange(let range) = claim { podRangeStarts.remove(at: podRangeIndex(range.first)) }
            }
        }
        if let new {
            for claim in Self.claims(of: new, type: slot.type) {
                if case .podRange(let range) = claim, owners[claim] == nil {
                    podRangeStarts.insert(range.first, at: podRangeIndex(range.first))
                }
                owners[claim] = slot
            }
        }
    }

    /// How many ranges of this size are taken one behind the other from `first` on.
    func podRangeGap(from first: UInt32, size: UInt32) -> Int {
        var low = 0
        var high = podRangeStarts.count
        while low < high {
            let middle = (low + high) / 2
            if podRangeStarts[middle] == first &+ UInt32(middle) &* size { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private func podRangeIndex(_ start: UInt32) -> Int {
        var low = 0
        var high = podRangeStarts.count
        while low < high {
            let middle = (low + high) / 2
            if podRangeStarts[middle] < start { low = middle + 1 } else { high = middle }
        }
        return low
    }

    private static func isClaiming(_ type: ResourceType) -> Bool {
        type.plural == ResourceType.services.plural || type.plural == ResourceType.nodes.plural || type.plural == ResourceType.images.plural
    }

    private static func claims(of object: Value, type: ResourceType) -> [Claim] {
        let spec = object["spec"]
        switch type.plural {
        case ResourceType.services.plural:
            var claims: [Claim] = []
            if let address = spec["clusterIP"].string.flatMap(AddressRange.address) { claims.append(.clusterIP(address)) }
            for port in spec["ports"].elements {
                if let number = port["nodePort"].int, number != 0 { claims.append(.nodePort(Int(number), transport: port.transport)) }
            }
            return claims
        case ResourceType.nodes.plural:
            return spec["podCIDR"].string.flatMap(AddressRange.init).map { [.podRange($0)] } ?? []
        case ResourceType.images.plural:
            return spec["reference"].string.map { [.imageReference(ImageReference.normalize($0))] } ?? []
        default:
            return []
        }
    }
}

extension Value {
    /// A service port's protocol with its default.
    var transport: String { self["protocol"].string ?? "TCP" }
}
