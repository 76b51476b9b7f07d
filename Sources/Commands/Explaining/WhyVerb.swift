import APIClient
import Formats
import Linux
import Resources
import Timing

/// `steady why`: the chain of causes behind an object's state, what happens next and when, and the decisions that led there.
enum WhyVerb {
    static let verb = Verb(
        "why", group: .looking, summary: "Explain why something is as it is, and what happens next",
        usage: "KIND/NAME ...",
        notes: """
            Shows what is not as wanted and because of what, down to the probe that fails and when it is tried again; why a pod is on its node
            and why it was restarted; and the last decisions about the object. Decisions are kept for 7 days, 50 an object.
            """,
        examples: [
            ("why is it not ready?", "steady why pod/web-7d9c-x2x4z"), ("why is the rollout stuck?", "steady why deployment/web"),
            ("who gets the requests?", "steady why service/web"),
        ],
        flags: [
            Verb.namespaceFlag, Flag("decisions", nil, .value(placeholder: "N"), "show this many of the last decisions (default: 10)"),
        ], run: { try run($0) })

    private static func run(_ invocation: Invocation) throws(CommandError) -> Int32 {
        let shownCount = try invocation.integer("decisions", in: 0...50) ?? 10
        let targets = try Targets(invocation.words, invocation)
        guard !targets.keys.isEmpty else { throw .usage("name an object: KIND/NAME, such as deployment/web") }
        let api = try Instance.connect(invocation)
        for (at, key) in targets.keys.enumerated() {
            if at > 0 { invocation.terminal.write("\n") }
            let object: Value
            do throws(StatusError) { object = try api.get(key) } catch {
                // What was decided about it is kept beyond its end.
                let kept = error.code == 404 ? decisions(key.type, namespace: key.namespace, name: key.name, api) : []
                if !kept.isEmpty, shownCount > 0 {
                    invocation.terminal.line("\(key.type.shown(key.name)) is gone")
                    show(kept.suffix(shownCount), invocation)
                }
                throw CommandError(error)
            }
            let scene = try scene(key.type, object, api, invocation)
            for line in scene.cause.lines { invocation.terminal.line(line) }
            show(scene.decisions.suffix(shownCount), invocation)
        }
        return 0
    }

    private static func decisions(_ type: ResourceType, namespace: String, name: String, _ api: BlockingAPI) -> [Value] {
        let query = [("kind", type.kind), ("namespace", namespace), ("name", name)]
        guard let bytes = try? api.get(["decisions"], query: query), let answer = try? JSON.parse(bytes) else { return [] }
        return answer["items"].elements
    }

    private static func show(_ decisions: ArraySlice<Value>, _ invocation: Invocation) {
        if decisions.isEmpty { return }
        let now = Clock.realtime()
        let rows = decisions.map { decision in
            [
                decision["last"].timestamp.map { HumanDuration.text(now - $0) } ?? "", (decision["count"].int).map { "x\($0)" } ?? "",
                decision["component"].plainText,
                (decision["reason"].string.map { "\($0): " } ?? "") + decision["message"].plainText,
            ]
        }
        invocation.terminal.write("\nLast decisions about it:\n" + TextTable.text([["AGE", "TIMES", "BY", "DECISION"]] + rows))
    }

    /// Reads what the object rests on. Agents are asked only about pods that the chain may end at.
    private static func scene(_ type: ResourceType, _ object: Value, _ api: BlockingAPI, _ invocation: Invocation) throws(CommandError)
        -> Scene
    {
        var scene = Scene(type, object, now: Clock.realtime())
        scene.decisions = decisions(type, namespace: object.namespaceName, name: object.name, api)
        switch type {
        case .pods: scene.pods = [object]
        case .replicaSets: scene.pods = try DescribeVerb.owned(.pods, by: object, api)
        case .deployments:
            scene.sets = try DescribeVerb.owned(.replicaSets, by: object, api).sorted { revision($0) > revision($1) }
            for set in scene.sets where set["status"]["replicas"].int ?? 0 > 0 { scene.pods += try DescribeVerb.owned(.pods, by: set, api) }
        case .services:
            let labels = object["spec"]["selector"].stringMap
            let namespace = object.namespaceName
            if !labels.isEmpty {
                scene.pods = try api.all(ListRequest(.pods, namespace: namespace, labelSelector: LabelSelector(labels: labels)))
            }
            let selector = LabelSelector(labels: ["kubernetes.io/service-name": object.name])
            scene.slices = try api.all(ListRequest(.endpointSlices, namespace: namespace, labelSelector: selector))
        case .nodes:
            scene.pods = try api.all(ListRequest(.pods, fieldSelector: FieldSelector([.init(["spec", "nodeName"], object.name)])))
            scene.budgets = try api.all(ListRequest(.disruptionBudgets))
            if !invocation.isGiven("server"), let host = try? Instance.askHost(invocation, ["op": "status"]) {
                scene.isUnderDrill = host["roles"].elements.contains {
                    $0["name"].string == RoleName.agent(object.name) && $0["state"].string == "Failed"
                }
            }
            return scene
        case .disruptionBudgets:
            if let selector = DisruptionBudget(object).selector {
                scene.pods = try api.all(ListRequest(.pods, namespace: object.namespaceName, labelSelector: selector))
            }
            scene.cordoned = Set(try api.all(ListRequest(.nodes)).filter { $0["spec"]["unschedulable"].bool == true }.map(\.name))
            return scene
        default: return scene
        }
        var askedCount = 0
        for pod in scene.pods
        where type == .pods || scene.condition("Ready", of: pod)["status"].string != "True"
            || scene.condition(Condition.restartHeldBack, of: pod)["status"].string == "True"
        {
            guard askedCount < askLimit else { break }
            askedCount += 1
            ask(pod, api, &scene)
        }
        return scene
    }

    /// Agents that one explanation asks: more pods than it tells of in full.
    private static let askLimit = 12

    private static func ask(_ pod: Value, _ api: BlockingAPI, _ scene: inout Scene) {
        do {
            let bytes = try api.get(["machines", pod.namespaceName, pod.name])
            scene.machines[pod.name] = try JSON.parse(bytes)["items"].elements
        } catch let error as StatusError {
            scene.silences[pod.name] = error.message
        } catch {
            scene.silences[pod.name] = "\(error)"
        }
    }

    private static func revision(_ set: Value) -> Int {
        set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].string.flatMap { Int($0) } ?? 0
    }
}
