import Resources
import Timing

@testable import Traffic

/// Some endpoints behind a backend's health, told by number.
struct Ward {
    var health: BackendHealth
    var now = Instant.zero

    init(_ count: Int, _ rules: HealthRules = HealthRules(passive: PassiveHealth())) {
        health = BackendHealth(rules)
        health.follow(rules, (0..<count).map { EndpointID(index: $0) })
    }

    /// The numbers of those that may get traffic now.
    var usable: [Int] {
        mutating get {
            health.refreshIfDue(now: now)
            return health.usableEndpoints.map(\.index)
        }
    }

    mutating func note(_ outcome: AttemptOutcome, _ endpoint: Int, times: Int = 1, began: Instant? = nil) {
        for _ in 0..<times { health.note(outcome, at: EndpointID(index: endpoint), began: began ?? now, now: now) }
    }

    mutating func check(_ passed: Bool, _ endpoint: Int, _ index: Int = 0, times: Int = 1) {
        for _ in 0..<times { health.noteCheck(index, passed: passed, at: EndpointID(index: endpoint)) }
    }

    mutating func pass(_ time: Duration) { now += time }

    mutating func follow(_ endpoints: [Int], _ rules: HealthRules? = nil) {
        health.follow(rules ?? health.rules, endpoints.map { EndpointID(index: $0) })
    }
}
