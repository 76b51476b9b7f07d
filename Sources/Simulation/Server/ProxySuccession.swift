import Resources
import Timing

/// One proxy after another, as `up` does it: the next one accepts BEFORE the one before stops to, which then finishes what it has.
extension SimulatedHost {
    /// How long the next one has to become ready.
    private static let patience: Duration = .seconds(10)
    private static let lookPeriod: Duration = .milliseconds(20)

    /// Tells every agent which proxies may carry traffic: those that run or are to run, the retired ones included until they have ended.
    func tellProxies() {
        if world.isPlanted(.newProxyUnannounced) { return }
        world.schedule(after: .milliseconds(1), for: up) { [self] in
            let live = Set(roles.keys.filter { RoleName.isProxy($0) })
            for (_, agent) in agents.sorted(by: { $0.key < $1.key }) { world.later(for: agent.life) { agent.drains.expect(live) } }
        }
    }

    /// Begins to replace a proxy by another one.
    func succeed(_ old: String) {
        // One at a time.
        guard !up.isOver, !up.isPaused, roles.keys.count(where: { RoleName.isProxy($0) }) == currentProxies.count else { return }
        guard let name = (1...).lazy.map({ RoleName.proxy($0) }).first(where: { self.roles[$0] == nil }) else { return }
        add(name)
        // BEFORE it runs: no drain ends without it from now on.
        tellProxies()
        handle(name, .tick)
        awaitTable(of: name, after: old, until: world.now + Self.patience)
    }

    private func awaitTable(of name: String, after old: String, until: Instant) {
        world.schedule(after: Self.lookPeriod, for: up) { [self] in
            guard roles[name] != nil, !retiredProxies.contains(name) else { return }
            if isRunning(name), proxies[name]?.isRouting ?? false {
                world.sometimes(.proxySucceeded)
                currentProxies = currentProxies.map { $0 == old ? name : $0 }
                world.clients.proxyStarted()
                retire(old)
            } else if world.now >= until {
                // Back to the one before.
                retire(name)
            } else {
                awaitTable(of: name, after: old, until: until)
            }
        }
    }

    /// The proxy accepts nothing more, finishes what it has, and is not started again.
    private func retire(_ name: String) {
        guard retiredProxies.insert(name).inserted else { return }
        world.note("up", "retires \(name)", isTurningPoint: true)
        handle(name, .stop)
        finish(name)
    }

    private func finish(_ name: String) {
        guard let proxy = proxies[name], isRunning(name) else { return forget(retired: name) }
        world.schedule(after: Self.lookPeriod, for: proxy.life) { [self] in
            guard proxy.openCount == 0 else { return finish(name) }
            world.sometimes(.retiredProxyFinished)
            world.note(name, "has nothing more to do")
            kill(name)
        }
    }

    /// It has ended: nothing of it stays but its status, until its lease is out.
    func forget(retired name: String) {
        guard retiredProxies.remove(name) != nil else { return }
        roles[name] = nil
        tellProxies()
    }

    /// What the last `up` began: who is none of those that it wrote down is retired.
    func adoptRetired() {
        for name in roles.keys.sorted() where RoleName.isProxy(name) && !currentProxies.contains(name) {
            if isRunning(name) {
                world.sometimes(.retiredProxyAdopted)
                retire(name)
            } else {
                world.sometimes(.retiredProxyGone)
                retiredProxies.insert(name)
                forget(retired: name)
            }
        }
        tellProxies()
    }
}
