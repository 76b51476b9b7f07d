import Resources
import Timing

/// A whole instance of Steady in one thread and in no time: virtual time, one source of random numbers, everything that happens one after the other.
///
/// Equal seeds and scenarios give equal histories, on every machine and in every process.
package final class World {
    package let scenario: Scenario
    package let seed: UInt64
    package private(set) var now = Instant.zero
    package internal(set) var history = History()
    /// What the first failing check said; nothing happens any more after it.
    package private(set) var violation: Violation?
    package private(set) var marks: Set<Mark> = []
    /// How many times the world has taken a step.
    package private(set) var stepCount = 0
    var random: SeededRandom
    private var timeline = Timeline()
    private var checks: [any Check] = []
    let network = Network()
    let disk = SimulatedDisk()
    var clocks = WallClocks()
    var published = PublishedLog()
    /// What outlives every role: machines, the records on them, and `up`.
    private(set) lazy var host = SimulatedHost(world: self)
    private(set) lazy var clients = Clients(world: self)
    var tally = Tally()
    /// What chance makes of a program for one process of it.
    var twist: (_ program: Program, _ isBroken: Bool) -> Program = { program, _ in program }
    /// When something durable changed last.
    var lastChange = Instant.zero
    /// Faults are over: from here on everything has to come to rest.
    var isCalm = false

    package init(_ scenario: Scenario, seed: UInt64) {
        self.scenario = scenario
        self.seed = seed
        random = SeededRandom(seed: seed)
        checks = scenario.isChecked ? Checks.all() : []
    }

    // MARK: Time

    @discardableResult
    func schedule(at: Instant, for life: Life?, _ body: @escaping () -> Void) -> Timeline.Appointment {
        timeline.arrange(at: max(at, now), for: life, body)
    }

    @discardableResult
    func schedule(after delay: Duration, for life: Life?, _ body: @escaping () -> Void) -> Timeline.Appointment {
        timeline.arrange(at: now + delay, for: life, body)
    }

    /// Behind everything that is already arranged for now: the end of a turn of the loop.
    func later(for life: Life?, _ body: @escaping () -> Void) { timeline.arrange(at: now, for: life, body).ignore() }

    func callOff(_ appointment: Timeline.Appointment) { timeline.callOff(appointment) }
    func isPending(_ appointment: Timeline.Appointment) -> Bool { timeline.isPending(appointment) }

    func goOn(_ life: Life) { for body in life.goOn(at: now) { later(for: life, body) } }

    /// What the clock of a place shows: a node's name, `server`, or whoever else has one.
    func wallClock(of place: String) -> Timestamp { clocks.time(at: place, now: now) }

    /// Lets everything happen that is due up to `end`, or until a check fails. Returns whether all of it happened.
    @discardableResult
    package func run(until end: Instant) -> Bool {
        while violation == nil, let next = timeline.next, next <= end {
            guard let event = timeline.take() else { break }
            now = event.at
            guard let body = event.body else { continue }
            if let life = event.life {
                if life.isOver { continue }
                if life.isPaused {
                    life.hold(body)
                    continue
                }
            }
            stepCount += 1
            body()
        }
        if violation == nil { now = max(now, end) }
        return violation == nil
    }

    /// Lets go of everything that is arranged: what was arranged refers to what arranged it.
    package func close() { timeline.clear() }

    // MARK: What is seen

    func note(_ who: String, _ what: @autoclosure () -> String, isTurningPoint: Bool = false) {
        history.note(now, who, what(), isTurningPoint: isTurningPoint)
    }

    func observe(_ observation: Observation) {
        for check in checks {
            check.observe(observation, in: self)
            if violation != nil { return }
        }
    }

    /// An interesting path was reached.
    func sometimes(_ mark: Mark) { marks.insert(mark) }

    /// A check failed. Only the first counts: what follows may be its consequence.
    func violate(_ check: String, _ what: String) {
        guard violation == nil else { return }
        violation = Violation(check: check, what: what, at: now)
        note("check", "\(check): \(what)", isTurningPoint: true)
    }

    func isPlanted(_ bug: PlantedBug) -> Bool { scenario.planted == bug }

    /// One more pair of eyes.
    func watch(_ check: any Check) { checks.append(check) }

    // MARK: Dice

    func chance(_ probability: Double) -> Bool { Double.random(in: 0..<1, using: &random) < probability }
    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    func pick<Element>(_ elements: [Element]) -> Element? { elements.isEmpty ? nil : elements[number(0...elements.count - 1)] }

    /// A length between two, evenly.
    func length(_ range: ClosedRange<Duration>) -> Duration {
        .nanoseconds(Int64.random(in: range.lowerBound.nanoseconds...range.upperBound.nanoseconds, using: &random))
    }
}

/// What a failing check said.
package struct Violation: Sendable, Hashable, CustomStringConvertible {
    package var check: String
    package var what: String
    package var at: Instant
    package var description: String { "\(TimeText.seconds(at)) \(check): \(what)" }
}

extension Timeline.Appointment {
    /// Says that nobody will call it off.
    func ignore() {}
}
