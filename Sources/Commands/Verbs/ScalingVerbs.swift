import APIClient
import Formats
import Linux
import Resources
import Timing

/// `steady scale` and `steady set image`.
enum ScalingVerbs {
    static let all = [
        Verb(
            "scale", group: .workloads, summary: "Change the number of replicas",
            usage: "(KIND NAME | KIND/NAME ... | KIND -l QUERY | -f FILE) --replicas N",
            notes: "Replicas that are too many drain first: no request is lost. To 0, nobody is left to answer.",
            examples: [("twelve replicas", "steady scale deployment/web --replicas 12")],
            flags: [
                Flag("replicas", nil, .value(placeholder: "N"), "how many"), Verb.namespaceFlag, .selector, .files, .recursive, .kustomize,
                Flag(
                    "timeout", nil, .value(placeholder: "DURATION"),
                    "wait at most this long until there are as many (default 0: do not wait)"),
                Flag("all", nil, .toggle, "all objects of the kind"), .dryRun,
                Flag("current-replicas", nil, .value(placeholder: "N"), "only if it has this many now"),
                Flag("resource-version", nil, .value(placeholder: "VERSION"), "only if it is at this version"),
            ] + Flag.objectOutput,
            run: { try scale($0) }),
        Verb(
            "set image", group: .workloads, summary: "Change a container's image: a rolling upgrade",
            usage: "(KIND NAME | KIND/NAME | -f FILE) CONTAINER=IMAGE ...",
            examples: [
                ("a new version", "steady set image deployment/web web=web:v2"),
                ("of all containers", "steady set image deployment/web '*=web:v2'"),
            ],
            flags: [
                Verb.namespaceFlag, .selector, .files, .recursive, .kustomize, .dryRun, .local,
                Flag("all", nil, .toggle, "all objects of the kind"),
            ] + Flag.objectOutput,
            run: { try setImage($0) }
        ),
    ]

    private static func scale(_ invocation: Invocation) throws(CommandError) -> Int32 {
        guard let replicas = try invocation.integer("replicas", in: 0...100_000) else {
            throw .usage("--replicas is missing: steady scale deployment/web --replicas 3")
        }
        var targets = try Targets(invocation.words, invocation)
        try targets.requireChoice(invocation)
        if invocation.isGiven("filename") {
            // Of a file with other objects beside them: what has replicas.
            targets.keys = targets.keys.filter { $0.type.subresources.contains(.scale) }
            guard !targets.keys.isEmpty else {
                throw CommandError("the files name nothing that can be scaled; deployments and replicasets can")
            }
        }
        let format = try ObjectOutput(invocation)
        let dryRun = try invocation.dryRun()
        let patience = try invocation.duration("timeout") ?? .zero
        let api = try Instance.connect(invocation)
        let found = try targets.fetch(api)
        guard !found.isEmpty else { throw CommandError("no objects passed to scale") }
        var shown: [(type: ResourceType, object: Value)] = []
        for (type, object) in found {
            guard type.subresources.contains(.scale) else {
                throw CommandError("\(type.shown(object.name)) cannot be scaled; deployments and replicasets can")
            }
            let key = ObjectKey(type, namespace: object.namespaceName, name: object.name)
            let current = object["spec"]["replicas"].int ?? 1
            if let expected = try invocation.integer("current-replicas", in: 0...100_000), Int64(expected) != current {
                throw CommandError("Expected replicas to be \(expected), was \(current)")
            }
            if let version = invocation.value("resource-version"), version != object["metadata"]["resourceVersion"].string {
                throw CommandError("Expected resource version to be \(version), was \(object["metadata"]["resourceVersion"].string ?? "")")
            }
            _ = try api.ask(
                .patch(key, .merge(["spec": ["replicas": .int(Int64(replicas))]]), .scale, WriteOptions(isDryRun: dryRun.isOn)))
            if !dryRun.isOn, patience > .zero, !settles(key, replicas, api, within: patience) {
                throw CommandError("timed out waiting for \"\(object.name)\" to be synced")
            }
            if format == nil {
                invocation.terminal.line("\(type.shown(object.name)) scaled\(dryRun.suffix)")
            } else if dryRun.isOn {
                var scaled = object
                scaled["spec"]["replicas"] = .int(Int64(replicas))
                shown.append((type, scaled))
            } else {
                shown.append((type, try api.ask(.get(key)).object))
            }
            if replicas == 0, current > 0 {
                invocation.terminal.complain(
                    "Warning: no replica is left to answer: requests fail until it is scaled up again, unless others answer for its Service"
                )
            }
        }
        if let format { invocation.terminal.write(try format.each(shown)) }
        return 0
    }

    /// Waits until the controller has seen the new count and there are as many replicas; false when the time was over.
    private static func settles(_ key: ObjectKey, _ replicas: Int, _ api: BlockingAPI, within limit: Duration) -> Bool {
        WaitVerb.until(key, api, deadline: Clock.monotonic() + limit) { object in
            guard let object else { return true }
            let status = object["status"]
            return status["observedGeneration"].int ?? 0 >= object["metadata"]["generation"].int ?? 0
                && status["replicas"].int ?? 0 == Int64(replicas)
        }
    }

    private static func setImage(_ invocation: Invocation) throws(CommandError) -> Int32 {
        let assignments = invocation.words.filter { $0.contains("=") }
        let words = invocation.words.filter { !$0.contains("=") }
        guard !assignments.isEmpty else { throw .usage("which image? write CONTAINER=IMAGE: steady set image deployment/web web=web:v2") }
        let format = try ObjectOutput(invocation)
        let dryRun = try invocation.dryRun()
        let source = try ChangeSource(words, invocation)
        var shown: [(type: ResourceType, object: Value)] = []
        for (type, object) in try source.objects() {
            let isPod = type == .pods
            let containers = (isPod ? object["spec"] : object["spec"]["template"]["spec"])["containers"].elements
            var patches: [Value] = []
            for assignment in assignments {
                let parts = assignment.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                let chosen = containers.filter { parts[0] == "*" || $0["name"].string == parts[0] }
                guard !chosen.isEmpty else {
                    let names = containers.compactMap { $0["name"].string }
                    throw CommandError(
                        "unable to find container named \"\(parts[0])\"; \(type.shown(object.name)) has \(names.joined(separator: ", "))")
                }
                guard !parts[1].isEmpty else { throw .usage("\(assignment): the image is missing") }
                patches += chosen.map { ["name": $0["name"], "image": .string(parts[1])] }
            }
            let spec: Value = ["containers": .array(patches)]
            let changed = try source.patch(
                object, type, .strategic(["spec": isPod ? spec : ["template": ["spec": spec]]]),
                WriteOptions(isDryRun: dryRun.isOn, fieldManager: "kubectl-set"))
            guard changed["spec"] != object["spec"] else { continue }
            shown.append((type, changed))
            if format == nil { invocation.terminal.line("\(type.shown(object.name)) image updated\(dryRun.suffix)") }
            if !source.isLocal { RecreateWarning.print(of: object, invocation.terminal) }
        }
        if let format { invocation.terminal.write(try format.each(shown)) }
        return 0
    }
}
