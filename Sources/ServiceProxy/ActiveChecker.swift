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
    private var rounds: [CheckPlace: Round] = [:]
    private var waiting: [CheckPlace] = []
    private var runningCount = 0
    private var random = SystemRandomNumberGenerator()

    init(plane: Dataplane) { self.plane = plane }

    var isWatching: Bool { !rounds.isEmpty }

    /// Asks whom the table names; who stays keeps his timer. Costs nothing where no policy has checks and none had.
    func follow(_ table: RouteTable) {
        let wanted = table.wantedChecks { rounds[$0] != nil }
        if wanted.isEmpty, rounds.isEmpty { return }
        let rules = Dictionary(wanted.map { ($0.place, $0.rule) }) { first, _ in first }
        for place in rounds.keys.sorted() where rules[place] != rounds[place]?.rule { end(place) }
        for check in wanted {
            if rounds[check.place] == nil {
                rounds[check.place] = Round(check.rule)
                let spread = check.rule.initialJitter ?? check.rule.interval
                plan(check.place, after: .seconds(Double.random(in: 0..<1, using: &random) * spread.inSeconds))
            }
            rounds[check.place]?.users = check.users
        }
    }

    func stop() { for place in rounds.keys.sorted() { end(place) } }

    private func end(_ place: CheckPlace) {
        guard let round = rounds.removeValue(forKey: place) else { return }
        round.timer?.cancel()
        if let run = round.run {
            run.cancel()
            runningCount -= 1
            startNext()
        }
    }

    private func plan(_ place: CheckPlace, after time: Duration) {
        rounds[place]?.timer = plane.loop.schedule(after: time) { [weak self] in self?.begin(place) }
    }

    private func begin(_ place: CheckPlace) {
        guard let round = rounds[place], round.run == nil, !round.isWaiting else { return }
        guard runningCount < Self.parallelLimit else {
            round.isWaiting = true
            waiting.append(place)
            return
        }
        runningCount += 1
        let address = place.address
        // A stranger's answer says nothing of the pod.
        let isStranger = plane.guardian.isStranger(at: address, for: round.users)
        let run = CheckRun(round.rule, at: address, of: place.backend, plane: plane) { [weak self] passed in
            self?.finished(place, passed: passed)
        }
        round.run = run
        if isStranger { plane.loop.later { run.fail() } } else { run.begin() }
    }

    private func finished(_ place: CheckPlace, passed: Bool?) {
        guard let round = rounds[place] else { return }
        round.run = nil
        runningCount -= 1
        plan(place, after: round.rule.interval)
        if let passed {
            if passed { round.passed += 1 } else { round.failed += 1 }
            plane.noteCheck(place.check, passed: passed, at: place.address, of: place.backend)
        }
        startNext()
    }

    private func startNext() {
        while runningCount < Self.parallelLimit, !waiting.isEmpty {
            let place = waiting.removeFirst()
            guard let round = rounds[place], round.isWaiting else { continue }
            round.isWaiting = false
            begin(place)
        }
    }

    /// What was found, sorted.
    var counts: [CheckCount] {
        rounds.sorted { $0.key < $1.key }
            .compactMap { place, round in
                plane.tally(place.address, of: place.backend).map {
                    CheckCount(labels: $0.labels, check: round.rule.name, passed: round.passed, failed: round.failed)
                }
            }
    }
}
