import Resources
import Timing

/// What changed about the health of a backend or of one of its endpoints.
package enum HealthTurn: Equatable, Sendable {
    case ejected(EjectionReason, for: Duration)
    /// Let in again: it has passed its trial, or the floor asks for it.
    case returned
    /// The check of this name.
    case checkFailed(String, HealthCheckRule.Depth)
    case checkPassed(String)
    case panicBegan
    case panicEnded
    /// The backend's circuit breaker.
    case circuitOpened(for: Duration)
    case circuitOnTrial
    case circuitClosed
    /// No policy asks for these any more.
    case returnedUnwatched
    case checkDropped(String)
    case panicDropped
    case circuitDropped
}

/// A turn, and where it came.
package struct HealthChange: Equatable, Sendable {
    package var backend: RouteTable.BackendName
    /// Nil: of the backend as a whole.
    package var endpoint: EndpointAddress?
    package var turn: HealthTurn
    package init(_ backend: RouteTable.BackendName, _ endpoint: EndpointAddress?, _ turn: HealthTurn) {
        self.backend = backend
        self.endpoint = endpoint
        self.turn = turn
    }
}

/// Which ready endpoints of one backend may get traffic now: those that neither their conduct nor an active check speaks against.
///
/// One rule stands above all others: never make it worse. The last endpoint is never taken out; one is taken out for its conduct only while one stays
/// that does better; a deep check that nobody passes means nothing; and where nobody healthy is left, all are used (panic).
///
/// Cost: a request asks for a list that is made when something changed or a time came; an outcome costs one look-up, an interval's end one pass.
package struct BackendHealth: Sendable {
    struct Member: Sendable {
        let endpoint: EndpointID
        var conduct = EndpointConduct()
        var checks: [CheckRecord]
        /// Its failures meet a rule, but taking it out would make it worse.
        var isFailing = false
    }

    private(set) var rules: HealthRules
    private(set) var members: [Member] = []
    private var places: [EndpointID: Int] = [:]
    /// By place.
    private var usable: [Bool] = []
    private(set) var isPanicking = false
    private var isStale = true
    private var hasTrials = false
    /// When a time that the list depends on is over.
    private var nextChange = Instant.never
    private var intervalEnd = Instant.zero
    /// What changed since it was taken last, nil for the backend itself.
    private var turns: [(endpoint: EndpointID?, turn: HealthTurn)] = []

    init(_ rules: HealthRules) { self.rules = rules }

    /// How many endpoints of so many may be out at a time: the share rounded down, but one always, and the last one never.
    static func allowance(of count: Int, percent: Int) -> Int { max(0, min(count - 1, max(1, count * percent / 100))) }

    private var allowance: Int {
        Self.allowance(of: members.count, percent: rules.passive?.maxEjectionPercent ?? PassiveHealth().maxEjectionPercent)
    }

    // MARK: - The table

    /// Puts rules and endpoints in force. Who stays keeps what is known of it, as far as the rules still ask for it.
    mutating func follow(_ new: HealthRules, _ ready: [EndpointID]) {
        let keepsChecks = new.checks == rules.checks
        let before = members
        members = ready.map { endpoint in
            guard let place = places[endpoint] else { return Member(endpoint: endpoint, checks: new.checks.map { _ in CheckRecord() }) }
            var member = before[place]
            if !keepsChecks {
                for (rule, record) in zip(rules.checks, member.checks) where !record.isPassing {
                    turns.append((endpoint, .checkDropped(rule.name)))
                }
                member.checks = new.checks.map { _ in CheckRecord() }
            }
            if new.passive == nil {
                if !member.conduct.isServing { turns.append((endpoint, .returnedUnwatched)) }
                member.conduct = EndpointConduct()
                member.isFailing = false
            }
            return member
        }
        places = Dictionary(uniqueKeysWithValues: members.enumerated().map { ($0.element.endpoint, $0.offset) })
        usable = [Bool](repeating: true, count: members.count)
        rules = new
        isStale = true
        if new.isEmpty, isPanicking {
            isPanicking = false
            turns.append((nil, .panicDropped))
        }
    }

    // MARK: - Who may get traffic

    /// Brings the list up to this time: BEFORE `isUsable` is asked.
    mutating func refreshIfDue(now: Instant) {
        if isStale || now >= nextChange { refresh(now) }
    }

    /// Whether the endpoint may get traffic; one that is not watched (it is terminating) may.
    func isUsable(_ endpoint: EndpointID) -> Bool { places[endpoint].map { usable[$0] } ?? true }

    /// Whether a ready endpoint gets nothing now.
    private(set) var leavesSomebodyOut = false

    /// The endpoints that may get traffic, as of the last refresh; never none while one is ready.
    var usableEndpoints: [EndpointID] { members.indices.filter { usable[$0] }.map { members[$0].endpoint } }

    /// One of the candidates was chosen.
    mutating func took(_ endpoint: EndpointID, now: Instant) {
        guard hasTrials, let place = places[endpoint], case .onTrial(_, let count) = members[place].conduct.state else { return }
        members[place].conduct.state = .onTrial(nextAt: now + EndpointConduct.trialPatience, successCount: count)
        isStale = true
    }

    private mutating func refresh(_ now: Instant) {
        isStale = false
        for place in members.indices {
            if case .ejected(let until) = members[place].conduct.state, until <= now {
                members[place].conduct.state = .onTrial(nextAt: now, successCount: 0)
            }
        }
        holdFloor()
        nextChange = .never
        hasTrials = false
        var serving: [Int] = []
        var trials: [Int] = []
        var dueTrials: [Int] = []
        for place in members.indices where isPassing(place, .shallow) {
            switch members[place].conduct.state {
            case .serving: serving.append(place)
            case .ejected: break
            case .onTrial(let nextAt, _):
                hasTrials = true
                trials.append(place)
                if nextAt <= now { dueTrials.append(place) } else { nextChange = min(nextChange, nextAt) }
            }
        }
        for member in members {
            if case .ejected(let until) = member.conduct.state { nextChange = min(nextChange, until) }
        }
        leaveOutDeep(&serving)
        let healthyCount = serving.count { !members[$0].isFailing }
        // Who is on trial is better than nobody.
        let chosen = serving.isEmpty ? trials : serving + dueTrials
        let isNobodyHealthy = serving.isEmpty ? trials.isEmpty : healthyCount == 0
        let isTooFew = isNobodyHealthy || healthyCount * 100 < rules.panicThreshold * members.count
        // Who only waits for its next trial is not left out.
        setPanic(isTooFew && serving.count + (serving.isEmpty ? trials.count : 0) < members.count)
        usable = [Bool](repeating: isPanicking || chosen.isEmpty, count: members.count)
        for place in chosen { usable[place] = true }
        leavesSomebodyOut = usable.contains(false)
    }

    /// Endpoints may have left: who is out beyond what the rest allows comes in again, who would be the soonest first.
    private mutating func holdFloor() {
        var outCount = members.count { !$0.conduct.isServing }
        while outCount > allowance,
            let place = members.indices.filter({ !members[$0].conduct.isServing }).min(by: { until($0) < until($1) })
        {
            takeBack(place)
            outCount -= 1
        }
    }

    private func until(_ place: Int) -> Instant {
        if case .ejected(let until) = members[place].conduct.state { until } else { .zero }
    }

    /// Leaves out whose deep checks fail, within the floor and while others pass.
    private func leaveOutDeep(_ serving: inout [Int]) {
        let failing = serving.filter { !isPassing($0, .deep) }
        guard !failing.isEmpty, failing.count < serving.count else { return }
        let left = allowance - (members.count - serving.count)
        if left > 0 { serving.removeAll { failing.prefix(left).contains($0) } }
    }

    private func isPassing(_ place: Int, _ depth: HealthCheckRule.Depth) -> Bool {
        for (index, rule) in rules.checks.enumerated() where rule.depth == depth && !members[place].checks[index].isPassing { return false }
        return true
    }

    private mutating func setPanic(_ isNew: Bool) {
        if isNew == isPanicking { return }
        isPanicking = isNew
        turns.append((nil, isNew ? .panicBegan : .panicEnded))
    }

    // MARK: - What happens

    /// What came of an attempt.
    ///
    /// - Parameter began: when the attempt did. What was sent before an ejection is no trial, however late it ends.
    mutating func note(_ outcome: AttemptOutcome, at endpoint: EndpointID, began: Instant, now: Instant) {
        guard let passive = rules.passive, let place = places[endpoint] else { return }
        if !members[place].conduct.isServing, began < members[place].conduct.outSince { return }
        if now >= intervalEnd { judgeInterval(passive, now) }
        let isFailure = members[place].conduct.note(outcome, passive)
        switch members[place].conduct.state {
        case .ejected:
            // It was asked since nobody better is left, or long ago.
            if !isFailure, isPanicking { setTrial(place, successCount: 1, now) }
        case .onTrial(_, let count):
            if isFailure {
                if hasBetter(than: place, .trialFailed, passive) { eject(place, .trialFailed, passive, now) } else { takeBack(place) }
            } else if count + 1 >= EndpointConduct.trialSuccesses {
                takeBack(place)
            } else {
                setTrial(place, successCount: count + 1, now)
            }
        case .serving:
            guard isFailure, let reason = members[place].conduct.reason(passive) else {
                let isFailing = isFailure && members[place].isFailing
                if members[place].isFailing != isFailing { isStale = true }
                members[place].isFailing = isFailing
                return
            }
            if mayEject(place, reason, passive) {
                eject(place, reason, passive, now)
            } else if !members[place].isFailing {
                members[place].isFailing = true
                isStale = true
            }
        }
    }

    /// What an active check found, by its place among the rules' checks.
    mutating func noteCheck(_ index: Int, passed: Bool, at endpoint: EndpointID) {
        guard let place = places[endpoint], rules.checks.indices.contains(index) else { return }
        let rule = rules.checks[index]
        guard members[place].checks[index].note(passed: passed, rule) else { return }
        isStale = true
        turns.append((endpoint, passed ? .checkPassed(rule.name) : .checkFailed(rule.name, rule.depth)))
    }

    /// Takes what changed since it was asked last, in order.
    mutating func takeTurns() -> [(endpoint: EndpointID?, turn: HealthTurn)] {
        defer { turns = [] }
        return turns
    }

    var hasTurns: Bool { !turns.isEmpty }

    private mutating func judgeInterval(_ passive: PassiveHealth, _ now: Instant) {
        intervalEnd = now + passive.interval
        defer { for place in members.indices { members[place].conduct.beginInterval() } }
        guard passive.failurePercentageThreshold > 0 else { return }
        let sum = members.reduce(into: (requests: 0, failures: 0)) {
            $0.requests += $1.conduct.requestCount
            $0.failures += $1.conduct.failureCount
        }
        for place in members.indices where members[place].conduct.isServing {
            let (requests, failures) = (members[place].conduct.requestCount, members[place].conduct.failureCount)
            guard requests > 0, requests >= passive.failurePercentageRequestVolume,
                failures * 100 >= requests * passive.failurePercentageThreshold
            else { continue }
            // The others must fail at most half as often: what fails for all is no endpoint's fault.
            let (otherRequests, otherFailures) = (sum.requests - requests, sum.failures - failures)
            guard otherRequests > 0, otherFailures * 2 * requests <= failures * otherRequests else { continue }
            if mayEject(place, .failurePercentage, passive) { eject(place, .failurePercentage, passive, now) }
        }
    }

    private func mayEject(_ place: Int, _ reason: EjectionReason, _ passive: PassiveHealth) -> Bool {
        members.count { !$0.conduct.isServing } < allowance && hasBetter(than: place, reason, passive)
    }

    /// Whether somebody stays who does better.
    private func hasBetter(than place: Int, _ reason: EjectionReason, _ passive: PassiveHealth) -> Bool {
        members.indices.contains {
            $0 != place && members[$0].conduct.isServing && isPassing($0, .shallow) && members[$0].conduct.isBetter(than: reason, passive)
        }
    }

    private mutating func eject(_ place: Int, _ reason: EjectionReason, _ passive: PassiveHealth, _ now: Instant) {
        let time = members[place].conduct.eject(passive, now: now)
        members[place].isFailing = false
        isStale = true
        turns.append((members[place].endpoint, .ejected(reason, for: time)))
    }

    private mutating func takeBack(_ place: Int) {
        members[place].conduct.serve()
        isStale = true
        turns.append((members[place].endpoint, .returned))
    }

    private mutating func setTrial(_ place: Int, successCount: Int, _ now: Instant) {
        members[place].conduct.state = .onTrial(nextAt: now, successCount: successCount)
        isStale = true
    }

    // MARK: - For people

    /// How the backend sees one of its ready endpoints.
    package enum Standing: Sendable {
        case serving
        case ejected
        /// Its time is over, and it gets a request at a time.
        case onTrial
        /// A shallow check fails.
        case unhealthy
    }

    package func standing(of endpoint: EndpointID) -> Standing {
        guard let place = places[endpoint] else { return .serving }
        if !isPassing(place, .shallow) { return .unhealthy }
        switch members[place].conduct.state {
        case .serving: return .serving
        case .ejected: return .ejected
        case .onTrial: return .onTrial
        }
    }
}
