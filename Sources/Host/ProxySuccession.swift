import APIClient
import Linux
import Resources

/// Several proxies on the same listeners: beside each other, and one after another. The next one accepts BEFORE the one before stops to, which then
/// finishes what it has.
///
/// Each has a name of its own, so that all have a lease and a `ProxyStatus`: a drain waits for the word of each.
extension HostRole {
    /// Of an instance that was never upgraded.
    package static let firstProxy = RoleName.proxy(1)

    /// Those that run or are to run, the retired ones included until they have ended.
    var liveProxies: LiveProxies { LiveProxies(Set(roles.map(\.name).filter { RoleName.isProxy($0) })) }

    func proxyArguments(_ name: String) -> [String] {
        ["proxy"] + commonArguments + ["--name", name, "--expose", "\(configuration.exposeAddress)"]
    }

    /// Starts another proxy beside the current one, with copies of all that is kept for that.
    func startProxy(after current: String) -> RoleProcess? {
        let name = (1...).lazy.map { RoleName.proxy($0) }.first { name in !self.roles.contains { $0.name == name } } ?? current
        for (descriptorName, descriptor) in kept.all(role: current) {
            if let copy = try? Sockets.duplicate(descriptor) { kept.keep(copy, role: name, name: descriptorName) }
        }
        add(name, proxyArguments(name))
        // BEFORE it runs: no drain ends without it from now on, also if the server forgets what it says.
        tellProxies()
        let role = roles.last
        role?.handle(.tick)
        return role
    }

    /// New connections are this one's, in the place of the old one; an `up` that starts again knows it.
    func makeCurrent(_ role: RoleProcess, after old: String) {
        configuration.proxies = configuration.proxies.map { $0 == old ? role.name : $0 }
        do { try recordConfiguration() } catch { RoleLog.say(.error, "\(directory.hostRecord) cannot be written: \(error)") }
    }

    /// The proxy accepts nothing more, finishes what it has, however long that takes, and is not started again.
    func retire(_ name: String) {
        guard retired.insert(name).inserted else { return }
        roles.first { $0.name == name }?.handle(.stop)
        connection(name)?.send(["op": "retire"])
    }

    /// Proxies that an earlier `up` has retired and that still have something to finish.
    func adoptRetired() {
        let names = ((try? Files.list(directory.roles)) ?? []).filter { RoleName.isProxy($0) && $0.hasSuffix(".lock") }.map {
            String($0.dropLast(5))
        }
        for name in names where !configuration.proxies.contains(name) {
            guard let pid = Self.lockHolder(directory.roleLock(name)) else { continue }
            add(name, proxyArguments(name))
            retire(name)
            if roles.last?.adopt(pid) == false { forget(retired: name) }
        }
    }

    /// A proxy has ended that was retired: nothing of it stays but its log.
    func forget(retired name: String) {
        guard retired.remove(name) != nil else { return }
        kept.removeAll(role: name)
        roles.removeAll { $0.name == name }
        tellProxies()
        for path in [directory.roleLock(name), directory.roleSocket(name)] { try? Files.removeTree(path) }
    }

    /// What one proxy opens while another runs is the other's as well: nobody else can bind the address a second time.
    func share(_ descriptor: Int32, named name: String, by proxy: String) {
        guard name.hasPrefix(Self.listenerPrefix) else { return }
        for role in roles where RoleName.isProxy(role.name) && role.name != proxy && !retired.contains(role.name) {
            // One that was given up makes place for the next.
            if let present = kept.descriptor(role: role.name, name: name), Self.isOpen(present) { continue }
            guard let copy = try? Sockets.duplicate(descriptor) else { continue }
            kept.keep(copy, role: role.name, name: name)
            connection(role.name)?.send(["op": "descriptor", "name": .string(name)], descriptor: copy)
        }
    }

    /// A proxy finds an address taken: perhaps by another one, which opened it before this one was there.
    func share(withWhoWants name: String, _ connection: RoleConnection) {
        guard name.hasPrefix(Self.listenerPrefix), RoleName.isProxy(connection.role), !retired.contains(connection.role),
            let descriptor = openListener(name), let copy = try? Sockets.duplicate(descriptor)
        else { return }
        kept.keep(copy, role: connection.role, name: name)
        connection.send(["op": "descriptor", "name": .string(name)], descriptor: copy)
    }
}

extension HostConfiguration {
    /// Those that run stay; where they are too few, new ones take the first names that nobody has. Those beyond the count are left out: they finish what
    /// they have.
    mutating func chooseProxies(isRunning: (String) -> Bool) {
        proxies = Array(proxies.filter(isRunning).prefix(proxyCount))
        let names = (1...).lazy.map { RoleName.proxy($0) }
        while proxies.count < proxyCount, let free = names.first(where: { !proxies.contains($0) && !isRunning($0) }) {
            proxies.append(free)
        }
    }
}
