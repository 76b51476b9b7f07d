import Resources

/// What the proxies have acknowledged, and who waits for it: when nothing new is sent to a withdrawn pod, and when nothing is under way there.
///
/// One for each agent.
package struct DrainMachine: Sendable {
    /// How far the traffic has been led away from an address.
    package enum Stage: Int, Comparable, Sendable {
        /// A proxy may still send there.
        case routed
        /// Every proxy routes by a table without it.
        case withdrawn
        /// And none has an exchange open there. Flows are not waited for: the program ends them on TERM.
        case idle

        package static func < (a: Stage, b: Stage) -> Bool { a.rawValue < b.rawValue }
    }

    /// Somebody's wait has come further.
    package struct Step: Hashable, Sendable {
        package var wait: Int
        package var stage: Stage
    }

    private struct Wait {
        /// With the colon behind it, so that no longer address begins with it.
        var address: String
        var revision: Revision
        var goal: Stage
        var told = Stage.routed
    }

    /// How many proxies the instance runs. With fewer reports than that, one is silent, not absent: a server that was restarted has forgotten all
    /// of them, and each proxy routes on from memory until it has written its own again.
    private let proxyCount: Int
    /// Those that may carry traffic, as `up` knows; empty before it has said so. While `up` is away what it said last holds.
    private var live: Set<String> = []
    private var statuses: [ObjectKey: ProxyStatus] = [:]
    private var waits: [Int: Wait] = [:]
    private var lastWait = 0

    package init(proxyCount: Int) { self.proxyCount = proxyCount }

    /// The lowest revision that any proxy routes by, zero while one is silent; nil without proxies.
    package var acknowledged: Revision? { isEachHeard ? statuses.values.lazy.map(\.routeRevision).min() : .zero }

    private var isEachHeard: Bool { statuses.count >= proxyCount && live.isSubset(of: statuses.keys.lazy.map(\.name)) }

    /// Begins a wait for an address that no route leads to from a revision on; it ends by itself at its goal. Returns its number and what holds
    /// already.
    package mutating func wait(for address: String, from revision: Revision, until goal: Stage) -> (wait: Int, stage: Stage) {
        lastWait += 1
        var wait = Wait(address: address + ":", revision: revision, goal: goal)
        wait.told = min(stage(of: wait), goal)
        if wait.told < goal { waits[lastWait] = wait }
        return (lastWait, wait.told)
    }

    package mutating func callOff(_ wait: Int) { waits[wait] = nil }

    /// What a proxy says now; nil: it is gone. Returns who has come further, in the order in which they began to wait. What was said is not taken
    /// back when another proxy comes: its table is newer.
    package mutating func heard(_ status: ProxyStatus?, of proxy: ObjectKey) -> [Step] {
        statuses[proxy] = status
        return settle()
    }

    /// Which proxies have to be heard of. One that is not among them and has a status counts until its lease has run out.
    package mutating func expect(_ proxies: Set<String>) -> [Step] {
        live = proxies
        return settle()
    }

    private mutating func settle() -> [Step] {
        var steps: [Step] = []
        for (number, wait) in waits.sorted(by: { $0.key < $1.key }) {
            let stage = min(stage(of: wait), wait.goal)
            guard stage > wait.told else { continue }
            waits[number]?.told = stage
            if stage == wait.goal { waits[number] = nil }
            steps.append(Step(wait: number, stage: stage))
        }
        return steps
    }

    private func stage(of wait: Wait) -> Stage {
        // No slice has ever listed it: nobody routes there.
        if wait.revision == .zero { return .idle }
        guard isEachHeard, statuses.values.allSatisfy({ $0.routeRevision >= wait.revision }) else { return .routed }
        let isBusy = statuses.values.contains { $0.activeExchanges.contains { $0.key.hasPrefix(wait.address) && $0.value > 0 } }
        return isBusy ? .withdrawn : .idle
    }
}
