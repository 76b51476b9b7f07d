import APIClient
import Formats
import Resources

/// `steady scale` and `steady set image`.
enum ScalingVerbs {
    static let all = [
        Verb(
            "scale", group: .workloads, summary: "Change the number of replicas",
            usage: "(KIND NAME | KIND/NAME ... | KIND -l QUERY | -f FILE) --replicas N",
            notes: "Replicas that are too many drain first: no request is lost. To 0, nobody is left to answer.",
            examples: [("twelve replicas", "steady scale deployment/web --replicas 12")],
            flags: [
                Flag("replicas", nil, .value(placeholder: "N"), "how many"), Verb.namespaceFlag, .selector, .files, .recursive, .timeout,
                Flag("all", nil, .toggle, "all objects of the kind"), .dryRun,
                Flag("current-replicas", nil, .value(placeholder: "N"), "only if it has this many now"),
                Flag("resource-version", nil, .value(placeholder: "VERSION"), "only if it is at this version"),
            ],
            run: { try scale($0) }),
        Verb(
            "set image", group: .workloads, summary: "Change a container's image: a rolling upgrade",
            usage: "(KIND NAME | KIND/NAME | -f FILE) CONTAINER=IMAGE ...",
            examples: [
                ("a new version", "steady set image deployment/web web=web:v2"),
                ("of all containers", "steady set image deployment/web '*=web:v2'"),
            ],
            flags: [Verb.namespaceFlag, .selector, .files, .recursive, .dryRun, Flag("all", nil, .toggle, "all objects of the kind")],
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
        let api = try Instance.connect(invocation)
        let isDryRun = (invocation.value("dry-run") ?? "none") != "none"
        for (type, object) in try targets.fetch(api) {
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
            _ = try api.ask(.patch(key, .merge(["spec": ["replicas": .int(Int64(replicas))]]), .scale, WriteOptions(isDryRun: isDryRun)))
            invocation.terminal.line("\(type.shown(object.name)) scaled\(isDryRun ? " (dry run)" : "")")
            if replicas == 0, current > 0 {
                invocation.terminal.complain("Warning: no replica is left to answer: requests fail until it is scaled up again")
            }
        }
        return 0
    }

    private static func setImage(_ invocation: Invocation) throws(CommandError) -> Int32 {
        let assignments = invocation.words.filter { $0.contains("=") }
        let words = invocation.words.filter { !$0.contains("=") }
        guard !assignments.isEmpty else { throw .usage("which image? write CONTAINER=IMAGE: steady set image deployment/web web=web:v2") }
        let targets = try Targets(words, invocation)
        try targets.requireChoice(invocation)
        let api = try Instance.connect(invocation)
        for (type, object) in try targets.fetch(api) {
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
            let key = ObjectKey(type, namespace: object.namespaceName, name: object.name)
            let isDryRun = (invocation.value("dry-run") ?? "none") != "none"
            let reply = try api.ask(
                .patch(
                    key, .strategic(["spec": isPod ? spec : ["template": ["spec": spec]]]), nil,
                    WriteOptions(isDryRun: isDryRun, fieldManager: "kubectl-set")))
            let isChanged = reply.object["metadata"]["resourceVersion"] != object["metadata"]["resourceVersion"] || isDryRun
            if isChanged { invocation.terminal.line("\(type.shown(object.name)) image updated\(isDryRun ? " (dry run)" : "")") }
            if isChanged { RecreateWarning.print(of: object, invocation.terminal) }
        }
        return 0
    }
}
