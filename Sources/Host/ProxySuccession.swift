import APIClient
import Linux

/// One proxy after another on the same listeners: the next one accepts BEFORE the one before stops to, which then finishes what it has.
///
/// Each has a name of its own, so that both have a lease and a `ProxyStatus` meanwhile: a drain waits for the word of both.
extension HostRole {
    /// Of an instance that was never upgraded.
    package static let firstProxy = "proxy-1"

    /// Those that run or are to run, the retired ones included until they have ended.
    var liveProxies: LiveProxies { LiveProxies(Set(roles.map(\.name).filter { $0.hasPrefix("proxy-") })) }

    func proxyArguments(_ name: String) -> [String] {
        ["proxy"] + commonArguments + ["--name", name, "--expose", "\(configuration.exposeAddress)"]
    }

    /// Starts another proxy beside the current one, with copies of all that is kept for that.
    func startProxy(after current: String) -> RoleProcess? {
        let name = (1...).lazy.map { "proxy-\($0)" }.first { name in !self.roles.contains { $0.name == name } } ?? current
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

    /// New connections are this one's; an `up` that starts again knows it.
    func makeCurrent(_ role: RoleProcess) {
        configuration.proxy = role.name
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
        let names = ((try? Files.list(directory.roles)) ?? []).filter { $0.hasPrefix("proxy-") && $0.hasSuffix(".lock") }.map {
            String($0.dropLast(5))
        }
        for name in names where name != configuration.proxy {
            guard let pid = Self.lockHolder(directory.roleLock(name)) else { continue }
            add(name, proxyArguments(name))
            retire(name)
            roles.last?.adopt(pid)
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
        for role in roles where role.name.hasPrefix("proxy-") && role.name != proxy && !retired.contains(role.name) {
            guard !kept.has(role: role.name, name: name), let copy = try? Sockets.duplicate(descriptor) else { continue }
            kept.keep(copy, role: role.name, name: name)
            connection(role.name)?.send(["op": "descriptor", "name": .string(name)], descriptor: copy)
        }
    }
}
