import APIClient
import Formats
import Linux

/// The listeners of Services stay open while any part of Steady lives: every role but the proxies holds copies of them for `up`, and brings them to the
/// next one. When the proxy and `up` die together, connections wait until both are back, rather than being refused.
extension HostRole {
    static let listenerPrefix = "listener:"
    static let heldListener = HostLink.heldPrefix + listenerPrefix

    private static func holds(_ role: String) -> Bool { role == "server" || node(ofRole: role) != nil }

    /// To all that hold: a proxy has opened this.
    ///
    /// - Parameter bringer: who has it already.
    func lend(_ descriptor: Int32, named name: String, but bringer: String? = nil) {
        guard name.hasPrefix(Self.listenerPrefix) else { return }
        for (role, line) in lines.sorted(by: { $0.key < $1.key }) where Self.holds(role) && role != bringer {
            line.send(["op": "descriptor", "name": .string(HostLink.heldPrefix + name)], descriptor: descriptor)
        }
    }

    /// To one that says hello. BEFORE its welcome.
    func lendAll(to connection: RoleConnection) {
        guard Self.holds(connection.role) else { return }
        for (name, descriptor) in kept.all(role: configuration.proxy) where name.hasPrefix(Self.listenerPrefix) {
            connection.send(["op": "descriptor", "name": .string(HostLink.heldPrefix + name)], descriptor: descriptor)
        }
    }

    /// The proxy has given a listener up: nobody holds it any more.
    func letGo(of name: String) {
        guard name.hasPrefix(Self.listenerPrefix) else { return }
        for (role, line) in lines.sorted(by: { $0.key < $1.key }) where Self.holds(role) {
            line.send(HostLink.release(HostLink.heldPrefix + name))
        }
    }

    /// A role brings what an earlier `up` had it hold. A proxy that lives has its listeners itself; one that has just been started gets them so. What the
    /// proxy gave up while there was no `up` does not listen any more, and goes.
    func received(held descriptor: Int32, named heldName: String, from connection: RoleConnection) {
        let name = String(heldName.dropFirst(HostLink.heldPrefix.count))
        if kept.has(role: configuration.proxy, name: name) { return closeDescriptor(descriptor) }
        guard Sockets.isDatagram(descriptor) || Sockets.isListening(descriptor) else {
            connection.send(HostLink.release(heldName))
            return closeDescriptor(descriptor)
        }
        kept.keep(descriptor, role: configuration.proxy, name: name)
        lines[configuration.proxy]?.send(["op": "descriptor", "name": .string(name)], descriptor: descriptor)
        lend(descriptor, named: name, but: connection.role)
    }
}
