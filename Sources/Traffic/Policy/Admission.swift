import Resources
import Timing
import Wire

/// Whom the policies let in.
///
/// Every stay that `admit` returns ends with `left`, exactly once. What happens to a stay whose backend left the table meanwhile counts nowhere.
extension Router {
    /// What came of asking for admission.
    package enum Admission: Sendable {
        case stay(BackendGate.Stay)
        /// In line until then at most: `admitNext` lets it in, or `leaveLine` must follow. Who is displaced has left the line.
        case line(LinePlace, until: Instant, displaced: LinePlace?)
        case refused(BackendGate.Refusal)
    }

    /// One request's place in line.
    package struct LinePlace: Hashable, Sendable {
        let backend: BackendID
        let number: UInt64
    }

    /// Draws whether this request is one that is delayed, and whether one that is refused.
    package mutating func fault(_ id: BackendID) -> (delay: Duration?, abort: Int?) {
        let faults = backends[id.index].gate.rules.faults
        let delay = faults.delay.flatMap { strikes($0.percentage) ? $0.duration : nil }
        let abort = faults.abort.flatMap { strikes($0.percentage) ? $0.status : nil }
        return (delay, abort)
    }

    private mutating func strikes(_ percentage: Double) -> Bool {
        percentage >= 100 || Double.random(in: 0..<100, using: &random) < percentage
    }

    /// Lets a request in, or says why not.
    ///
    /// - Parameter age: how long it has waited for the loop to come to it; asked for where `shedsLoad`.
    package mutating func admit(
        _ id: BackendID, _ head: RequestHead, client: UInt32, age: Duration = .zero, now: Instant
    ) -> Admission {
        let answer = enterCircuit(id.index, now)
        // Who answers in place of a Service that only fails gets no more than the Service would: its limits hold first.
        if case .refused(let wait) = answer, backends[id.index].gate.rules.fallbacks.isEmpty { return .refused(.circuitOpen(wait: wait)) }
        var hash: UInt64 = 0
        if case .consistentHash(let key) = backends[id.index].gate.rules.balancing {
            hash = HashKeyReading.hash(head, client: client, by: key)
        }
        placeCount += 1
        let place = LoadShedder.Place(number: placeCount, priority: 0, since: now, hash: hash)
        switch backends[id.index].gate.admit(head, client: client, place: place, age: age) {
        case .refused(let refusal):
            if case .trial(let trial) = answer { leaveCircuit(id.index, trial) }
            return .refused(refusal)
        case .goes(let quota):
            var stay = backends[id.index].gate.stay(id, hash: hash, quota: quota)
            stay.follow(answer)
            return .stay(stay)
        case .waits(let until, let displaced):
            // Asked again when its turn comes.
            if case .trial(let trial) = answer { leaveCircuit(id.index, trial) }
            return .line(
                LinePlace(backend: id, number: place.number), until: until, displaced: displaced.map { LinePlace(backend: id, number: $0) })
        }
    }

    /// Whether it matters how long requests for the backend have waited.
    package func shedsLoad(_ id: BackendID) -> Bool { backends[id.index].gate.shedder != nil }

    /// Who is next in line of the backend that this stay was in; AFTER `left`, until there is nobody.
    package mutating func admitNext(after stay: BackendGate.Stay, now: Instant) -> (place: LinePlace, stay: BackendGate.Stay)? {
        let id = stay.backend
        guard isCurrent(stay), let place = backends[id.index].gate.next(now: now) else { return nil }
        var next = backends[id.index].gate.stay(id, hash: place.hash)
        next.follow(enterCircuit(id.index, now))
        return (LinePlace(backend: id, number: place.number), next)
    }

    /// It does not wait any longer.
    package mutating func leaveLine(_ place: LinePlace) {
        if backends[place.backend.index].generation == place.backend.generation {
            backends[place.backend.index].gate.leaveLine(place.number)
        }
    }

    /// The backend that a stay was let in to; nil when it left the table since.
    package func backend(of stay: BackendGate.Stay) -> BackendID? { isCurrent(stay) ? stay.backend : nil }

    /// How long connections to the backend's endpoints may take, rest and live.
    package func timeouts(_ id: BackendID) -> TimeoutRules { backends[id.index].gate.rules.timeouts }

    /// Whether callers' deadlines are read, and what is left of them passed on.
    package func propagatesDeadline(_ id: BackendID) -> Bool { backends[id.index].gate.rules.timeouts.propagatesDeadline }

    /// How long after the first attempt a second one goes out; nil: never.
    package func hedgeDelay(_ stay: BackendGate.Stay) -> Duration? {
        isCurrent(stay) ? backends[stay.backend.index].gate.hedgeDelay(stay) : nil
    }

    /// Whether the request may be sent a second time while the first attempt is out.
    package mutating func mayHedge(_ stay: BackendGate.Stay, now: Instant) -> Bool {
        isCurrent(stay) && backends[stay.backend.index].gate.mayHedge(stay, now: now)
    }

    /// It was: AFTER `mayHedge`.
    package mutating func noteHedge(_ stay: inout BackendGate.Stay, now: Instant) {
        if isCurrent(stay) { backends[stay.backend.index].gate.noteAdded(&stay, now: now) }
    }

    package mutating func noteAnswer(_ stay: BackendGate.Stay, after time: Duration) {
        if isCurrent(stay) { backends[stay.backend.index].gate.noteAnswer(after: time) }
    }

    /// Who answers, an endpoint or a fallback; true when that is another than before.
    package mutating func noteAnswer(_ stay: BackendGate.Stay, byFallback isAway: Bool, now: Instant) -> Bool {
        // A request of an earlier policy may be answered by a fallback that is gone: nobody would ever take that word back.
        isCurrent(stay) && !backends[stay.backend.index].gate.rules.fallbacks.isEmpty
            && backends[stay.backend.index].gate.failover.note(isAway: isAway, now: now)
    }

    /// From 0 to 1, for whoever must not do something at the same time as others.
    package mutating func jitter() -> Double { Double.random(in: 0..<1, using: &random) }

    package mutating func left(_ stay: BackendGate.Stay) {
        if isCurrent(stay) { backends[stay.backend.index].gate.left(stay) }
    }

    package mutating func mayWait(_ stay: inout BackendGate.Stay) -> Bool {
        !isCurrent(stay) || backends[stay.backend.index].gate.mayWait(&stay)
    }

    package mutating func stopsWaiting(_ stay: inout BackendGate.Stay) {
        if isCurrent(stay) { backends[stay.backend.index].gate.stopsWaiting(&stay) }
    }

    package mutating func mayRepeat(_ stay: inout BackendGate.Stay, now: Instant) -> Bool {
        isCurrent(stay) && backends[stay.backend.index].gate.mayRepeat(&stay, now: now)
    }

    func isCurrent(_ stay: BackendGate.Stay) -> Bool { backends[stay.backend.index].generation == stay.backend.generation }
}
