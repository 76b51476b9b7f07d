import Linux

/// Copies of the roles' descriptors, which outlive the roles: role, name, descriptor.
struct KeptDescriptors {
    private var byRole: [String: [String: Int32]] = [:]

    /// Takes the descriptor over; an older one of the name is closed.
    mutating func keep(_ descriptor: Int32, role: String, name: String) {
        if let old = byRole[role, default: [:]].updateValue(descriptor, forKey: name) { closeDescriptor(old) }
    }

    mutating func remove(role: String, name: String) {
        if let old = byRole[role]?.removeValue(forKey: name) { closeDescriptor(old) }
    }

    mutating func removeAll(role: String) {
        byRole.removeValue(forKey: role)?.values.forEach(closeDescriptor)
    }

    /// By name.
    func all(role: String) -> [(name: String, descriptor: Int32)] {
        (byRole[role] ?? [:]).sorted { $0.key < $1.key }.map { (name: $0.key, descriptor: $0.value) }
    }

    func has(role: String, name: String) -> Bool { byRole[role]?[name] != nil }

    func descriptor(role: String, name: String) -> Int32? { byRole[role]?[name] }

    var count: Int { byRole.values.reduce(0) { $0 + $1.count } }
}
