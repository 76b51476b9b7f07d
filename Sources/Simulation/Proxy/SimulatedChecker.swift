import Resources
import Timing
import Traffic

/// Asks the endpoints of backends whose policy says so: the real rules, and a program that answers or does not.
final class SimulatedChecker {
    private struct Key: Hashable {
        var backend: RouteTable.BackendName
        var check: Int
        var address: EndpointAddress
    }

    private unowned let proxy: SimulatedProxy
    private var rounds: [Key: HealthCheckRule] = [:]

    init(_ proxy: SimulatedProxy) { self.proxy = proxy }

    /// Asks whom the table names; who stays is asked on in its own time.
    func follow(_ table: RouteTable) {
        var wanted: Set<Key> = []
        for backend in table.backends {
            for (index, rule) in backend.rules.health.checks.enumerated() {
                for endpoint in backend.endpoints where endpoint.standing == .ready {
                    let key = Key(backend: backend.name, check: index, address: endpoint.address)
                    wanted.insert(key)
                    if rounds[key] == rule { continue }
                    rounds[key] = rule
                    plan(key, rule, after: proxy.world.length(.zero...(rule.initialJitter ?? rule.interval)))
                }
            }
        }
        rounds = rounds.filter { wanted.contains($0.key) }
    }

    private func plan(_ key: Key, _ rule: HealthCheckRule, after time: Duration) {
        proxy.world.schedule(after: time, for: proxy.life) { [self] in
            if rounds[key] == rule { ask(key, rule) }
        }
    }

    private func ask(_ key: Key, _ rule: HealthCheckRule) {
        let process = proxy.world.host.listener(at: key.address.host, port: key.address.port)
        guard let process, process.isListening else { return finished(key, rule, passed: false, after: .microseconds(200)) }
        let isAnswered: Bool
        let time: Duration
        if case .tcp = rule.question {
            isAnswered = true
            time = .microseconds(200)
        } else {
            let needed = proxy.world.length(process.program.serviceTime) * (proxy.world.host.isStarved ? 20 : 1)
            isAnswered = !process.isHung && needed <= rule.timeout
            time = isAnswered ? needed : rule.timeout
        }
        finished(key, rule, passed: isAnswered && !process.isErring && !process.isSick, after: time)
    }

    private func finished(_ key: Key, _ rule: HealthCheckRule, passed: Bool, after time: Duration) {
        proxy.world.schedule(after: time, for: proxy.life) { [self] in
            guard rounds[key] == rule else { return }
            proxy.router.noteCheck(key.check, passed: passed, at: key.address, of: key.backend, now: proxy.world.now)
            proxy.tellTurns()
            plan(key, rule, after: rule.interval)
        }
    }
}
