import APIClient
import Formats
import Linux
import Resources

/// The lines to `up`, and what is asked over them.
extension HostRole {
    func acceptAll() {
        while let accepted = try? Sockets.accept(listener) {
            let (identity, pid) = PeerIdentity.ofUnix(accepted.fd)
            guard identity.isOurs else {
                closeDescriptor(accepted.fd)
                continue
            }
            // The connection owns the socket, also when it cannot be made.
            let connection = try? RoleConnection(
                loop: loop, socket: accepted.fd, peer: pid, onMessage: { [unowned self] in handle($0, $1, $2) },
                onEnd: { [unowned self] in ended($0) })
            if let connection { connections[ObjectIdentifier(connection)] = connection }
        }
    }

    private func ended(_ connection: RoleConnection) {
        connections[ObjectIdentifier(connection)] = nil
        guard lines[connection.role] === connection else { return }
        lines[connection.role] = nil
        guard let upgrade else { return }
        // It becomes another program, and reads nothing until it says so.
        custodies[connection.role]?.agentEnded()
        upgrade.look()
    }

    private func handle(_ connection: RoleConnection, _ message: Value, _ descriptors: [Int32]) {
        let role = roles.first { $0.name == connection.role }
        role?.handle(.heard)
        switch message["op"].string {
        case "hello":
            connection.program = message["program"].string ?? ""
            connection.isReady = message["ready"].bool ?? false
            greet(connection, message["role"].string ?? "")
            upgrade?.look()
        case "ready":
            connection.isReady = true
            upgrade?.look()
        case "beat": connection.answer(beat: message)
        // Of nobody else: who can have a proxy avoid an endpoint is who looks after it.
        case "ended" where RoleName.isAgent(connection.role): connections.values.forEach { $0.passOn(ended: message["address"]) }
        case "serving":
            storeNotices = message["notices"].elements.compactMap(\.string)
            serving()
        case "cannot": cannotStart(role, message["reason"].string ?? "")
        case "store":
            if let descriptor = descriptors.first, let name = message["name"].string {
                keep(descriptor, named: name, from: connection)
                descriptors.dropFirst().forEach(closeDescriptor)
                return
            }
        case "want": share(withWhoWants: message["name"].string ?? "", connection)
        case "remove":
            let name = message["name"].string ?? ""
            kept.remove(role: connection.role, name: name)
            if configuration.proxies.contains(connection.role) { letGo(of: name) }
        case "exits":
            let asked = message["pids"].elements.compactMap { $0.int.map(Int32.init(truncatingIfNeeded:)) }
            connection.reply(to: message, ["exits": .array(exits.take(asked))])
        case "read":
            if let pod = message["pod"].string {
                custodies[connection.role]?.agentReads(pod: pod)
            } else {
                custodies[connection.role]?.agentReads()
            }
            connection.reply(to: message, ["ok": true])
        case "fence": answerFence(message) { connection.reply(to: message, $0) }
        case "program": connection.reply(to: message, programValue)
        case "upgrade": connection.reply(to: message, beginUpgrade(message))
        case "upgrade-status": connection.reply(to: message, (upgradeRecord ?? UpgradeRecord.read(directory))?.answer ?? ["phase": .null])
        case "status": connection.reply(to: message, status)
        case "fail": setFailed(message, true) { connection.reply(to: message, $0) }
        case "recover": setFailed(message, false) { connection.reply(to: message, $0) }
        case "down":
            shutDown(purging: message["purge"].bool ?? false) { connection.reply(to: message, ["ok": true]) }
        default: connection.reply(to: message, ["error": "unknown request"])
        }
        descriptors.forEach(closeDescriptor)
    }

    /// A child of a dead process can still be about to become its program: what it leaves here is for the process that came after.
    private func keep(_ descriptor: Int32, named name: String, from connection: RoleConnection) {
        if name.hasPrefix(Self.heldListener) { return received(held: descriptor, named: name, from: connection) }
        kept.keep(descriptor, role: connection.role, name: name)
        if RoleName.isProxy(connection.role) {
            share(descriptor, named: name, by: connection.role)
            lend(descriptor, named: name)
        }
        guard let newest = lines[connection.role], newest !== connection else { return }
        newest.send(["op": "descriptor", "name": .string(name)], descriptor: descriptor)
    }

    /// Kills who says hello as a role that nobody may be now. An `up` that was killed may have started an agent that waited since then for the node's lock:
    /// the death of the one before gives it the lock in the midst of a drill or a fence.
    private func refuses(_ connection: RoleConnection, _ role: RoleProcess?) -> Bool {
        guard let role, role.isBarred, connection.peer != Processes.current else { return false }
        RoleLog.say(.notice, "\(role.name) (pid \(connection.peer)) comes while it is to be down: killed")
        if let descriptor = try? Processes.openDescriptor(connection.peer) {
            try? Processes.signal(descriptor, 9)
            closeDescriptor(descriptor)
        }
        return true
    }

    private func greet(_ connection: RoleConnection, _ name: String) {
        if refuses(connection, roles.first { $0.name == name }) { return }
        connection.role = name
        for (descriptorName, descriptor) in kept.all(role: name) {
            connection.send(["op": "descriptor", "name": .string(descriptorName)], descriptor: descriptor)
        }
        lendAll(to: connection)
        connection.send(HostLink.welcome)
        lines[name] = connection
        if Self.hearsOfAbsences(name) { connection.send(agents.absent.message) }
        if Self.isServerOrAgent(name) { connection.send(liveProxies.message) }
        if let node = RoleName.node(ofAgent: name), stop == nil { agents.handle(.came, of: node) }
        if !connection.isReady, stop == nil { custodies[name]?.agentComes() }
        guard let role = roles.first(where: { $0.name == name }) else { return }
        if !role.isRunning { role.adopt(connection.peer) }
        role.handle(.heard)
        if retired.contains(name) { connection.send(["op": "retire"]) }
        // Who says hello during a stop has not heard of it.
        stop?.roleCame(role)
    }

    /// To the two that judge whether a node is lost: the server, and the proxies, which are its witnesses.
    func tellAbsences() {
        for (role, line) in lines.sorted(by: { $0.key < $1.key }) where Self.hearsOfAbsences(role) { line.send(agents.absent.message) }
    }

    private static func hearsOfAbsences(_ role: String) -> Bool { role == RoleName.server || RoleName.isProxy(role) }

    /// To those that wait for the word of every proxy: the agents, for a drain, and the server, for the loss of a node.
    func tellProxies() {
        for (role, line) in lines.sorted(by: { $0.key < $1.key }) where Self.isServerOrAgent(role) { line.send(liveProxies.message) }
    }

    /// The roles beside the proxies. Who says hello under another name is none.
    static func isServerOrAgent(_ role: String) -> Bool { role == RoleName.server || RoleName.isAgent(role) }

    func connection(_ role: String) -> RoleConnection? { lines[role] }
}
