import Formats
import Resources
import Timing

/// What is known about an object and what it rests on, from which `why` draws its chain. Values only: it can be told in a test.
struct Scene {
    var type: ResourceType
    var object: Value
    /// The ReplicaSets of a Deployment, the newest revision first.
    var sets: [Value] = []
    /// The pods of a workload, of a Service, of a budget, or on a node.
    var pods: [Value] = []
    /// The slices of a Service.
    var slices: [Value] = []
    /// The budgets that may hold for a node's pods.
    var budgets: [Value] = []
    /// The nodes that take no new pods, where the object is a budget.
    var cordoned: Set<String> = []
    /// The node was failed on purpose, and not recovered yet.
    var isUnderDrill = false
    /// What the agents say of pods, by pod name; a pod that is not in it was not asked about or its agent did not answer.
    var machines: [String: [Value]] = [:]
    /// Why an agent could not be asked, by pod name.
    var silences: [String: String] = [:]
    /// The records about the object, in the order of deciding.
    var decisions: [Value] = []
    var now: Timestamp

    init(_ type: ResourceType, _ object: Value, now: Timestamp) {
        self.type = type
        self.object = object
        self.now = now
    }

    /// The object, how it is, and because of what.
    var cause: Cause {
        switch type {
        case .pods: pod(object, isSubject: true)
        case .replicaSets: replicaSet(object)
        case .deployments: deployment
        case .services: service
        case .nodes: node
        case .disruptionBudgets: budget
        default: Cause("\(type.shown(object.name)) exists\(deletion(object)); nothing runs because of it alone")
        }
    }

    /// What plans said last about the object, with how long ago that was: what it tells of may be over.
    func lastPlan(by component: String, called name: String) -> Cause? {
        guard let last = decisions.last(where: { $0["component"].string == component && $0["reason"].isNull }) else { return nil }
        return Cause("\(name)\(age(last["last"]).map { ", \($0) ago" } ?? ""): \(last["message"].plainText)")
    }

    func age(_ time: Value) -> String? { time.timestamp.map { HumanDuration.text(now - $0) } }

    func deletion(_ object: Value) -> String {
        age(object["metadata"]["deletionTimestamp"]) == nil ? "" : ", and is being deleted"
    }

    func condition(_ type: String, of object: Value) -> Value {
        object["status"]["conditions"].elements.first { $0["type"].string == type } ?? .null
    }
}
