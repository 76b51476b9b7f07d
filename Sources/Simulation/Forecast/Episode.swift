import Resources
import Timing

/// From a failure in a world at rest until all is as it was: everything that a forecast has to simulate, because between episodes nothing happens.
///
/// Further failures come meanwhile as often as the rates say. While something is away and everybody has got used to it, time is skipped until
/// the next failure or repair; what is lost meanwhile is lost at the same rate.
final class Episode {
    /// What one episode came to.
    struct Outcome {
        /// Requests.
        var lost = 0.0
        var length: Duration = .zero
        var causes: [FailureRates.Cause] = []
        /// Why it did not even start, or never came to rest.
        var problem: String?
        var violation: Violation?
        /// How many steps the world took.
        var stepCount = 0
    }

    private static let lookPeriod: Duration = .milliseconds(20)
    /// When no replica came or went for longer than a lease lasts, nothing is about to happen.
    private static let stillTime: Duration = .seconds(15)
    private static let stillPeriod: Duration = .milliseconds(200)
    /// As long as this nothing has changed: everybody has got used to what is away.
    private static let settledTime: Duration = .seconds(2)
    /// Longer than the longest back-off, and than a grace period that comes after it.
    private let stuckTime: Duration
    /// Without anything left to repair it has to come to rest within this.
    private static let patience: Duration = .seconds(1800)
    /// Failures in one episode at most; beyond it the failures come faster than the repairs.
    private static let causeLimit = 10_000

    private enum Repair {
        case nodes([String])
        case process(SimulatedProcess)
    }

    private let rates: FailureRates
    private let world: World
    private let people: People
    private let chaos: Chaos
    private let count: ReadyCount
    private let meter: LossMeter
    private var random: SeededRandom
    private var outcome = Outcome()
    private var repairs: [(at: Instant, what: Repair)] = []
    private var nextFailure: (at: Instant, cause: FailureRates.Cause) = (.never, .crash)
    /// How much longer the episode is than what the world saw of it.
    private var skipped: Duration = .zero

