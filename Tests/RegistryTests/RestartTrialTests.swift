import Formats
import Registry
import Resources
import Testing
import Timing

/// Replicas that fail alike, each so long after it was Ready again, asking for leave as agents do, for two hours.
struct `A restart on trial` {
    /// How a workload's programs fail.
    struct Illness: CustomTestStringConvertible {
        /// Seconds from Ready to the failure.
        var failsAfter: Int
        var initialDelay = 0
        var period = 10
        /// Seconds from a restart until the container is started: the agent's back-off.
        var down = 0
        /// Seconds from then until Ready: a slow start.
        var starting = 0
        /// Fails only in the first so many seconds of the history.
        var lasts = Int.max
        var testDescription: String {
            "fails \(failsAfter) s after ready, delay \(initialDelay), period \(period), down \(down), starting \(starting), lasts \(lasts)"
        }

        var probe: Value {
            [
                "tcpSocket": ["port": 80], "initialDelaySeconds": .int(Int64(initialDelay)), "periodSeconds": .int(Int64(period)),
                "failureThreshold": 3,
            ]
        }
    }

    private struct Replica {
        var readyAt = -1_000_000
        var heldSince: Int?
        var restarts: Int64 = 0
        var downUntil: Int?
    }

    private static let replicaCount = 4
    private static let names = (0..<replicaCount).map { "w\($0)" }

    private func isRefused(_ name: String, _ store: inout StoreFixture) -> Bool {
        do { try store.perform(.restart(Sample.podKey(name))) } catch { return (error as? StatusError)?.code == 429 }
        return false
    }

    /// How often each was restarted, and who was to be replaced. What a replacement would be is not played.
    private func live(_ illness: Illness) throws -> (counts: [Int64], refusals: Set<String>, replaced: [String]) {
        var store = try StoreFixture.workload(Self.replicaCount, liveness: illness.probe)
        let start = store.now
        var replicas = [Replica](repeating: Replica(), count: Self.replicaCount)
        var refusals: Set<String> = []
        func report(_ index: Int) throws {
            let replica = replicas[index]
            let since = replica.downUntil.map { $0 - illness.down - illness.starting } ?? max(replica.readyAt, -86_400)
            try store.report(
                Self.names[index], ready: replica.downUntil == nil, restarts: replica.restarts,
                heldSince: replica.heldSince.map { (start + .seconds($0)).rfc3339 }, since: start + .seconds(since),
                startedAt: start + .seconds(since - illness.starting))
        }
        for index in replicas.indices { try report(index) }
        for second in 0..<7200 {
            store.now = start + .seconds(second)
            for index in replicas.indices {
                if let until = replicas[index].downUntil {
                    guard second >= until else { continue }
                    replicas[index].downUntil = nil
                    replicas[index].readyAt = second
                    try report(index)
                }
                let failing = second - replicas[index].readyAt >= illness.failsAfter && second < illness.lasts
                guard failing else {
                    if replicas[index].heldSince != nil {
                        replicas[index].heldSince = nil
                        try report(index)
                    }
                    continue
                }
                // What is held asks again after the probe's period.
                if let since = replicas[index].heldSince, (second - since) % illness.period != 0 { continue }
                do {
                    let answer = try store.perform(.restart(Sample.podKey(Self.names[index]))).object["reason"].string
                    guard answer == "Permitted" else { continue }
                    replicas[index].restarts += 1
                    replicas[index].heldSince = nil
                    replicas[index].downUntil = second + illness.down + illness.starting
                    if illness.down + illness.starting == 0 {
                        replicas[index].downUntil = nil
                        replicas[index].readyAt = second
                    }
                    try report(index)
                } catch let error as StatusError where error.code == 429 {
                    refusals.insert(error.details?.causes.first?.message ?? "")
                    if replicas[index].heldSince == nil {
                        replicas[index].heldSince = second
                        try report(index)
                    }
                }
            }
        }
        return (replicas.map(\.restarts), refusals, Self.names.filter { store.isEvictionRequested($0) })
    }

