import Formats
import Reconciling
import Resources
import Timing

/// A world with one Deployment, its sets and their pods, and no store: plans are run on it and their changes carried out at once.
///
/// Readiness, failures and the order of events are the test's.
struct TinyWorld {
    var deployment: Value
    var sets: [String: Value] = [:]
    var pods: [String: Value] = [:]
    var now = start
    private var revision: Int64 = 10
    private var nextName = 0
    /// What was decided about the Deployment.
    private(set) var decisions = DecisionBook()
    /// Versions whose pods never become ready.
    var broken: Set<String> = []

    init(
        replicas: Int64, surge: Value = "25%", unavailable: Value = "25%", strategy: String = "RollingUpdate", minReady: Int64 = 0,
        deadline: Int64 = 600
    ) {
        deployment = [
            "metadata": [
                "name": "web", "namespace": "default", "uid": "d-1", "generation": 1, "creationTimestamp": .string(start.rfc3339),
            ],
            "spec": [
                "replicas": .int(replicas), "selector": ["matchLabels": ["app": "web"]], "minReadySeconds": .int(minReady),
                "progressDeadlineSeconds": .int(deadline),
                "strategy": ["type": .string(strategy)],
                "template": ["metadata": ["labels": ["app": "web"]], "spec": ["containers": [["name": "web", "image": "web:v1"]]]],
            ], "status": [:],
        ]
        if strategy == "RollingUpdate" {
            deployment["spec"]["strategy"]["rollingUpdate"] = ["maxSurge": surge, "maxUnavailable": unavailable]
        }
    }

    // MARK: What a person does

    mutating func setImage(_ image: String) {
        deployment["spec"]["template"]["spec"]["containers"] = [["name": "web", "image": .string(image)]]
        bump()
    }

    mutating func set(_ field: String, _ value: Value) {
        deployment["spec"][field] = value
        bump()
    }

    private mutating func bump() { deployment["metadata"]["generation"] = .int((deployment["metadata"]["generation"].int ?? 0) + 1) }

    // MARK: What can be seen

    var observed: ObservedDeployment { ObservedDeployment(deployment) }
    func image(ofSet set: Value) -> String { set["spec"]["template"]["spec"]["containers"][0]["image"].string ?? "" }
    func image(ofPod pod: Value) -> String { pod["spec"]["containers"][0]["image"].string ?? "" }
    /// Image and size of each set that is not empty, by image.
    var sizes: [String: Int64] {
        var out: [String: Int64] = [:]
        for set in sets.values where (set["spec"]["replicas"].int ?? 0) > 0 {
            out[image(ofSet: set), default: 0] += set["spec"]["replicas"].int ?? 0
        }
        return out
    }
    func set(of image: String) -> Value { sets.values.first { self.image(ofSet: $0) == image } ?? .null }
    var readyCount: Int { pods.values.count { ObservedPod($0).isReady && ObservedPod($0).isActive } }
    var liveCount: Int { pods.values.count { ObservedPod($0).isActive } }
    func condition(_ type: String) -> Value { deployment["status"]["conditions"].condition(type) ?? .null }

    // MARK: What the controllers do

    @discardableResult
    mutating func deploymentPass() -> Plan {
        let sets = self.sets.keys.sorted().map { ObservedReplicaSet(self.sets[$0]!) }
        var counts: [String: Int] = [:]
        for pod in pods.values.map({ ObservedPod($0) }) { counts[pod.meta.controller?.uid ?? "", default: 0] += 1 }
        let observedPods = pods.keys.sorted().map { ObservedPod(pods[$0]!) }
        let plan = DeploymentPlan.plan(.init(deployment: observed, sets: sets, podCounts: counts, pods: observedPods), now: now)
        let about = DecidedObject(observed.key)
        let said = Decision(plan: plan.explanation, about: about, by: DeploymentPlan.component, last: now)
        let events = plan.events.map { Decision(about, $0.message, reason: $0.reason, by: DeploymentPlan.component, last: now) }
        for decision in (said.map { [$0] } ?? []) + events { _ = decisions.record(decision) }
        carryOut(plan)
        return plan
    }