    init(_ rates: FailureRates, of scenario: Scenario, seed: UInt64) {
        self.rates = rates
        random = SeededRandom(seed: seed)
        let graces = scenario.objects.map { $0["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].int ?? 30 }
        stuckTime = .seconds(330 + min(3600, max(0, graces.max() ?? 0)))
        world = World(scenario, seed: seed)
        people = People(world: world)
        chaos = Chaos(world: world, people: people)
        count = ReadyCount(world: world)
        meter = LossMeter(world: world, count: count)
        world.watch(meter)
    }

    /// - Parameter stepLimit: it ends as it stands when the world has taken so many steps.
    func run(first: FailureRates.Cause, stepLimit: Int) -> Outcome {
        defer { world.close() }
        world.history.keepsWords = false
        world.host.start()
        world.schedule(after: .milliseconds(100), for: nil) { [self] in people.apply(world.scenario.objects) }
        guard start() else { return finished }
        world.run(until: world.now + world.length(.zero...(.seconds(5))))
        count.look()
        count.begin()
        meter.begin()
        let began = world.now
        fail(first)
        planNext()
        while world.violation == nil, world.stepCount < stepLimit {
            let isStill = world.now - max(count.lastStep, lastEvent) > Self.stillTime
            world.run(until: world.now + (isStill ? Self.stillPeriod : Self.lookPeriod))
            count.look()
            meter.look()
            while nextFailure.at <= world.now, outcome.causes.count < Self.causeLimit {
                fail(nextFailure.cause)
                planNext()
            }
            repairWhatIsDue()
            if isUsedToIt {
                if repairs.isEmpty, isWhole { break }
                guard let next = ([nextFailure.at] + repairs.map(\.at)).min(), next != .never else { break }
                if repairs.isEmpty, world.now - lastEvent > Self.patience {
                    outcome.problem = Rest.problem(in: world) ?? "replicas are missing"
                    break
                }
                if !repairs.isEmpty, next > world.now { skip(next - world.now) }
            }
        }
        meter.end()
        outcome.length = world.now - began + skipped
        return finished
    }

    private func start() -> Bool {
        let end = world.now + SimulationRun.startLimit
        while world.violation == nil {
            count.look()
            guard let problem = Rest.problem(in: world) else { return true }
            guard world.now < end else {
                outcome.problem = problem
                return false
            }
            world.run(until: world.now + .milliseconds(250))
        }
        return false
    }

    private var finished: Outcome {
        outcome.lost = meter.lost
        outcome.violation = world.violation
        outcome.stepCount = world.stepCount
        return outcome
    }

    // MARK: Time

    private var lastEvent = Instant.zero
    private var settledSince: Instant?

    /// Everything is as wanted for a while, or no replica has come or gone for long.
    private var isUsedToIt: Bool {
        let isSettled = count.isSettled && world.host.server != nil && !world.host.proxies.isEmpty
        if isSettled {
            settledSince = settledSince ?? world.now
        } else {
            settledSince = nil
        }
        if let settledSince, world.now - max(settledSince, lastEvent) >= Self.settledTime { return true }
        return !isSettled && world.now - max(count.lastStep, lastEvent) >= stuckTime
    }

    /// Nothing is missing: the next episode may begin.
    private var isWhole: Bool { settledSince != nil && world.host.roleNames.allSatisfy { world.host.isRunning($0) } }

    /// What was to come in a while comes now.
    private func skip(_ length: Duration) {
        skipped += length
        meter.skip(length)
        if nextFailure.at != .never { nextFailure.at = nextFailure.at - length }
        for index in repairs.indices { repairs[index].at = repairs[index].at - length }
        lastEvent = world.now
    }

    private func planNext() {
        guard let next = rates.next(in: world.scenario, &random) else { return }
        nextFailure = (world.now + next.after, next.cause)
    }

    // MARK: Failures and repairs

    private func fail(_ cause: FailureRates.Cause) {
        outcome.causes.append(cause)
        lastEvent = world.now
        let host = world.host
        switch cause {
        case .crash: chaos.strike(.processCrash)
        case .hang:
            guard let process = world.pick(host.processes.filter { $0.isListening && !$0.isHung }) else { return }
            process.hang()
            repair(.process(process), after: .hang)
        case .node: if let node = world.pick(host.nodes) { lose([node], .node) }
        case .zone: if let zone = world.pick(world.scenario.zones) { lose(host.nodes.filter { host.machines[$0]?.zone == zone }, .zone) }
        case .server: world.host.kill(RoleName.server)
        case .agent: chaos.strike(.agentCrash)
        case .proxy:
            meter.proxyDies()
            chaos.strike(.proxyCrash)
        case .up: chaos.strike(.upCrash)
        case .rollout: if let deployment = world.pick(people.deployments) { people.roll(deployment) }
        }
    }

    private func lose(_ nodes: [String], _ cause: FailureRates.Cause) {
        let lost = nodes.filter { !world.host.isFailed(node: $0) }
        for node in lost { world.host.fail(node: node) }
        if !lost.isEmpty { repair(.nodes(lost), after: cause) }
    }

    private func repair(_ what: Repair, after cause: FailureRates.Cause) {
        repairs.append((world.now + (rates.repairTimes[cause] ?? .seconds(3600)), what))
    }

    private func repairWhatIsDue() {
        let due = repairs.filter { $0.at <= world.now }
        repairs.removeAll { $0.at <= world.now }
        if !due.isEmpty { lastEvent = world.now }
        for repair in due {
            switch repair.what {
            case .nodes(let nodes): for node in nodes { world.host.recover(node: node) }
            case .process(let process): if process.isAlive { process.kill() }
            }
        }
        // Who was killed by a liveness probe needs nobody.
        repairs.removeAll { if case .process(let process) = $0.what { !process.isAlive } else { false } }
    }
}
