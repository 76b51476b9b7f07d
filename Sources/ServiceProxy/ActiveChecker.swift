import Linux
import Resources
import Timing
import Traffic

/// What one check found at one endpoint, counted.
struct CheckCount {
    /// As the endpoint's tally prints them.
    var labels: String
    var check: String
    var passed: UInt64
    var failed: UInt64
}

/// Asks the endpoints of backends whose policy says so, each by its own timer, whatever pods' probes say.
///
/// Only who is ready by the table is asked. Each proxy asks for itself: what it cannot reach, its clients cannot either.
final class ActiveChecker {
    /// Checks under way at a time; further ones wait for their turn, in the order in which they came.
    static let parallelLimit = 64
    /// Endpoints times checks that are watched; what is beyond is believed to be healthy.
    static let watchLimit = 10_000

    private struct Key: Hashable {
        var backend: RouteTable.BackendName
        var check: Int
        var address: EndpointAddress
    }

    /// One check of one endpoint, from timer to timer.
    private final class Round {
        let rule: HealthCheckRule
        var users: ListenerUsers?
        var timer: EventLoop.Timer?
        var run: CheckRun?
        var isWaiting = false
        var passed: UInt64 = 0
        var failed: UInt64 = 0
        init(_ rule: HealthCheckRule) { self.rule = rule }
    }

    private unowned let plane: Dataplane
    private var rounds: [Key: Round] = [:]
    private var waiting: [Key] = []
    private var runningCount = 0
    private var random = SystemRandomNumberGenerator()

    init(plane: Dataplane) { self.plane = plane }

    var isWatching: Bool { !rounds.isEmpty }

    /// Asks whom the table names; who stays keeps his timer. Costs nothing where no policy has checks and none had.
    func follow(_ table: RouteTable) {
        var wanted: Set<Key> = []
        for backend in table.backends {
            for (index, rule) in backend.rules.health.checks.enumerated() {
                for endpoint in backend.endpoints where endpoint.standing == .ready {
                    let key = Key(backend: backend.name, check: index, address: endpoint.address)
                    if rounds[key]?.rule != rule {
                        end(key)
                        guard rounds.count < Self.watchLimit else { continue }
                        rounds[key] = Round(rule)
                        plan(
                            key, after: .seconds(Double.random(in: 0..<1, using: &random) * (rule.initialJitter ?? rule.interval).inSeconds)
                        )
                    }
                    rounds[key]?.users = endpoint.users
                    wanted.insert(key)
                }
            }
        }
        if rounds.isEmpty { return }
        for key in rounds.keys where !wanted.contains(key) { end(key) }
    }

    func stop() { for key in Array(rounds.keys) { end(key) } }

    private func end(_ key: Key) {
        guard let round = rounds.removeValue(forKey: key) else { return }
        round.timer?.cancel()
        if let run = round.run {
            run.cancel()
            runningCount -= 1
            startNext()
        }
    }

    private func plan(_ key: Key, after time: Duration) {
        rounds[key]?.timer = plane.loop.schedule(after: time) { [weak self] in self?.begin(key) }
    }

    private func begin(_ key: Key) {
        guard let round = rounds[key], round.run == nil, !round.isWaiting else { return }
        guard runningCount < Self.parallelLimit else {
            round.isWaiting = true
            waiting.append(key)
            return
        }
        runningCount += 1
        let address = key.address
        // A stranger's answer says nothing of the pod.
        let isStranger = plane.guardian.isStranger(at: address, for: round.users)
        let run = CheckRun(round.rule, at: address, of: key.backend, plane: plane) { [weak self] passed in
            self?.finished(key, passed: passed)
        }
        round.run = run
        if isStranger { plane.loop.later { run.fail() } } else { run.begin() }
    }

    private func finished(_ key: Key, passed: Bool?) {
        guard let round = rounds[key] else { return }
        round.run = nil
        runningCount -= 1
        plan(key, after: round.rule.interval)
        if let passed {
            if passed { round.passed += 1 } else { round.failed += 1 }
            plane.noteCheck(key.check, passed: passed, at: key.address, of: key.backend)
        }
        startNext()
    }

    private func startNext() {
        while runningCount < Self.parallelLimit, !waiting.isEmpty {
            let key = waiting.removeFirst()
            guard let round = rounds[key], round.isWaiting else { continue }
            round.isWaiting = false
            begin(key)
        }
    }

    /// What was found, sorted.
    var counts: [CheckCount] {
        rounds.sorted { ($0.key.backend, $0.key.address, $0.key.check) < ($1.key.backend, $1.key.address, $1.key.check) }
            .compactMap { key, round in
                plane.tally(key.address, of: key.backend).map {
                    CheckCount(labels: $0.labels, check: round.rule.name, passed: round.passed, failed: round.failed)
                }
            }
    }
}
