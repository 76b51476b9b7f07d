import Formats
import Resources

extension Registry {
    /// Gives Services and Nodes with addresses of another slice some of this instance's: their state is a snapshot that another one has taken, which
    /// may run beside this one. Nothing that was told the old addresses runs here.
    ///
    /// What finds no free address keeps the old one: a Service is better listed with an address that nobody opens than lost.
    mutating func moveHere(_ records: inout [RegistryRecord], random: inout some RandomNumberGenerator) {
        for type in [ResourceType.services, .nodes] {
            for slot in keyspace.tipSlots(matching: ListRequest(type)) {
                guard let stored = keyspace.tip(slot), let moved = moved(stored.value, slot, random: &random) else { continue }
                _ = commit(slot, replacing: stored, with: moved, records: &records)
            }
        }
    }

    /// Nil for what has its place in this instance, or none at all.
    private func moved(_ object: Value, _ slot: Slot, random: inout some RandomNumberGenerator) -> Value? {
        var object = object
        let spec = object["spec"]
        do throws(StatusError) {
            if slot.type.plural == ResourceType.services.plural {
                guard let address = spec["clusterIP"].string.flatMap(AddressRange.address), !settings.serviceRange.contains(address) else {
                    return nil
                }
                for field in ["clusterIP", "clusterIPs"] { object["spec"][field] = .null }
            } else {
                guard let range = spec["podCIDR"].string.flatMap(AddressRange.init), !settings.podRange.contains(range) else { return nil }
                for field in ["podCIDR", "podCIDRs"] { object["spec"][field] = .null }
            }
            try allocate(&object, old: nil, slot: slot, random: &random)
            return object
        } catch {
            return nil
        }
    }
}
