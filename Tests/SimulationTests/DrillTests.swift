import Formats
@testable import Simulation
import Testing
import Timing

@Suite struct DrillTests {
    /// What an application comes to, by what its manifest says.
    @Test(arguments: [
        Row("three replicas outlive the loss of a zone", Samples.web(), Drill(.zoneLoss, during: .steady), .survived),
        Row("one replica does, where it starts at once", Samples.web(replicas: 1), Drill(.zoneLoss, during: .steady), .survived),
        Row(
            "one that starts slowly does not", Samples.web(replicas: 1, livenessPeriod: nil), Drill(.zoneLoss, during: .steady),
            .lostRequests,
            startTime: .seconds(4)),
        Row("three in one zone do not", pinned(), Drill(.zoneLoss, during: .steady), .notRecovered),
        Row("a rollout loses nothing", Samples.web(), Drill(nil, during: .rollout), .survived),
        Row("one with Recreate and slow programs does", recreated(), Drill(nil, during: .rollout), .lostRequests, startTime: .seconds(4)),
        Row("a drain loses nothing, even of one replica", Samples.web(replicas: 1), Drill(nil, during: .drain), .survived),
        Row(
            "what hangs without a liveness probe stays away", Samples.web(livenessPeriod: nil), Drill(.processHang, during: .steady),
            .notRecovered),
        Row("what asks for more than a node has never starts", Samples.web(cpu: "20"), Drill(nil, during: .steady), .notStarted),
    ])
    func `A drill judges a manifest`(row: Row) {
        let outcomes = (1...3).map { seed in
            var scenario = Scenario(row.name, objects: row.objects)
            if let time = row.startTime { scenario.standardProgram.startTime = time...time }
            return DrillRun(row.drill, of: scenario, seed: UInt64(seed)).run()
        }
        let verdict = Verdict(row.drill, outcomes)
        #expect(verdict.judgement == row.judgement, "\(row.name)\n\(Story.lines(of: verdict.worst).joined(separator: "\n"))")
    }

