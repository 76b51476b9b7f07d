import Resources
import Timing
import Traffic

/// One seed of one drill: start, load, the occasion, one fault at a random moment of it, and what comes after.
package final class DrillRun {
    /// What one run came to.
    package struct Outcome: Sendable {
        package var seed: UInt64
        /// Why not everything ran when nothing had failed yet.
        package var startProblem: String?
        /// A promise of the orchestrator itself was broken.
        package var violation: Violation?
        package var sentCount = 0
        package var losses: [LossCause: Int] = [:]
        package var lossTimes: [Instant] = []
        /// One for each Deployment, by name.
        package var curves: [ReadyCurve] = []
        /// The Deployment that came nearest to nothing: its fewest serving replicas after the beginning of the drill, and what was wanted.
        package var least: Least?
        /// Nil: nothing was to fail, or what was to fail was not there for as long as the drill lasted.
        package var struckAt: Instant?
        package var beganAt: Instant = .zero
        /// When it was as wanted again, or the time was over; what comes after is the return of what was away.
        package var watchedUntil: Instant = .never
        /// From the fault, or the beginning of the occasion, to the last moment at which replicas were missing or a request could not be taken; nil:
        /// they were still missing at the end.
        package var recoveryTime: Duration?
        /// Why it counts as not recovered.
        package var remainder: String?
        /// False: it struck, and nobody did or lost anything because of it; nobody could tell it from no fault at all.
        package var hadEffect = true
        /// False: the time was over before the fault was, and what comes of it afterwards nobody has seen.
        package var isFaultOver = true
        /// Serving replicas of each Deployment in each zone when the fault struck.
        package var zones: [String: [String: Int]] = [:]
        package var duration: Duration = .zero
        package var digest: UInt64 = 0
        package var history = History()

        /// The fewest serving replicas of a Deployment, and how many were wanted.
        package struct Least: Sendable, Hashable {
            package var workload: String
            package var ready: Int
            package var wanted: Int
        }

        package var lostCount: Int { losses.values.reduce(0, +) }
        package var avoidableLossCount: Int { losses.filter { !$0.key.isUnavoidable }.values.reduce(0, +) }
        package init(seed: UInt64) { self.seed = seed }
    }

    /// How often replicas are counted.
    private static let lookPeriod: Duration = .milliseconds(20)
    /// For this long everything has to be as wanted, AFTER the fault's own doing is over, before a run counts as over.
    static let quietTime: Duration = .seconds(2)
    private static let warmUp: Duration = .seconds(2)

    private let drill: Drill
    private let world: World
    private let people: People
    private let chaos: Chaos
    private let ledger = LossLedger()
    private let restarts = ProbedRestarts()
    private let count: ReadyCount
    private var outcome: Outcome
    private var drained: String?
    /// When what the fault let go on for a while by itself is over.
    var faultEnd: Instant { chaos.actsUntil }
    /// Whom the fault made ill.
    var sickened: [SimulatedProcess] { chaos.sickened }

    package init(_ drill: Drill, of scenario: Scenario, seed: UInt64) {
        var scenario = scenario
        switch drill.fault {
        case .slowStart: scenario.standardProgram.startTime = .seconds(4)...(.seconds(10))
        case .ignoreTerm: scenario.standardProgram.ignoresTerm = true
        default: break
        }
        self.drill = drill
        world = World(scenario, seed: seed)
        people = People(world: world)
        chaos = Chaos(world: world, people: people)
        count = ReadyCount(world: world)
        outcome = Outcome(seed: seed)
        world.watch(ledger)
        world.watch(restarts)
    }

    /// Lets it happen.
    package func run() -> Outcome {
        defer { world.close() }
        world.host.start()
        world.schedule(after: .milliseconds(100), for: nil) { [self] in people.apply(world.scenario.objects) }
        guard start() else { return finished }
        world.clients.start(to: world.backends)
        look(for: Self.warmUp)
        count.begin()
        outcome.beganAt = world.now
        begin()
        if let fault = drill.fault { strike(fault) }
        watch()
        afterwards()
        return finished
    }

    private var startTime: Duration = .zero

    private func start() -> Bool {
        let end = world.now + SimulationRun.startLimit
        while world.violation == nil {
            count.look()
            guard let problem = Rest.problem(in: world) else {
                startTime = world.now - .zero - Rest.quietTime
                return true
            }
            guard world.now < end else {
                outcome.startProblem = problem
                return false
            }
            world.run(until: world.now + .milliseconds(250))
        }
        return false
    }

    private func look(for length: Duration) {
        let end = world.now + length
        while world.violation == nil, world.now < end {
            world.run(until: min(end, world.now + Self.lookPeriod))
            count.look()
        }
    }

    // MARK: What happens

    private func begin() {
        guard let deployment = world.pick(people.deployments) else { return }
        switch drill.occasion {
        case .steady: break
        case .rollout: people.roll(deployment)
        case .scale: people.scale(deployment, to: deployment.replicas + 2)
        case .drain:
            guard let node = world.pick(busyNodes) else { return }
            drained = node
            people.drain(node)
        }
    }

    private var busyNodes: [String] { world.host.nodes.filter { !(world.host.machines[$0]?.processes.isEmpty ?? true) } }

    /// At a random moment of what goes on, which takes about as long as a start for each replica; where nothing of the kind can happen then, as soon
    /// as it can.
    private func strike(_ fault: FaultKind) {
        let busyTime = drill.occasion == .steady ? .seconds(1) : startTime * min(4, max(1, people.deployments.map(\.replicas).max() ?? 1))
        look(for: world.length(.zero...busyTime))
        let end = world.now + world.scenario.chaosTime
        while world.violation == nil {
            for (key, zones) in count.zones() { outcome.zones[key.name] = zones }
            if strikes(fault) {
                outcome.struckAt = world.now
                return
            }
            guard world.now < end else { return }
            look(for: Self.lookPeriod)
        }
    }

    /// False: it cannot at this moment.
    private func strikes(_ fault: FaultKind) -> Bool {
        switch fault {
        case .nodeLoss:
            guard let node = world.pick(busyNodes) else { return false }
            lose([node])
        case .zoneLoss:
            let zones = Set(busyNodes.compactMap { world.host.machines[$0]?.zone }).sorted()
            guard let zone = world.pick(zones) else { return false }
            lose(world.host.nodes.filter { world.host.machines[$0]?.zone == zone })
        case .serverCrash:
            world.note("fault", "server crashes", isTurningPoint: true)
            world.host.kill(RoleName.server)
        // What starts slowly, or does not listen to TERM, has to be made to start, or to end.
        case .slowStart: return drill.occasion == .steady ? chaos.strike(.processCrash) : !busyNodes.isEmpty
        case .ignoreTerm:
            guard !busyNodes.isEmpty else { return false }
            if drill.occasion == .steady { people.act(.deletePod) }
        case .errors:
            // Drawn apart from all else, so that a seed has the same errors whatever the manifest says: one is held against the other.
            var random = SeededRandom(seed: outcome.seed)
            let length = Duration.milliseconds(Int64(random.next() % 18_001) + 2_000)
            return chaos.strike(fault, isWide: outcome.seed % 3 == 0, for: length)
        default: return chaos.strike(fault)
        }
        return true
    }

    private func lose(_ nodes: [String]) { for node in nodes { world.host.fail(node: node) } }

    /// Until the fault is over and all is as wanted, for a while, or the time is over.
    private func watch() {
        let end = world.now + world.scenario.chaosTime
        let duration = outcome.struckAt.map { FaultDuration(of: drill, struckAt: $0, chaos: chaos, restarts: restarts, world: world) }
        var settledSince: Instant?
        var lastDoing = Instant.zero
        while world.violation == nil, world.now < end {
            look(for: Self.lookPeriod)
            if duration?.isRunning ?? false { lastDoing = world.now + Self.lookPeriod }
            let isDrained = drained.flatMap { world.host.machines[$0]?.processes.isEmpty } ?? true
            if count.isSettled, isDrained {
                settledSince = settledSince ?? world.now
                if let since = settledSince, world.now - max(since, lastError, lastDoing) >= Self.quietTime,
                    (count.lastShortage ?? .zero) < since
                {
                    break
                }
            } else {
                settledSince = nil
            }
        }
        outcome.watchedUntil = world.now
        if let duration {
            outcome.isFaultOver = !duration.isRunning
            // Of what still goes on nobody knows yet what comes.
            outcome.hadEffect = !ledger.losses.isEmpty || duration.isSeen || !outcome.isFaultOver
        }
        let from = outcome.struckAt ?? outcome.beganAt
        let lastLoss = ledger.losses.last { !$0.cause.isUnavoidable }?.at
        if settledSince == nil || (count.lastShortage ?? .zero) >= world.now {
            outcome.remainder = world.host.server == nil ? "the server does not run" : Rest.problem(in: world) ?? "replicas are missing"
        } else if lastError > .zero, world.now - lastError < Self.quietTime {
            outcome.remainder = "requests are still answered with errors"
        } else {
            outcome.recoveryTime = max(.zero, max(count.lastShortage ?? .zero, lastLoss ?? .zero) - from)
        }
        if outcome.startProblem == nil, let least = leastNow(since: outcome.beganAt) { outcome.least = least }
    }

    /// When a request was answered with an error last that a policy could have led elsewhere: as long as that goes on nothing is over.
    private var lastError: Instant { ledger.losses.last { $0.cause == .erring }?.at ?? .zero }

    private func leastNow(since: Instant) -> Outcome.Least? {
        count.baseline.sorted { $0.key < $1.key }.compactMap { key, wanted in
            count.curves[key]?.least(since: since).map { Outcome.Least(workload: key.name, ready: $0, wanted: wanted) }
        }.min { Double($0.ready) / Double(max(1, $0.wanted)) < Double($1.ready) / Double(max(1, $1.wanted)) }
    }

    /// What was away comes back, and everything has to come to rest.
    private func afterwards() {
        guard world.violation == nil, outcome.remainder == nil else { return }
        chaos.stop()
        let end = world.now + SimulationRun.restLimit
        world.run(until: world.now + .milliseconds(500))
        while world.violation == nil, let problem = Rest.problem(in: world) {
            guard world.now < end else { return world.violate("everything comes to rest when faults are over", problem) }
            world.run(until: world.now + .milliseconds(500))
            count.look()
        }
    }

    private var finished: Outcome {
        outcome.violation = world.violation
        outcome.sentCount = world.tally.sentCount
        for loss in ledger.losses { outcome.losses[loss.cause, default: 0] += 1 }
        outcome.lossTimes = ledger.losses.map(\.at)
        outcome.curves = count.curves.sorted { $0.key < $1.key }.map(\.value)
        outcome.duration = world.now - .zero
        outcome.digest = world.history.digest
        outcome.history = world.history
        return outcome
    }
}
