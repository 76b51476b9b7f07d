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
        case refused(BackendGate.Refusal)
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
    package mutating func admit(_ id: BackendID, _ head: RequestHead, client: UInt32, now: Instant) -> Admission {
        if let refusal = backends[id.index].gate.admit(head, client: client, now: now) { return .refused(refusal) }
        var hash: UInt64 = 0
        if case .consistentHash(let key) = backends[id.index].gate.rules.balancing {
            hash = HashKeyReading.hash(head, client: client, by: key)
        }
        return .stay(backends[id.index].gate.stay(id, hash: hash))
    }

    /// The backend that a stay was let in to; nil when it left the table since.
    package func backend(of stay: BackendGate.Stay) -> BackendID? { isCurrent(stay) ? stay.backend : nil }

    /// How long connections to the backend's endpoints may take, rest and live.
    package func timeouts(_ id: BackendID) -> TimeoutRules { backends[id.index].gate.rules.timeouts }

    /// How long after the first attempt a second one goes out; nil: never.
    package func hedgeDelay(_ stay: BackendGate.Stay) -> Duration? { isCurrent(stay) ? backends[stay.backend.index].gate.hedgeDelay : nil }

    package mutating func mayHedge(_ stay: inout BackendGate.Stay, now: Instant) -> Bool {
        isCurrent(stay) && backends[stay.backend.index].gate.mayHedge(&stay, now: now)
    }

    package mutating func noteAnswer(_ stay: BackendGate.Stay, after time: Duration) {
        if isCurrent(stay) { backends[stay.backend.index].gate.noteAnswer(after: time) }
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

    private func isCurrent(_ stay: BackendGate.Stay) -> Bool { backends[stay.backend.index].generation == stay.backend.generation }
}
