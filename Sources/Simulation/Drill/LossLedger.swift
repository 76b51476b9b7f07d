import Resources
import Timing
import Traffic

/// Why a client got no answer, in terms of what could have been done about it.
package enum LossCause: String, CaseIterable, Sendable, Hashable {
    /// It was being answered by what failed, and may not be sent twice: no plan of anybody could have saved it.
    case inFlight = "in flight at what failed"
    /// No replica was there to take it for as long as a proxy waits: with more of them, elsewhere, it would have been answered.
    case nobodyReady = "nobody ready"
    /// A process that was told to stop, or killed, by a plan had it.
    case planned = "cut off by a planned stop"
    /// A process that hung had taken it before anybody could know.
    case hung = "taken by what hung"
    /// A process that works took it, and was slower than clients wait.
    case tooLate = "not answered in time"
    /// A program answered with an error, before as many in a row had come from it as it takes to eject it: what its policy says, five at most.
    case erringAtFirst = "answered with an error at first"
    /// A program answered with an error, which had answered with enough of them to be ejected.
    case erring = "answered with an error"
    /// Its policy let it in not at all, or not in time.
    case policy = "refused by its policy"

    /// It went with what failed: more replicas make it rarer, nothing avoids it.
    package var isUnavoidable: Bool { self == .inFlight || self == .hung || self == .erringAtFirst }
}

/// Writes down why each lost request was lost: who had it, and what became of that.
final class LossLedger: Check {
    let name = "losses"
    private(set) var losses: [(at: Instant, cause: LossCause)] = []
    private var holder: [Int: SimulatedProcess] = [:]
    private var stopped: Set<SimulatedProcess.Identity> = []
    /// Which proxy sent each request last, and when.
    private var sent: [Int: (at: Instant, by: SimulatedProxy)] = [:]
    /// A process as one proxy knows it: each counts for itself. Proxies live as long as their world.
    private struct Answerer: Hashable {
        var process: SimulatedProcess.Identity
        var proxy: ObjectIdentifier

        init(_ process: SimulatedProcess, _ proxy: SimulatedProxy) {
            self.process = process.identity
            self.proxy = ObjectIdentifier(proxy)
        }
    }
    /// Of each that answers with errors: how many in a row, and when it was the last that an ejection has to wait for.
    private var errors: [Answerer: (count: Int, enoughAt: Instant?)] = [:]

    func observe(_ observation: Observation, in world: World) {
        switch observation {
        case .routed(let request, _, let proxy): sent[request.number] = (world.now, proxy)
        case .reached(let request, let process): holder[request.number] = process
        case .signalled(let process, _, _, _): stopped.insert(process.identity)
        case .requestServed(let request):
            let proxy = sent.removeValue(forKey: request.number)?.by
            if let process = holder.removeValue(forKey: request.number), let proxy { errors[Answerer(process, proxy)] = nil }
        case .requestLost(let request, let why):
            let process = holder.removeValue(forKey: request.number)
            let sent = sent.removeValue(forKey: request.number)
            let isAnswer = why.hasPrefix("status ") && !why.hasSuffix("as its policy asks")
            losses.append((world.now, isAnswer ? answeredWithError(process, request.backend, sent, world.now) : cause(why, process)))
        default: break
        }
    }

    /// What was on its way before an ejection could act is nobody's fault.
    private func answeredWithError(
        _ process: SimulatedProcess?, _ backend: RouteTable.BackendName, _ sent: (at: Instant, by: SimulatedProxy)?, _ now: Instant
    ) -> LossCause {
        guard let process, let sent else { return .erring }
        let answerer = Answerer(process, sent.by)
        var known = errors[answerer] ?? (0, nil)
        known.count += 1
        if known.count == Self.ejectionErrorCount(sent.by.rules(of: backend)) { known.enoughAt = now }
        errors[answerer] = known
        return known.enoughAt.map { sent.at > $0 } ?? false ? .erring : .erringAtFirst
    }

    /// How many the policy waits for, or would wait for where it says nothing else. What one that waits for more lets through another would have
    /// led elsewhere.
    private static func ejectionErrorCount(_ rules: TrafficRules) -> Int {
        let count = rules.health.passive?.consecutive5XxErrors ?? 0
        let usual = PassiveHealth().consecutive5XxErrors
        return count > 0 ? min(count, usual) : usual
    }

    private func cause(_ why: String, _ process: SimulatedProcess?) -> LossCause {
        switch why {
        case "proxy died": return .inFlight
        case "endpoint-reset", "bad-response":
            guard let process else { return .inFlight }
            return process.isHung ? .hung : stopped.contains(process.identity) ? .planned : .inFlight
        case "timed out":
            guard let process, process.isAlive || process.isHung else { return .nobodyReady }
            return process.isHung ? .hung : .tooLate
        case "request-timeout": return process?.isHung ?? false ? .hung : .tooLate
        case "rate-limited", "too-many-requests", "overloaded", "too-many-waiting", "too-many-connections", "circuit-open": return .policy
        case let why where why.hasSuffix("as its policy asks"): return .policy
        default: return .nobodyReady
        }
    }
}