    @Test(arguments: [
        Illness(failsAfter: 1), Illness(failsAfter: 30), Illness(failsAfter: 59), Illness(failsAfter: 61), Illness(failsAfter: 90),
        // 30 s of delay and three periods of 20 or 30 s; five minutes of delay.
        Illness(failsAfter: 91, initialDelay: 30, period: 20), Illness(failsAfter: 121, initialDelay: 30, period: 30),
        Illness(failsAfter: 300, initialDelay: 270),
        // A slow start, and a back-off that grows to its longest.
        Illness(failsAfter: 31, starting: 45), Illness(failsAfter: 90, starting: 60),
        Illness(failsAfter: 31, down: 90), Illness(failsAfter: 61, down: 300), Illness(failsAfter: 5, down: 300),
        Illness(failsAfter: 61, down: 300, starting: 60),
    ])
    func `that is not passed stays with one of all that fail alike, and no other one is restarted or replaced`(illness: Illness) throws {
        let (counts, refusals, replaced) = try live(illness)
        #expect(counts[0] >= 7200 / Int64(illness.failsAfter + illness.down + illness.starting + illness.period) - 1, "\(counts)")
        #expect(counts[1...].allSatisfy { $0 == 0 }, "\(counts)")
        #expect(replaced.isEmpty)
        #expect(refusals.contains { $0.hasPrefix("pod w0 of the same workload was restarted and failed again") }, "\(refusals.sorted())")
    }

    @Test(arguments: [Illness(failsAfter: 150), Illness(failsAfter: 300), Illness(failsAfter: 600)])
    func `that is passed lets the next one be restarted`(illness: Illness) throws {
        let (counts, _, _) = try live(illness)
        #expect(counts[0] > 2 && counts[1] > 2, "\(counts)")
    }

    @Test func `opens for the others when the cause is gone`() throws {
        let (counts, _, replaced) = try live(Illness(failsAfter: 61, lasts: 3600))
        #expect(counts[0] > 40 && counts[1...].allSatisfy { $0 == 0 } && replaced.isEmpty, "\(counts)")
        var store = try StoreFixture.workload(3, liveness: Illness(failsAfter: 1).probe)
        try store.perform(.restart(Sample.podKey("w0")))
        try store.report("w0", ready: true, restarts: 1, since: store.now)
        store.now = store.now + .seconds(90)
        #expect(isRefused("w1", &store))
        store.now = store.now + .seconds(1)
        #expect(!isRefused("w1", &store))
    }

    /// Each row: how long the restarted pod has not been Ready, and whether another, held back for a minute, is replaced.
    @Test(arguments: [(61, false), (599, false), (600, true)])
    func `of a pod that never comes back keeps replacements away for ten minutes`(down: Int, isReplaced: Bool) throws {
        var store = try StoreFixture.workload(3, liveness: Illness(failsAfter: 1).probe)
        try store.perform(.restart(Sample.podKey("w0")))
        try store.report("w0", ready: false, restarts: 1, since: store.now)
        try store.report("w1", ready: true, heldSince: store.now.rfc3339)
        store.now = store.now + .seconds(down)
        #expect(isRefused("w1", &store) != isReplaced)
        #expect(store.isEvictionRequested("w1") == isReplaced)
    }

    /// A budget that never allows a disruption: what is held back is replaced first, and the replacement is on trial.
    @Test func `is a replacement, too: the one that fails again is the only one that is replaced once more`() throws {
        var store = try StoreFixture.workload(3, liveness: Illness(failsAfter: 1).probe)
        try store.budget(allowed: 0, healthy: 3, desired: 3)
        let held = store.now.rfc3339
        for name in ["w0", "w1", "w2"] { try store.report(name, ready: true, heldSince: held, since: store.now + .seconds(-3600)) }
        store.now = store.now + .seconds(60)
        try store.perform(.restart(Sample.podKey("w0")))
        #expect(store.isEvictionRequested("w0"))
        try store.perform(.delete(Sample.podKey("w0"), DeleteOptions(gracePeriodSeconds: 0)))
        let set = store.object(ObjectKey(.replicaSets, namespace: "default", name: "web"))
        try store.addPod("n0", of: set, liveness: Illness(failsAfter: 1).probe)
        try store.report("n0", ready: true, since: store.now)
        store.now = store.now + .seconds(70)
        #expect(isRefused("w1", &store))
        try store.report("n0", ready: true, heldSince: store.now.rfc3339, since: store.now + .seconds(-70))
        store.now = store.now + .seconds(3600)
        #expect(isRefused("w1", &store))
        #expect(!isRefused("n0", &store))
        #expect(store.isEvictionRequested("n0") && !store.isEvictionRequested("w1"))
    }

    /// The permit is a week old and helped; what the program does since is its own.
    @Test func `is over once the program ends by itself, and then keeps nobody from being helped`() throws {
        var store = try StoreFixture.workload(3, liveness: Illness(failsAfter: 1).probe)
        try store.perform(.restart(Sample.podKey("w0")))
        try store.report("w0", ready: true, restarts: 1, since: store.now)
        #expect(isRefused("w1", &store))
        for isReady in [true, false] {
            try store.report("w0", ready: isReady, restarts: 7, since: store.now)
            try store.report("w1", ready: true, heldSince: (store.now + .seconds(-60)).rfc3339)
            #expect(!isRefused("w1", &store) || store.isEvictionRequested("w1"))
        }
    }
}
