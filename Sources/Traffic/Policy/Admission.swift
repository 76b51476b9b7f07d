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
        return .stay(BackendGate.Stay(id, hash: hash))
    }

    /// The backend that a stay was let in to; nil when it left the table since.
    package func backend(of stay: BackendGate.Stay) -> BackendID? { isCurrent(stay) ? stay.backend : nil }

    /// How long a request may take in all; nil: for ever.
    package func requestTimeout(_ stay: BackendGate.Stay) -> Duration? {
        isCurrent(stay) ? backends[stay.backend.index].gate.rules.requestTimeout : nil
    }

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
