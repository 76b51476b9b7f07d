import Resources
import Timing
import Traffic

/// Asks the endpoints of backends whose policy says so: the real rules, and a program that answers or does not.
final class SimulatedChecker {
    private unowned let proxy: SimulatedProxy
    private var rounds: [CheckPlace: HealthCheckRule] = [:]

    init(_ proxy: SimulatedProxy) { self.proxy = proxy }

    /// Asks whom the table names; who stays is asked on in its own time.
    func follow(_ table: RouteTable) {
        let wanted = table.wantedChecks { rounds[$0] != nil }
        let rules = Dictionary(wanted.map { ($0.place, $0.rule) }) { first, _ in first }
        rounds = rounds.filter { rules[$0.key] == $0.value }
        for check in wanted where rounds[check.place] == nil {
            rounds[check.place] = check.rule
            plan(check.place, check.rule, after: proxy.world.length(.zero...(check.rule.initialJitter ?? check.rule.interval)))
        }
    }

    private func plan(_ place: CheckPlace, _ rule: HealthCheckRule, after time: Duration) {
        proxy.world.schedule(after: time, for: proxy.life) { [self] in
            if rounds[place] == rule { ask(place, rule) }
        }
    }

    private func ask(_ place: CheckPlace, _ rule: HealthCheckRule) {
        let process = proxy.world.host.listener(at: place.address.host, port: place.address.port)
        guard let process, process.isListening else { return finished(place, rule, passed: false, after: .microseconds(200)) }
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
        finished(place, rule, passed: isAnswered && !process.isErring && !process.isSick, after: time)
    }

    private func finished(_ place: CheckPlace, _ rule: HealthCheckRule, passed: Bool, after time: Duration) {
        proxy.world.schedule(after: time, for: proxy.life) { [self] in
            guard rounds[place] == rule else { return }
            proxy.router.noteCheck(place.check, passed: passed, at: place.address, of: place.backend, now: proxy.world.now)
            proxy.tellTurns()
            plan(place, rule, after: rule.interval)
        }
    }
}