    /// One replica, which counts as ready before it listens: in a rollout nobody may be there to hang.
    @Test(arguments: [FaultKind.processHang, .processCrash, .errors, .sickness])
    func `A fault that finds nobody waits until it can strike`(fault: FaultKind) {
        let drill = Drill(fault, during: .rollout)
        var objects = Samples.web(replicas: 1)
        objects[0]["spec"]["template"]["spec"]["containers"] = [
            [
                "name": "web", "image": "web:v1", "ports": [["name": "http", "containerPort": 8080]],
                "livenessProbe": ["httpGet": ["path": "/health", "port": 8080], "periodSeconds": 2, "failureThreshold": 3],
            ]
        ]
        for seed in 1...5 {
            let outcome = DrillRun(drill, of: Scenario("bare", objects: objects), seed: UInt64(seed)).run()
            #expect(outcome.struckAt != nil)
            #expect(
                Story.told(of: outcome).contains { line in ["hang", "crash", "errors", "fails its"].contains { line.what.contains($0) } },
                "\(Story.lines(of: outcome).joined(separator: "\n"))")
        }
    }

    /// What takes time to be noticed gets it: a probe that fails three times, a role that is silent for too long.
    @Test func `A process that fails its liveness probe is watched until it is ended for it`() {
        var most = 0
        for (seed, objects) in (1...4).flatMap({ seed in [(seed, Samples.web()), (seed, Samples.web(replicas: 1, livenessPeriod: 5))] }) {
            // One is restarted after the other, each when the last has stayed up for a minute.
            let run = DrillRun(Drill(.sickness, during: .steady), of: Self.ill(objects, for: .seconds(300)), seed: UInt64(seed))
            let outcome = run.run()
            let story = Story.lines(of: outcome).joined(separator: "\n")
            #expect(outcome.isFaultOver && outcome.hadEffect && outcome.recoveryTime != nil && !run.sickened.isEmpty, "\(story)")
            for process in run.sickened {
                #expect(
                    outcome.history.lines.contains {
                        $0.at < outcome.watchedUntil && $0.what == "sends TERM to \(process.name) (\(process.pid))"
                    }, "\(process.name)\n\(story)")
            }
            most = max(most, run.sickened.count)
        }
        #expect(most == 3)
    }

    @Test func `A fault that is not over when the time is is never merely survived`() throws {
        let drill = Drill(.sickness, during: .steady)
        let runs = (1...4).map { DrillRun(drill, of: Self.ill(Samples.web(), for: .seconds(30)), seed: $0) }
        let outcomes = runs.map { $0.run() }
        for (run, outcome) in zip(runs, outcomes) { #expect(outcome.isFaultOver == (run.sickened.count == 1) && outcome.hadEffect) }
        let verdict = Verdict(drill, outcomes)
        #expect(verdict.unfinishedCount == runs.count { $0.sickened.count == 3 } && verdict.unfinishedCount > 0)
        // Nobody can have noticed anything yet: that is not to have had no effect.
        let hasty = DrillRun(drill, of: Self.ill(Samples.web(livenessPeriod: 10), for: .seconds(5)), seed: 1).run()
        #expect(!hasty.isFaultOver && hasty.hadEffect)
    }

    /// A rollout ends everybody, ill or not.
    @Test func `Who is ill and was ended by a rollout alone makes no effect of it`() {
        for seed in 1...3 as ClosedRange<UInt64> {
            func outcome(_ period: Int64?) -> DrillRun.Outcome {
                DrillRun(
                    Drill(.sickness, during: .rollout), of: Self.ill(Samples.web(livenessPeriod: period), for: .seconds(60)), seed: seed
                )
                .run()
            }
            let unseen = outcome(nil)
            #expect(unseen.struckAt != nil && unseen.isFaultOver && !unseen.hadEffect, "\(Story.lines(of: unseen).joined(separator: "\n"))")
        }
    }

    @Test func `An up that crashes and is brought back is an effect`() {
        for seed in 1...3 as ClosedRange<UInt64> {
            let outcome = DrillRun(Drill(.upCrash, during: .steady), of: Scenario("up", objects: Samples.web()), seed: seed).run()
            #expect(outcome.hadEffect && outcome.isFaultOver && outcome.recoveryTime != nil)
            #expect(Story.told(of: outcome).contains { $0.who == "up" && $0.what == "begins again" })
        }
    }

    @Test(arguments: [FaultKind.pause, .partition, .lostMessages, .starvation, .slowDisk, .errors, .slowNetwork, .syncFailure])
    func `A fault that lasts is watched to its end`(fault: FaultKind) throws {
        for seed in 1...2 as ClosedRange<UInt64> {
            var scenario = Scenario("lasting", objects: Samples.web())
            scenario.chaosTime = .seconds(100)
            let run = DrillRun(Drill(fault, during: .steady), of: scenario, seed: seed)
            let outcome = run.run()
            let story = Story.lines(of: outcome).joined(separator: "\n")
            #expect(outcome.violation == nil && outcome.struckAt != nil, "\(story)")
            #expect(outcome.watchedUntil >= run.faultEnd + DrillRun.quietTime, "\(story)")
            #expect(run.faultEnd > (outcome.struckAt ?? .never) && outcome.isFaultOver, "\(story)")
        }
    }

    @Test func `What nobody could tell from no fault at all is said to have had no effect`() {
        var objects = Samples.web(livenessPeriod: nil)
        let drill = Drill(.sickness, during: .steady)
        func verdict() -> Verdict {
            Verdict(drill, (1...2).map { DrillRun(drill, of: Scenario("ill", objects: objects), seed: UInt64($0)).run() })
        }
        #expect(verdict().effectlessCount == 2 && verdict().isSurvived)
        objects = Samples.web()
        #expect(verdict().effectlessCount == 0 && verdict().isSurvived)
    }

    @Test func `A readiness probe is what helps where a new replica counts before it listens, under faults too`() throws {
        var objects = Samples.web(replicas: 1)
        var container = objects[0]["spec"]["template"]["spec"]["containers"][0]
        container["readinessProbe"] = .null
        objects[0]["spec"]["template"]["spec"]["containers"] = .array([container])
        let judge: (Drill, [Value]) -> Verdict = { drill, objects in
            var scenario = Scenario("unready", objects: objects)
            scenario.standardProgram.startTime = .seconds(4)...(.seconds(4))
            return Verdict(drill, (1...3).map { DrillRun(drill, of: scenario, seed: UInt64($0)).run() })
        }
        let before = judge(Drill(.sickness, during: .rollout), objects)
        #expect(before.judgement == .lostRequests)
        let remedy = Remedy.find([before], objects: objects, judge: judge)
        let helpful = remedy.tried.filter(\.helps)
        #expect(helpful.contains { $0.field.hasSuffix(".readinessProbe") }, "\(remedy.tried.map(\.field))")
        #expect(!helpful.contains { !$0.savesSeeds }, "\(helpful.map(\.field))")
        #expect(remedy.after.map(\.judgement) == [.survived])
    }

    @Test func `A run has as long as probe, grace period and start of the manifest need`() {
        func needed(_ liveness: Value, grace: Int64) -> Duration {
            var objects = Samples.web(gracePeriodSeconds: grace)
            var container = objects[0]["spec"]["template"]["spec"]["containers"][0]
            container["livenessProbe"] = liveness
            objects[0]["spec"]["template"]["spec"]["containers"] = .array([container])
            return DrillTime.needed(by: objects, startTime: .milliseconds(400))
        }
        let slow: Value = ["httpGet": ["path": "/health", "port": 8080], "initialDelaySeconds": 30]
        #expect(needed(.null, grace: 30) == .seconds(60))
        // What does not listen to TERM is there for as long, with a probe or without.
        #expect(needed(.null, grace: 600) == .seconds(630))
        #expect(needed(["httpGet": ["path": "/health", "port": 8080], "periodSeconds": 2], grace: 10) == .seconds(60))
        // 30 s + 3 x 10 s + 1 s, 30 s of grace, ready after 1.4 s, and 20 s for what lies between.
        #expect(needed(slow, grace: 30) == .seconds(120))
        // Never more than may be asked for, and much less where nobody asks.
        for grace in [86_400, 9_223_372_037, .max] as [Int64] {
            for probe in [.null, slow] { #expect(needed(probe, grace: grace) == DrillTime.allowed.upperBound) }
        }
        #expect(DrillTime.unasked(needed: .seconds(630)) == .seconds(630))
        #expect(DrillTime.unasked(needed: DrillTime.allowed.upperBound) == .seconds(900))
    }

    @Test func `A seed whose fault never struck is no verdict and no evidence`() {
        let drill = Drill(.processHang, during: .rollout)
        func outcome(_ seed: UInt64, isStruck: Bool, lost: Int = 0) -> DrillRun.Outcome {
            var outcome = DrillRun.Outcome(seed: seed)
            outcome.struckAt = isStruck ? .zero : nil
            outcome.recoveryTime = .zero
            outcome.least = .init(workload: "web", ready: 0, wanted: 1)
            outcome.sentCount = 100
            if lost > 0 { outcome.losses = [.nobodyReady: lost] }
            return outcome
        }
        let never = Verdict(drill, [outcome(1, isStruck: false), outcome(2, isStruck: false)])
        #expect(never.judgement == .notReached && !never.isSurvived && never.reachedCount == 0 && never.sentCount == 0)
        let once = Verdict(drill, [outcome(1, isStruck: false), outcome(2, isStruck: true)])
        #expect(once.judgement == .survived && once.survivedCount == 1 && once.reachedCount == 1 && once.lostCount == 0)
        let before = Verdict(drill, [outcome(1, isStruck: true, lost: 5), outcome(2, isStruck: true, lost: 5)])
        #expect(before.judgement == .lostRequests)
        var suggestion = Suggestion(field: "x", from: "a", to: "b", evidence: "", drill: drill, change: { _ in }, before: before)
        for (after, helps) in [
            (never, false), (once, false), (Verdict(drill, [outcome(1, isStruck: true), outcome(2, isStruck: true)]), true),
        ] {
            suggestion.after = after
            #expect(suggestion.helps == helps)
        }
        #expect(Suggestions.from([never], objects: Samples.web(replicas: 1)).isEmpty)
    }

    /// Where nothing serves, the fault finds nobody.
    @Test func `An outage without the fault is not hidden by the fault's having found nobody`() {
        let drill = Drill(.processHang, during: .rollout)
        func outcome(isStruck: Bool, recoveryTime: Duration?, _ losses: [LossCause: Int]) -> DrillRun.Outcome {
            var outcome = DrillRun.Outcome(seed: 1)
            outcome.struckAt = isStruck ? .zero : nil
            outcome.recoveryTime = recoveryTime
            outcome.losses = losses
            return outcome
        }
        let survived = outcome(isStruck: true, recoveryTime: .zero, [.hung: 2])
        let down = Verdict(drill, [survived, outcome(isStruck: false, recoveryTime: nil, [.nobodyReady: 9])])
        #expect(down.judgement == .notRecovered && down.reachedCount == 2 && down.avoidableLossCount == 9 && down.lostCount == 11)
        let lossy = Verdict(drill, [survived, outcome(isStruck: false, recoveryTime: .zero, [.planned: 1, .hung: 1])])
        #expect(lossy.judgement == .lostRequests && lossy.survivedCount == 1 && lossy.avoidableLossCount == 2)
        let quiet = Verdict(drill, [survived, outcome(isStruck: false, recoveryTime: .zero, [:])])
        #expect(quiet.judgement == .survived && quiet.reachedCount == 1)
    }

    /// One replica in four answers with errors, by two proxies.
    @Test(arguments: [3, 10] as [Int64]) func `An ejection is held to the number that its policy names, to five at most, for each proxy`(
        count: Int64
    ) {
        var objects = Samples.web(replicas: 4)
        objects.append([
            "apiVersion": "steady.dev/v1", "kind": "TrafficPolicy", "metadata": ["name": "web"],
            "spec": [
                "targetRefs": [["kind": "Service", "name": "web"]],
                "healthCheck": ["passive": ["consecutive5XxErrors": .int(count), "baseEjectionTime": "60s", "interval": "60s"]],
            ],
        ])
        var scenario = Scenario("counted", objects: objects)
        scenario.requestsPerSecond = 100
        scenario.proxyCount = 2
        for seed in [1, 2] as [UInt64] {
            let outcome = DrillRun(Drill(.errors, during: .steady), of: scenario, seed: seed).run()
            let story = Story.lines(of: outcome).joined(separator: "\n")
            // As many of each proxy, and what was on its way.
            let first = outcome.losses[.erringAtFirst] ?? 0
            let asked = 2 * Int(min(count, 5))
            #expect(first >= asked && first <= asked + 10, "\(story)")
            // What a policy lets through beyond that another one would have led elsewhere.
            let later = outcome.losses[.erring] ?? 0
            #expect(count > 5 ? later > 0 && first + later >= 2 * Int(count) : later == 0, "\(story)")
        }
    }

    @Test func `Errors that go on are lost, but for the first, and an ejection is what helps`() throws {
        let drill = Drill(.errors, during: .steady)
        let judge: (Drill, [Value]) -> Verdict = { drill, objects in
            var scenario = Scenario("errors", objects: objects)
            scenario.requestsPerSecond = 50
            return Verdict(drill, (1...3).map { DrillRun(drill, of: scenario, seed: UInt64($0)).run() })
        }
        let before = judge(drill, Samples.web())
        #expect(before.judgement == .lostRequests)
        #expect((before.losses[.erring] ?? 0) > 3 * (before.losses[.erringAtFirst] ?? 0) && (before.losses[.erringAtFirst] ?? 0) > 0)
        let remedy = Remedy.find([before], objects: Samples.web(), judge: judge)
        let ejection = try #require(remedy.tried.first { $0.field == "service/web, by a TrafficPolicy: spec.healthCheck.passive" })
        #expect(ejection.helps && (ejection.after?.avoidableLossCount ?? .max) < before.avoidableLossCount)
        #expect(
            Suggestions.remarks([before], objects: Samples.web()).contains {
                $0.contains("a readinessProbe that fails with what clients ask for")
            })
        let alone = judge(drill, Samples.web(replicas: 1))
        let fields = Suggestions.from([alone], objects: Samples.web(replicas: 1)).map(\.field)
        #expect(fields == ["deployment/web: spec.replicas", "service/web, by a TrafficPolicy: spec.healthCheck.passive"])
    }

    @Test func `What does not start says why`() {
        let run = DrillRun(Drill(nil, during: .steady), of: Scenario("big", objects: Samples.web(cpu: "20")), seed: 1).run()
        #expect(
            run.startProblem?.hasSuffix(" on no node is not ready: 0/3 nodes are available: 3 Insufficient cpu.") == true,
            "\(run.startProblem ?? "")")
    }

    /// A lease is good for ten seconds. Simulated time is exact: what is over before that did not wait for one.
    @Test(arguments: [1, 3]) func `With two nodes a zone, what a lost zone ran is replaced elsewhere long before a lease is over`(
        replicas: Int
    ) throws {
        for seed in 1...5 as ClosedRange<UInt64> {
            var scenario = Scenario("twins", objects: Samples.web(replicas: replicas))
            scenario.nodesPerZone = 2
            let outcome = DrillRun(Drill(.zoneLoss, during: .steady), of: scenario, seed: seed).run()
            #expect(outcome.violation == nil)
            let time = try #require(outcome.recoveryTime, "\(Story.lines(of: outcome).joined(separator: "\n"))")
            #expect(time < .seconds(5), "\(Story.lines(of: outcome).joined(separator: "\n"))")
        }
    }

    @Test func `The same seed gives the same run`() {
        let scenario = Scenario("again", objects: Samples.web())
        let drill = Drill(.nodeLoss, during: .rollout)
        let runs = (1...2).map { _ in DrillRun(drill, of: scenario, seed: 7).run() }
        #expect(runs[0].digest == runs[1].digest)
        #expect(Story.lines(of: runs[0]) == Story.lines(of: runs[1]))
        #expect(DrillRun(drill, of: scenario, seed: 8).run().digest != runs[0].digest)
    }

    @Test func `A suggestion names the evidence and holds when it is tried`() throws {
        let drill = Drill(.zoneLoss, during: .steady)
        func verdict(_ objects: [Value]) -> Verdict {
            Verdict(drill, (1...3).map { DrillRun(drill, of: Scenario("zone", objects: objects), seed: UInt64($0)).run() })
        }
        let before = verdict(Self.pinned())
        var suggestion = try #require(Suggestions.from([before], objects: Self.pinned()).first)
        #expect(suggestion.field == "deployment/web: spec.template.spec.nodeSelector")
        #expect(suggestion.evidence.contains("zone-loss left 0 of 3 ready"))
        var changed = Self.pinned()
        suggestion.change(&changed)
        suggestion.after = verdict(changed)
        #expect(suggestion.helps)
        #expect(suggestion.after?.judgement == .survived)
    }

    /// One replica in one zone: neither more replicas nor more zones are enough.
    @Test func `Changes that help only together are found together`() {
        var objects = Samples.web(replicas: 1, livenessPeriod: nil)
        objects[0]["spec"]["template"]["spec"]["nodeSelector"] = ["topology.kubernetes.io/zone": "a"]
        let judge: (Drill, [Value]) -> Verdict = { drill, objects in
            var scenario = Scenario("one", objects: objects)
            scenario.standardProgram.startTime = .seconds(4)...(.seconds(4))
            return Verdict(drill, (1...3).map { DrillRun(drill, of: scenario, seed: UInt64($0)).run() })
        }
        let remedy = Remedy.find([judge(Drill(.zoneLoss, during: .steady), objects)], objects: objects, judge: judge)
        let fields = remedy.tried.filter(\.helps).map(\.field)
        #expect(fields == ["deployment/web: spec.template.spec.nodeSelector", "deployment/web: spec.replicas"])
        #expect(remedy.after.map(\.judgement) == [.survived])
    }

    @Test func `Who survives everything is told nothing`() {
        let drills = [Drill(nil, during: .rollout), Drill(.processCrash, during: .steady)]
        let verdicts = drills.map { drill in
            Verdict(drill, (1...2).map { DrillRun(drill, of: Scenario("fine", objects: Samples.web()), seed: UInt64($0)).run() })
        }
        #expect(verdicts.count { !$0.isSurvived } == 0)
        #expect(Suggestions.from(verdicts, objects: Samples.web()).isEmpty)
    }

    @Test func `A drain replaces first, so a budget that allows nothing is no obstacle`() {
        var objects = Samples.web()
        objects.append([
            "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": ["name": "web"],
            "spec": ["minAvailable": 3, "selector": ["matchLabels": ["app": "web"]]],
        ])
        let drill = Drill(nil, during: .drain)
        let verdict = Verdict(drill, (1...3).map { DrillRun(drill, of: Scenario("drained", objects: objects), seed: UInt64($0)).run() })
        #expect(verdict.judgement == .survived, "\(Story.lines(of: verdict.worst).joined(separator: "\n"))")
        #expect(verdict.least?.ready == 3)
    }

    @Test func `A liveness probe that ends what still starts is answered with a startup probe`() throws {
        var objects = Samples.web(livenessPeriod: 1)
        objects[0]["spec"]["template"]["spec"]["containers"] = [
            [
                "name": "web", "image": "web:v1", "ports": [["name": "http", "containerPort": 8080]],
                "livenessProbe": ["httpGet": ["path": "/", "port": 8080], "periodSeconds": 1, "failureThreshold": 2],
            ]
        ]
        let drill = Drill(.slowStart, during: .steady)
        let judge: (Drill, [Value]) -> Verdict = { drill, objects in
            Verdict(drill, (1...2).map { DrillRun(drill, of: Scenario("slow", objects: objects), seed: UInt64($0)).run() })
        }
        let before = judge(drill, objects)
        #expect(before.judgement == .notStarted)
        let suggestion = try #require(Suggestions.from([before], objects: objects).first { $0.field.hasSuffix(".startupProbe") })
        #expect(suggestion.evidence.contains("restarts it 2.0 s after each start"))
        var changed = objects
        suggestion.change(&changed)
        #expect(judge(drill, changed).judgement != .notStarted)
    }

    @Test func `A rollout without readiness probes that leaves nobody is remarked upon, also when nothing is lost`() {
        var objects = Samples.web()
        var container = objects[0]["spec"]["template"]["spec"]["containers"][0]
        container["readinessProbe"] = .null
        objects[0]["spec"]["template"]["spec"]["containers"] = .array([container])
        var outcome = DrillRun.Outcome(seed: 1)
        outcome.recoveryTime = .zero
        outcome.least = .init(workload: "web", ready: 0, wanted: 3)
        let verdict = Verdict(Drill(nil, during: .rollout), [outcome])
        #expect(Suggestions.remarks([verdict], objects: objects).first?.hasPrefix("deployment/web has no readinessProbe") == true)
        #expect(Suggestions.remarks([verdict], objects: Samples.web()).isEmpty)
    }

    @Test func `What was lost after a fault was over is explained in the story`() {
        var outcome = DrillRun.Outcome(seed: 1)
        outcome.watchedUntil = .zero + .seconds(2)
        outcome.lossTimes = [.zero + .seconds(4)]
        outcome.history.note(.zero + .seconds(3), "agent-a1", "sends TERM to web (7)", isTurningPoint: false)
        #expect(Story.told(of: outcome).map(\.who) == ["agent-a1", "clients"])
    }

    @Test func `Who says the same again is told once, but for turning points`() {
        var outcome = DrillRun.Outcome(seed: 1)
        outcome.watchedUntil = .zero + .seconds(9)
        let lines = [
            ("agent-a1", "does not restart web", false), ("agent-b1", "does not restart web", false),
            ("agent-a1", "does not restart web", false),
            ("agent-a1", "sends TERM to web (7)", false), ("agent-a1", "does not restart web", false), ("fault", "up crashes", true),
            ("fault", "up crashes", true),
        ]
        for (index, line) in lines.enumerated() {
            outcome.history.note(.zero + .seconds(Int64(index)), line.0, line.1, isTurningPoint: line.2)
        }
        #expect(Story.told(of: outcome).map(\.time) == ["+0.000 s", "+1.000 s", "+3.000 s", "+4.000 s", "+5.000 s", "+6.000 s"])
    }

    struct Row: Sendable, CustomTestStringConvertible {
        var name: String
        var objects: [Value]
        var drill: Drill
        var judgement: Verdict.Judgement
        var startTime: Duration?

        init(_ name: String, _ objects: [Value], _ drill: Drill, _ judgement: Verdict.Judgement, startTime: Duration? = nil) {
            self.name = name
            self.objects = objects
            self.drill = drill
            self.judgement = judgement
            self.startTime = startTime
        }

        var testDescription: String { name }
    }

    private static func ill(_ objects: [Value], for time: Duration) -> Scenario {
        var scenario = Scenario("ill", objects: objects)
        scenario.chaosTime = time
        scenario.requestsPerSecond = 10
        return scenario
    }

    private static func pinned() -> [Value] {
        var objects = Samples.web()
        objects[0]["spec"]["template"]["spec"]["nodeSelector"] = ["topology.kubernetes.io/zone": "a"]
        return objects
    }

    private static func recreated() -> [Value] {
        var objects = Samples.web(livenessPeriod: nil)
        objects[0]["spec"]["strategy"] = ["type": "Recreate"]
        return objects
    }
}
