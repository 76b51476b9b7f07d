import Formats
import Reconciling
import Resources
import Timing

/// The people who use the instance: what they apply, scale, roll, undo, drain, as `kubectl` would ask for it.
final class People {
    static let brokenImage = "simulated/broken:v0"

    private unowned let world: World
    private let link: Link
    private var rollCount = 0
    private var cordoned: Set<String> = []

    /// A Deployment as it was applied: what undoing goes back to.
    struct Applied {
        var key: ObjectKey
        var replicas: Int
        var containers: Value
        var manifest: Value
    }
    private(set) var deployments: [Applied] = []

    init(world: World) {
        self.world = world
        link = Link(world: world, life: Life("user"), client: "user")
    }

    /// Everything, in its order, AFTER the namespaces that it stands in: nothing is taken in one that is not there.
    func apply(_ objects: [Value]) {
        var asked: [(request: Request, namespace: String)] = []
        for object in objects {
            guard let type = ResourceType.of(apiVersion: object["apiVersion"].string ?? "", kind: object["kind"].string ?? ""),
                type != .images
            else { continue }
            let namespace = type.isNamespaced ? object["metadata"]["namespace"].string ?? "default" : ""
            if type == .deployments {
                deployments.append(
                    Applied(
                        key: ObjectKey(type, namespace: namespace, name: object["metadata"]["name"].string ?? ""),
                        replicas: Int(object["spec"]["replicas"].int ?? 1), containers: object["spec"]["template"]["spec"]["containers"],
                        manifest: object))
            }
            asked.append((.create(object, type: type, namespace: namespace), namespace))
        }
        var missing = Set(asked.map(\.namespace)).subtracting(["", "default"])
        func applyRest() { if missing.isEmpty { for (request, _) in asked { perform(request) } } }
        for name in missing.sorted() {
            let namespace: Value = ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(name)]]
            perform(.create(namespace, type: .namespaces, namespace: "")) {
                missing.remove(name)
                applyRest()
            }
        }
        applyRest()
    }

    /// What is wished for each thing and not asked yet: nobody insists on what they have taken back.
    private var wishes: [String: () -> Void] = [:]
    /// What is being asked about: the next thing is asked when the answer is there, as by somebody at a prompt.
    private var asking: Set<String> = []

    /// Asks again while the server does not answer, until something else is wished for the same thing.
    private func perform(_ request: Request, about thing: String? = nil, then: @escaping () -> Void = {}) {
        guard let thing else { return insist(request, { true }, then) }
        wishes[thing] = { [self] in
            insist(request, { [self] in wishes[thing] == nil }) { [self] in
                then()
                asking.remove(thing)
                askNext(about: thing)
            }
        }
        askNext(about: thing)
    }

    private func askNext(about thing: String) {
        guard !asking.contains(thing), let wish = wishes.removeValue(forKey: thing) else { return }
        asking.insert(thing)
        wish()
    }

    /// `then` is called when it was answered, or is wanted no longer.
    private func insist(_ request: Request, _ isWanted: @escaping () -> Bool, _ then: @escaping () -> Void) {
        guard isWanted() else { return then() }
        link.perform(request, by: .user) { [self] result in
            switch result {
            case .success: then()
            case .failure(let error) where error.code >= 500 || error.code == 429:
                world.schedule(after: .milliseconds(500), for: link.life) { [self] in insist(request, isWanted, then) }
            case .failure(let error):
                if error.code == 422 || error.code == 400 {
                    world.violate("manifests are accepted", "\(request.type?.kind ?? "object"): \(error.message)")
                }
                then()
            }
        }
    }

    private func say(_ what: String) { world.note("user", what, isTurningPoint: true) }

    // MARK: Actions

    func act(_ action: ActionKind) {
        guard let deployment = world.pick(deployments) else { return }
        switch action {
        case .apply: apply(deployment)
        case .scale: scale(deployment, to: max(1, deployment.replicas + world.number(-1...2)))
        case .roll: roll(deployment)
        case .rollToBroken: breakRoll(deployment)
        case .undo: undo(deployment)
        case .drain: if let node = world.pick(world.host.nodes) { drain(node, evicting: true) }
        case .deletePod: deletePod(deployment)
        case .forceDelete: deletePod(deployment, isForced: true)
        case .upgrade: upgrade()
        }
    }

    func scale(_ deployment: Applied, to replicas: Int) {
        say("scales \(deployment.key.name) to \(replicas)")
        if let object = world.host.server?.store.object(deployment.key) {
            let observed = ObservedDeployment(object)
            if observed.status.updated < observed.status.replicas { world.sometimes(.scaledDuringRoll) }
        }
        perform(.patch(deployment.key, .merge(["spec": ["replicas": .int(Int64(replicas))]])), about: "replicas of \(deployment.key)")
    }

    /// The whole manifest again, with another value in it: by a PUT without a revision, which overwrites what others have asked for.
    private func apply(_ deployment: Applied) {
        rollCount += 1
        say("applies \(deployment.key.name) again")
        var object = deployment.manifest
        object["spec"]["template"]["metadata"]["annotations"] = ["applied": .string("\(rollCount)")]
        perform(.update(deployment.key, object), about: "\(deployment.key)")
    }

    func roll(_ deployment: Applied) {
        rollCount += 1
        say("rolls \(deployment.key.name)")
        let annotations: Value = ["kubectl.kubernetes.io/restartedAt": .string("\(rollCount)")]
        perform(
            .patch(deployment.key, .merge(["spec": ["template": ["metadata": ["annotations": annotations]]]])),
            about: "restarts of \(deployment.key)")
    }

    func breakRoll(_ deployment: Applied) {
        say("rolls \(deployment.key.name) to a broken version")
        perform(.patch(deployment.key, .merge(containers(deployment, image: Self.brokenImage))), about: "\(deployment.key)")
    }

    func undo(_ deployment: Applied) {
        world.sometimes(.rolledBack)
        say("undoes what was done to \(deployment.key.name)")
        perform(.patch(deployment.key, .merge(containers(deployment, image: nil))), about: "\(deployment.key)")
    }

    private func containers(_ deployment: Applied, image: String?) -> Value {
        var containers = deployment.containers.elements
        if let image, !containers.isEmpty { containers[0]["image"] = .string(image) }
        return ["spec": ["template": ["spec": ["containers": .array(containers)]]]]
    }

    /// Cordons a node and has its pods go: as `steady drain` does, which asks that each be replaced before it goes, or as `kubectl drain`, which
    /// evicts them.
    func drain(_ node: String, evicting: Bool = false) {
        guard cordoned.isEmpty else { return uncordon() }
        say(evicting ? "drains \(node) by evictions" : "drains \(node)")
        cordoned.insert(node)
        world.sometimes(.drainedNode)
        perform(.patch(ObjectKey(.nodes, name: node), .merge(["spec": ["unschedulable": true]])), about: node) { [self] in
            let selector = FieldSelector([FieldSelector.Term(["spec", "nodeName"], node)])
            link.perform(.list(ListRequest(.pods, fieldSelector: selector)), by: .user) { [self] result in
                guard case .success(let reply) = result else { return }
                for pod in reply.items.map({ ObservedPod($0) }) where pod.isActive {
                    // What nothing would replace is evicted in both.
                    if evicting || pod.meta.controller == nil { evict(pod.key, from: node) } else { askToGo(pod, from: node) }
                }
            }
        }
    }

    private func askToGo(_ pod: ObservedPod, from node: String) {
        say("asks that \(pod.meta.name) be replaced")
        let asked: Value = [EvictionRequest.annotation: .string(world.wallClock(of: "user").rfc3339)]
        perform(.patch(pod.key, .merge(["metadata": ["annotations": asked]])))
    }

    /// As `kubectl drain`: again while a budget forbids it, until somebody calls the drain off.
    private func evict(_ pod: ObjectKey, from node: String) {
        guard cordoned.contains(node) else { return }
        link.perform(.evict(pod), by: .user) { [self] result in
            guard case .failure(let error) = result, error.code == 429 || error.code >= 500 else { return }
            if error.code == 429 { world.sometimes(.evictionRefused) }
            world.schedule(after: .seconds(5), for: link.life) { [self] in evict(pod, from: node) }
        }
    }

    /// A proxy in place of another one, which finishes what it has: the part of an upgrade that drains depend on.
    func upgrade() {
        guard let old = world.pick(world.host.currentProxies) else { return }
        say("upgrades \(old)")
        world.host.succeed(old)
    }

    func uncordon() {
        for node in cordoned.sorted() {
            say("uncordons \(node)")
            perform(.patch(ObjectKey(.nodes, name: node), .merge(["spec": ["unschedulable": nil]])), about: node)
        }
        cordoned = []
    }

    private func deletePod(_ deployment: Applied, isForced: Bool = false) {
        link.perform(.list(ListRequest(.pods, namespace: deployment.key.namespace)), by: .user) { [self] result in
            guard case .success(let reply) = result,
                let pod = world.pick(reply.items.map { ObservedPod($0) }.filter(\.isActive).sorted { $0.key < $1.key })
            else { return }
            say("deletes pod \(pod.meta.name)\(isForced ? " by force" : "")")
            perform(.delete(pod.key, DeleteOptions(gracePeriodSeconds: isForced ? 0 : nil)))
        }
    }

    /// What people do when all is over: back to what was applied.
    func restore() {
        uncordon()
        for deployment in deployments {
            undo(deployment)
            scale(deployment, to: deployment.replicas)
        }
    }
}
