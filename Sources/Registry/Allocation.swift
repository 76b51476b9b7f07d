import Formats
import Resources

extension Registry {
    /// Gives out what an instance has only a slice of: addresses of Services, node ports, pod ranges of Nodes.
    ///
    /// What the object names itself is checked; what the stored object had and an update leaves out stays.
    func allocate(_ object: inout Value, old: Value?, slot: Slot, random: inout some RandomNumberGenerator) throws(StatusError) {
        switch slot.type.plural {
        case ResourceType.services.plural:
            try allocateAddress(&object, old: old, slot: slot, random: &random)
            try allocateNodePorts(&object, old: old, slot: slot, random: &random)
        case ResourceType.nodes.plural:
            try allocatePodRange(&object, old: old, slot: slot)
        default:
            break
        }
    }

    // MARK: ClusterIP

    private func allocateAddress(_ service: inout Value, old: Value?, slot: Slot, random: inout some RandomNumberGenerator)
        throws(StatusError)
    {
        if service["spec"]["type"].string == "ExternalName" {
            for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] { service["spec"][field] = .null }
            return
        }
        var address = service["spec"]["clusterIP"].string ?? service["spec"]["clusterIPs"][0].string ?? ""
        if address.isEmpty, let old, old["spec"]["type"].string != "ExternalName" { address = old["spec"]["clusterIP"].string ?? "" }
        if address.isEmpty {
            address = AddressRange.text(try freeAddress(slot: slot, random: &random))
        } else if address != "None", address != old?["spec"]["clusterIP"].string {
            try requireFree(address, slot: slot)
        }
        service["spec"]["clusterIP"] = .string(address)
        service["spec"]["clusterIPs"] = .array([.string(address)])
        if service["spec"]["ipFamilies"].isNull { service["spec"]["ipFamilies"] = ["IPv4"] }
        if service["spec"]["ipFamilyPolicy"].isNull { service["spec"]["ipFamilyPolicy"] = "SingleStack" }
    }

    /// A free address, looked for from a random place on so that one that was just given back is not the next to be given out.
    private func freeAddress(slot: Slot, random: inout some RandomNumberGenerator) throws(StatusError) -> UInt32 {
        let range = settings.serviceRange
        // The first 10 stay free for addresses that people choose; the last is left out like a broadcast address.
        let reserved: UInt32 = 10
        let count = UInt32(range.count) - reserved - 1
        let start = UInt32.random(in: 0..<count, using: &random)
        for step in 0..<count {
            let candidate = range.first + reserved + (start + step) % count
            if claims.owner(of: .clusterIP(candidate)) == nil { return candidate }
        }
        throw .internalError("failed to allocate a serviceIP: all addresses of \(range) are taken")
    }

    private func requireFree(_ text: String, slot: Slot) throws(StatusError) {
        let range = settings.serviceRange
        let problem: String
        if let address = AddressRange.address(text), range.contains(address) {
            guard let owner = claims.owner(of: .clusterIP(address)), owner != slot else { return }
            problem = "failed to allocate IP \(text): provided IP is already allocated to the Service \"\(owner.namespace)/\(owner.name)\""
        } else {
            problem = "failed to allocate IP \(text): the provided IP is not in the valid range. The range of valid IPs is \(range)"
        }
        throw .invalid(
            slot.type, name: slot.name,
            [.init(reason: "FieldValueInvalid", message: "Invalid value: [\"\(text)\"]: \(problem)", field: "spec.clusterIPs")])
    }

    // MARK: Node ports

    private func allocateNodePorts(
        _ service: inout Value, old: Value?, slot: Slot, random: inout some RandomNumberGenerator
    ) throws(StatusError) {
        guard case .array(var ports) = service["spec"]["ports"] else { return }
        guard Self.hasNodePorts(service) else {
            // A Service that stops being a NodePort gives its ports back; one that a ClusterIP names anew is Validation's to refuse.
            let had = Set((old?["spec"]["ports"].elements ?? []).compactMap { $0["nodePort"].int })
            for index in ports.indices where ports[index]["nodePort"].int.map({ $0 == 0 || had.contains($0) }) ?? false {
                ports[index]["nodePort"] = .null
            }
            service["spec"]["ports"] = .array(ports)
            return
        }
        var taken: Set<Claim> = []
        for index in ports.indices {
            let transport = ports[index].transport
            var number = Int(ports[index]["nodePort"].int ?? 0)
            if number == 0, let kept = Self.nodePort(like: ports[index], in: old) { number = kept }
            guard number != 0 else { continue }
            let claim = Claim.nodePort(number, transport: transport)
            try requireFree(claim, number: number, index: index, isRepeated: !taken.insert(claim).inserted, old: old, slot: slot)
            ports[index]["nodePort"] = .int(Int64(number))
        }
        for index in ports.indices where (ports[index]["nodePort"].int ?? 0) == 0 {
            let number = try freeNodePort(transport: ports[index].transport, taken: taken, random: &random)
            taken.insert(.nodePort(number, transport: ports[index].transport))
            ports[index]["nodePort"] = .int(Int64(number))
        }
        service["spec"]["ports"] = .array(ports)
    }

    private static func hasNodePorts(_ service: Value) -> Bool {
        switch service["spec"]["type"].string {
        case "NodePort": true
        case "LoadBalancer": service["spec"]["allocateLoadBalancerNodePorts"].bool ?? true
        default: false
        }
    }

    /// The node port that the stored Service has for the same port and protocol.
    private static func nodePort(like port: Value, in old: Value?) -> Int? {
        old?["spec"]["ports"].elements.first { $0["port"] == port["port"] && $0.transport == port.transport }?["nodePort"].int.map(Int.init)
    }

    private func requireFree(_ claim: Claim, number: Int, index: Int, isRepeated: Bool, old: Value?, slot: Slot) throws(StatusError) {
        let range = settings.nodePorts
        let problem: String
        if isRepeated {
            problem = "provided port is used by another port of this Service"
        } else if let owner = claims.owner(of: claim), owner != slot {
            problem = "provided port is already allocated to the Service \"\(owner.namespace)/\(owner.name)\""
        } else if !range.contains(number) {
            problem = "provided port is not in the valid range. The range of valid ports is \(range.lowerBound)-\(range.upperBound)"
        } else {
            return
        }
        throw .invalid(
            slot.type, name: slot.name,
            [.init(reason: "FieldValueInvalid", message: "Invalid value: \(number): \(problem)", field: "spec.ports[\(index)].nodePort")])
    }

    private func freeNodePort(transport: String, taken: Set<Claim>, random: inout some RandomNumberGenerator) throws(StatusError) -> Int {
        let range = settings.nodePorts
        let start = Int.random(in: 0..<range.count, using: &random)
        for step in 0..<range.count {
            let number = range.lowerBound + (start + step) % range.count
            let claim = Claim.nodePort(number, transport: transport)
            if claims.owner(of: claim) == nil, !taken.contains(claim) { return number }
        }
        throw .internalError("failed to allocate a nodePort: all ports of \(range.lowerBound)-\(range.upperBound) are taken")
    }

    // MARK: Pod ranges

    private func allocatePodRange(_ node: inout Value, old: Value?, slot: Slot) throws(StatusError) {
        var text = node["spec"]["podCIDR"].string ?? node["spec"]["podCIDRs"][0].string ?? ""
        if text.isEmpty { text = old?["spec"]["podCIDR"].string ?? "" }
        if text.isEmpty {
            text = try freePodRange().description
        } else if text != old?["spec"]["podCIDR"].string {
            try requireFreePodRange(text, slot: slot)
        }
        node["spec"]["podCIDR"] = .string(text)
        node["spec"]["podCIDRs"] = .array([.string(text)])
    }

    private var podRangeCount: Int { 1 << (settings.podRangePrefixLength - settings.podRange.prefixLength) }

    private func freePodRange() throws(StatusError) -> AddressRange {
        // Below the first gap all are taken: found by halving, so that the thousandth node is no dearer than the first.
        let range = settings.podRange
        let size = UInt32(1) << UInt32(32 - settings.podRangePrefixLength)
        for index in claims.podRangeGap(from: range.first, size: size)..<podRangeCount {
            let candidate = range.part(index, prefixLength: settings.podRangePrefixLength)
            if claims.owner(of: .podRange(candidate)) == nil { return candidate }
        }
        throw .internalError("no pod range is left in \(settings.podRange): an instance has at most \(podRangeCount) nodes")
    }

    private func requireFreePodRange(_ text: String, slot: Slot) throws(StatusError) {
        let problem: String
        if let range = AddressRange(text), range.prefixLength == settings.podRangePrefixLength, settings.podRange.contains(range) {
            guard let owner = claims.owner(of: .podRange(range)), owner != slot else { return }
            problem = "the range belongs to the Node \"\(owner.name)\""
        } else {
            problem = "must be a /\(settings.podRangePrefixLength) of \(settings.podRange)"
        }
        throw .invalid(
            slot.type, name: slot.name,
            [.init(reason: "FieldValueInvalid", message: "Invalid value: \"\(text)\": \(problem)", field: "spec.podCIDR")])
    }
}