    @discardableResult
    mutating func setPass(_ name: String) -> Plan {
        guard let set = sets[name] else { return Plan() }
        let plan = ReplicaSetPlan.plan(
            .init(set: ObservedReplicaSet(set), pods: pods.keys.sorted().map { ObservedPod(pods[$0]!) }), now: now)
        carryOut(plan)
        return plan
    }

    /// Runs all plans until none wants anything; says how many rounds it took.
    @discardableResult
    mutating func settle(limit: Int = 50) -> Int {
        for round in 0..<limit {
            var isQuiet = deploymentPass().changes.isEmpty
            for name in sets.keys.sorted() { if !setPass(name).changes.isEmpty { isQuiet = false } }
            if isQuiet { return round }
        }
        return limit
    }

    // MARK: What agents do

    /// The pods of a version that never becomes ready have been started so often.
    mutating func crash(_ image: String, restarts: Int64) {
        for name in pods.keys.sorted() where self.image(ofPod: pods[name]!) == image {
            pods[name]?["status"]["containerStatuses"] = [
                ["name": "web", "restartCount": .int(restarts), "state": ["waiting": ["reason": "CrashLoopBackOff"]]]
            ]
        }
    }

    mutating func setReady(_ name: String, _ isReady: Bool) {
        let isAble = !broken.contains(image(ofPod: pods[name] ?? .null))
        pods[name]?["status"] = [
            "phase": "Running",
            "conditions": [["type": "Ready", "status": isReady && isAble ? "True" : "False", "lastTransitionTime": .string(now.rfc3339)]],
        ]
    }

    /// Every pod starts or stops as far as it can.
    mutating func agentsWork() {
        for name in pods.keys.sorted() {
            if pods[name]?["metadata"]["deletionTimestamp"].isNull ?? true {
                if !ObservedPod(pods[name]!).isReady { setReady(name, true) }
            } else {
                pods[name] = nil
            }
        }
    }

    /// Everything until nothing changes any more.
    mutating func finish() {
        for _ in 0..<60 {
            settle()
            let before = pods
            agentsWork()
            if before == pods { return }
        }
    }

    private mutating func carryOut(_ plan: Plan) {
        for change in plan.changes {
            revision += 1
            switch change.request {
            case .create(var body, let type, _, _):
                nextName += 1
                if body["metadata"]["name"].isNull {
                    body["metadata"]["name"] = .string((body["metadata"]["generateName"].string ?? "") + "\(1000 + nextName)")
                }
                body["metadata"]["namespace"] = "default"
                body["metadata"]["uid"] = .string("u-\(nextName)")
                body["metadata"]["resourceVersion"] = .string("\(revision)")
                body["metadata"]["generation"] = 1
                body["metadata"]["creationTimestamp"] = .string((now + .seconds(Int64(nextName))).rfc3339)
                let name = body["metadata"]["name"].string!
                if type == .pods {
                    body["spec"]["nodeName"] = "a1"
                    body["status"] = ["phase": "Pending"]
                    pods[name] = body
                } else {
                    sets[name] = body
                }
            case .delete(let key, _):
                if key.type == .pods {
                    pods[key.name]?["metadata"]["deletionTimestamp"] = .string(now.rfc3339)
                } else {
                    sets[key.name] = nil
                }
            case .patch(let key, .merge(let body), let subresource, _):
                func patched(_ old: Value) -> Value {
                    var new = MergePatch.apply(body, to: old)
                    new["metadata"]["resourceVersion"] = .string("\(revision)")
                    if subresource == nil, new["spec"] != old["spec"] {
                        new["metadata"]["generation"] = .int((old["metadata"]["generation"].int ?? 0) + 1)
                    }
                    return new
                }
                if key.type == .deployments { deployment = patched(deployment) }
                if key.type == .replicaSets { sets[key.name] = patched(sets[key.name]!) }
                if key.type == .pods { pods[key.name] = patched(pods[key.name]!) }
            case .patch(let key, .json(let body), _, _) where key.type == .deployments:
                guard let new = try? JSONPatch.apply(body, to: deployment) else { continue }
                deployment = new
                bump()
            default: break
            }
        }
    }
}
