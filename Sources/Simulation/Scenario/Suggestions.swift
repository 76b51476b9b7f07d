import Formats
import Reconciling
import Resources
import Timing

/// What a manifest lacks, judging by what its drills showed.
package struct Suggestions {
    /// All objects of the application.
    let objects: [Value]
    let verdicts: [Verdict]
    private var found: [Suggestion] = []
    /// The zone label of nodes.
    private static let zoneLabel = "topology.kubernetes.io/zone"

    /// The changes that the verdicts give evidence for, the most needed first; none is tried out yet.
    package static func from(_ verdicts: [Verdict], objects: [Value]) -> [Suggestion] {
        var suggestions = Suggestions(objects: objects, verdicts: verdicts)
        for (index, object) in objects.enumerated() where object["kind"].string == "Deployment" { suggestions.look(at: index) }
        return Array(suggestions.found.prefix(Suggestion.limit))
    }

    private init(objects: [Value], verdicts: [Verdict]) {
        self.objects = objects
        self.verdicts = verdicts.filter { $0.judgement != .notReached }
    }

    private mutating func look(at index: Int) {
        let deployment = objects[index]
        placement(index, deployment)
        strategy(index, deployment)
        replicas(index, deployment)
        probes(index, deployment)
        startup(index, deployment)
        grace(index, deployment)
        readiness(index, deployment)
        errors(index, deployment)
    }

    mutating func add(
        _ index: Int, _ field: String, from: String, to: String, _ evidence: String, _ verdict: Verdict,
        _ change: @escaping @Sendable (inout Value) -> Void
    ) {
        let name = objects[index]["metadata"]["name"].string ?? ""
        found.append(
            Suggestion(
                field: "deployment/\(name): \(field)", from: from, to: to, evidence: evidence, drill: verdict.drill,
                change: { change(&$0[index]) }, before: verdict))
    }

    mutating func add(_ suggestion: Suggestion) { found.append(suggestion) }

    // MARK: What was seen

    private func name(_ deployment: Value) -> String { deployment["metadata"]["name"].string ?? "" }

    /// Drills after which the Deployment had nobody left, the worst first.
    private func outages(of deployment: Value, _ isMeant: (Verdict) -> Bool = { _ in true }) -> [Verdict] {
        verdicts.filter { verdict in
            isMeant(verdict) && verdict.least?.workload == name(deployment) && verdict.least?.ready == 0
                && verdict.judgement != .brokenPromise
                && verdict.judgement != .notStarted
        }.sorted { ($0.judgement, $0.avoidableLossCount) > ($1.judgement, $1.avoidableLossCount) }
    }

    /// `node-loss left 0 of 1 ready and 312 of 7,204 requests unanswered`.
    private func sentence(_ verdict: Verdict) -> String {
        if verdict.judgement == .notStarted { return "in \(verdict.drill.name) it never runs" }
        var text = "\(verdict.drill.name) left \(verdict.least?.ready ?? 0) of \(verdict.least?.wanted ?? 0) ready"
        let lost = verdict.avoidableLossCount
        if lost > 0 { text += " and lost \(lost) of \(verdict.sentCount) requests" }
        if verdict.judgement == .notRecovered { text += "; it did not recover" }
        return text
    }

    // MARK: Rules

    private mutating func placement(_ index: Int, _ deployment: Value) {
        let pod = deployment["spec"]["template"]["spec"]
        guard let verdict = outages(of: deployment, { $0.drill.fault == .zoneLoss || $0.drill.fault == .nodeLoss }).first else { return }
        if let zone = pod["nodeSelector"][Self.zoneLabel].string {
            add(
                index, "spec.template.spec.nodeSelector", from: "\(Self.zoneLabel)=\(zone)", to: "none",
                "all replicas are pinned to zone \(zone): \(sentence(verdict))", verdict
            ) { $0["spec"]["template"]["spec"]["nodeSelector"][Self.zoneLabel] = .null }
            return
        }
        let zones = verdict.worst.zones[name(deployment)] ?? [:]
        guard (verdict.least?.wanted ?? 0) > 1, zones.count == 1, let zone = zones.keys.first, pod["topologySpreadConstraints"].isNull
        else {
            return
        }
        let labels = deployment["spec"]["selector"]
        add(
            index, "spec.template.spec.topologySpreadConstraints", from: "none", to: "maxSkew 1 over zones",
            "all replicas were in zone \(zone): \(sentence(verdict))", verdict
        ) {
            $0["spec"]["template"]["spec"]["topologySpreadConstraints"] = [
                [
                    "maxSkew": 1, "topologyKey": .string(Self.zoneLabel), "whenUnsatisfiable": "DoNotSchedule", "labelSelector": labels,
                ]
            ]
        }
    }

    private mutating func strategy(_ index: Int, _ deployment: Value) {
        let observed = ObservedDeployment(deployment)
        guard let verdict = outages(of: deployment, { $0.drill.occasion == .rollout && $0.drill.fault == nil }).first else { return }
        if case .recreate = observed.strategy {
            add(
                index, "spec.strategy", from: "Recreate", to: "RollingUpdate",
                "Recreate ends every replica before the first new one starts: \(sentence(verdict))", verdict
            ) { $0["spec"]["strategy"] = ["type": "RollingUpdate"] }
        } else if observed.allowance.unavailable > 0 {
            add(
                index, "spec.strategy.rollingUpdate", from: "maxUnavailable \(observed.allowance.unavailable) of \(observed.replicas)",
                to: "maxUnavailable 0, maxSurge 1", "the strategy lets a rollout take away what serves: \(sentence(verdict))", verdict
            ) { $0["spec"]["strategy"] = ["type": "RollingUpdate", "rollingUpdate": ["maxUnavailable": 0, "maxSurge": 1]] }
        }
    }

    private mutating func replicas(_ index: Int, _ deployment: Value) {
        let observed = ObservedDeployment(deployment)
        let failing = outages(of: deployment, { $0.drill.fault != nil })
        guard let verdict = failing.first, observed.replicas < 3 else { return }
        let pinned = deployment["spec"]["template"]["spec"]["nodeSelector"][Self.zoneLabel].string != nil
        // More of them in the zone that is lost are lost as well.
        if pinned, observed.replicas > 1 { return }
        add(
            index, "spec.replicas", from: "\(observed.replicas)", to: "\(observed.replicas + 1)",
            "\(failing.count) of the drills left nobody ready; \(sentence(verdict))", verdict
        ) { $0["spec"]["replicas"] = .int(Int64(observed.replicas + 1)) }
    }

    private mutating func probes(_ index: Int, _ deployment: Value) {
        let containers = deployment["spec"]["template"]["spec"]["containers"].elements
        for (at, container) in containers.enumerated() {
            let field = "spec.template.spec.containers[\(at)]"
            let port = container["ports"][0]["containerPort"]
            let probe: Value = port.isNull ? .null : ["tcpSocket": ["port": port], "periodSeconds": 1]
            if container["readinessProbe"].isNull, !probe.isNull, let verdict = unreadyRollout(deployment) {
                add(
                    index, "\(field).readinessProbe", from: "none",
                    to: "a probe (tried here: tcpSocket \(port.int ?? 0); better an httpGet)",
                    "without one a replica counts as ready before it listens: \(sentence(verdict))", verdict
                ) { Self.set("readinessProbe", probe, at, &$0) }
            }
            if container["livenessProbe"].isNull, !port.isNull,
                let verdict = verdicts.first(where: { $0.drill.fault == .processHang && $0.judgement == .notRecovered })
            {
                let live: Value = ["httpGet": ["path": "/health", "port": port], "periodSeconds": 2, "failureThreshold": 3]
                add(
                    index, "\(field).livenessProbe", from: "none", to: "httpGet on port \(port.int ?? 0) every 2 s, 3 failures",
                    "nobody notices that a process hangs: \(sentence(verdict))", verdict
                ) { Self.set("livenessProbe", live, at, &$0) }
            }
        }
    }

    /// A liveness probe that judges a program while it still starts.
    private mutating func startup(_ index: Int, _ deployment: Value) {
        guard let verdict = verdicts.first(where: { $0.drill.fault == .slowStart && !$0.isSurvived && $0.judgement != .brokenPromise })
        else { return }
        for (at, container) in deployment["spec"]["template"]["spec"]["containers"].elements.enumerated() {
            let field = "spec.template.spec.containers[\(at)]"
            if let failures = container["startupProbe"]["failureThreshold"].int ?? (container["startupProbe"].isNull ? nil : 3) {
                guard failures < Self.startFailures else { continue }
                add(
                    index, "\(field).startupProbe.failureThreshold", from: "\(failures)", to: "\(Self.startFailures)",
                    "a start takes longer than its startup probe allows: \(sentence(verdict))", verdict
                ) { changed in
                    var probe = container["startupProbe"]
                    probe["failureThreshold"] = .int(Self.startFailures)
                    Self.set("startupProbe", probe, at, &changed)
                }
            } else if let liveness = Probe(container["livenessProbe"]) {
                let given = liveness.initialDelay + liveness.period * Int64(liveness.failureThreshold)
                let probe = Self.startupProbe(asking: container["livenessProbe"])
                add(
                    index, "\(field).startupProbe", from: "none",
                    to:
                        "what the livenessProbe asks, every 1 s, \(Self.startFailures) failures (or initialDelaySeconds or a greater failureThreshold "
                        + "there)",
                    "its livenessProbe restarts it \(DurationText.short(given)) after each start, while it still starts: \(sentence(verdict))",
                    verdict
                ) { Self.set("startupProbe", probe, at, &$0) }
            }
        }
    }

    private static func startupProbe(asking liveness: Value) -> Value {
        var probe = liveness
        for name in ["initialDelaySeconds", "successThreshold", "terminationGracePeriodSeconds"] { probe[name] = .null }
        probe["periodSeconds"] = 1
        probe["failureThreshold"] = .int(startFailures)
        return probe
    }

    /// Half a minute to start, asked every second.
    private static let startFailures: Int64 = 30

    /// What a person should know although every drill was survived: sentences.
    package static func remarks(_ verdicts: [Verdict], objects: [Value]) -> [String] {
        objects.filter { $0["kind"].string == "Deployment" }.compactMap { deployment in
            let containers = deployment["spec"]["template"]["spec"]["containers"].elements
            let name = deployment["metadata"]["name"].string ?? ""
            guard containers.allSatisfy({ $0["readinessProbe"].isNull }),
                let verdict = verdicts.first(where: {
                    $0.drill.occasion == .rollout && $0.least?.workload == name && $0.least?.ready == 0 && ($0.least?.wanted ?? 0) > 1
                })
            else { return nil }
            return
                "deployment/\(name) has no readinessProbe: a new replica counts as ready before it listens, so that in \(verdict.drill.name) "
                + "0 of \(verdict.least?.wanted ?? 0) served for a while, and requests waited; a probe lets a rollout go on only once they do"
        } + [errorRemark(verdicts)].compactMap { $0 }
    }

    /// A rollout during which more replicas were missing than the strategy allows; else whatever makes new replicas, by a plan or in the place of one
    /// that fails its liveness probe, and had nobody for its requests while something failed.
    private func unreadyRollout(_ deployment: Value) -> Verdict? {
        let observed = ObservedDeployment(deployment)
        let allowed = observed.replicas - observed.allowance.unavailable
        let short = verdicts.filter { $0.least?.workload == name(deployment) && ($0.least?.ready ?? allowed) < allowed }
        let planned = short.filter { $0.drill.occasion == .rollout && ($0.drill.fault == nil || $0.drill.fault == .slowStart) }
        let failing = short.filter {
            ($0.drill.occasion != .steady || $0.drill.fault == .sickness) && ($0.losses[.nobodyReady] ?? 0) > 0
        }
        return (planned.isEmpty ? failing : planned).max { $0.avoidableLossCount < $1.avoidableLossCount }
    }

    private mutating func grace(_ index: Int, _ deployment: Value) {
        let grace = deployment["spec"]["template"]["spec"]["terminationGracePeriodSeconds"].int ?? 30
        guard grace < 30, let verdict = verdicts.filter({ ($0.losses[.planned] ?? 0) > 0 }).max(by: { $0.lostCount < $1.lostCount }) else {
            return
        }
        add(
            index, "spec.template.spec.terminationGracePeriodSeconds", from: "\(grace)", to: "30",
            "\(verdict.losses[.planned] ?? 0) requests were cut off by planned stops in \(verdict.drill.name): the drain takes longer",
            verdict
        ) { $0["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] = 30 }
    }

    private mutating func readiness(_ index: Int, _ deployment: Value) {
        let observed = ObservedDeployment(deployment)
        guard observed.minReadySeconds == 0,
            let verdict = outages(of: deployment, { $0.drill.occasion == .rollout && $0.drill.fault == .processCrash }).first,
            observed.replicas > 1
        else { return }
        add(
            index, "spec.minReadySeconds", from: "0", to: "5",
            "new replicas counted before they had proved themselves: \(sentence(verdict))",
            verdict
        ) { $0["spec"]["minReadySeconds"] = 5 }
    }

    private static func set(_ probe: String, _ value: Value, _ at: Int, _ deployment: inout Value) {
        var containers = deployment["spec"]["template"]["spec"]["containers"].elements
        containers[at][probe] = value
        deployment["spec"]["template"]["spec"]["containers"] = .array(containers)
    }
}
