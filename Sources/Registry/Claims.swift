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

    func owner(of claim: Claim) -> Slot? { owners[claim] }

    /// Moves the claims of one object from one state to the next; nil: there is none.
    mutating func replace(_ slot: Slot, _ old: Value?, with new: Value?) {
        guard Self.isClaiming(slot.type) else { return }
        if let old {
            for claim in Self.claims(of: old, type: slot.type) where owners[claim] == slot { owners[claim] = nil }
        }
        if let new {
            for claim in Self.claims(of: new, type: slot.type) { owners[claim] = slot }
        }
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
