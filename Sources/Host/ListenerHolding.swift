import APIClient
import Formats
import Linux
import Resources

/// The listeners of Services stay open while any part of Steady lives: every role but the proxies holds copies of them for `up`, and brings them to the
/// next one. When the proxy and `up` die together, connections wait until both are back, rather than being refused.
extension HostRole {
    static let listenerPrefix = "listener:"
    static let heldListener = HostLink.heldPrefix + listenerPrefix

    /// To all that hold: a proxy has opened this.
    ///
    /// - Parameter bringer: who has it already.
    func lend(_ descriptor: Int32, named name: String, but bringer: String? = nil) {
        guard name.hasPrefix(Self.listenerPrefix) else { return }
        for (role, line) in lines.sorted(by: { $0.key < $1.key }) where Self.isServerOrAgent(role) && role != bringer {
            line.send(["op": "descriptor", "name": .string(HostLink.heldPrefix + name)], descriptor: descriptor)
        }
    }

    /// It has not been given up by anybody who has a copy.
    static func isOpen(_ descriptor: Int32) -> Bool { Sockets.isDatagram(descriptor) || Sockets.isListening(descriptor) }

    /// A proxy's copy of what is open under this name.
    func openListener(_ name: String) -> Int32? {
        let proxies = roles.lazy.map(\.name).filter { RoleName.isProxy($0) }
        return proxies.compactMap { [kept] in kept.descriptor(role: $0, name: name) }.first { Self.isOpen($0) }
    }

    /// To one that says hello. BEFORE its welcome.
    func lendAll(to connection: RoleConnection) {
        guard Self.isServerOrAgent(connection.role) else { return }
        var told: Set<String> = []
        for (name, descriptor) in configuration.proxies.flatMap({ kept.all(role: $0) })
        where name.hasPrefix(Self.listenerPrefix) && told.insert(name).inserted {
            connection.send(["op": "descriptor", "name": .string(HostLink.heldPrefix + name)], descriptor: descriptor)
        }
    }

    /// A proxy has given a listener up: nobody holds it any more. Unless another one has opened the address anew.
    func letGo(of name: String) {
        guard name.hasPrefix(Self.listenerPrefix), openListener(name) == nil else { return }
        for (role, line) in lines.sorted(by: { $0.key < $1.key }) where Self.isServerOrAgent(role) {
            line.send(HostLink.release(HostLink.heldPrefix + name))
        }
    }

    /// A role brings what an earlier `up` had it hold. A proxy that lives has its listeners itself; one that has just been started gets them so. What the
    /// proxy gave up while there was no `up` does not listen any more, and goes.
    func received(held descriptor: Int32, named heldName: String, from connection: RoleConnection) {
        let name = String(heldName.dropFirst(HostLink.heldPrefix.count))
        if configuration.proxies.contains(where: { kept.has(role: $0, name: name) }) { return closeDescriptor(descriptor) }
        guard Self.isOpen(descriptor) else {
            connection.send(HostLink.release(heldName))
            return closeDescriptor(descriptor)
        }
        guard let proxy = configuration.proxies.first else { return closeDescriptor(descriptor) }
        kept.keep(descriptor, role: proxy, name: name)
        lines[proxy]?.send(["op": "descriptor", "name": .string(name)], descriptor: descriptor)
        share(descriptor, named: name, by: proxy)
        lend(descriptor, named: name, but: connection.role)
    }
}
