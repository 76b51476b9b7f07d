import APIClient
import Formats
import Linux
import Resources
import Timing

/// `steady rollout …`.
enum RolloutVerbs {
    private static let targetFlags: [Flag] = [Verb.namespaceFlag, .selector, .files, .recursive, .kustomize]

    static let all = [
        Verb(
            "rollout status", group: .workloads, summary: "Follow a rollout until it is done",
            usage: "(deployment/NAME | deployment -l QUERY | -f FILE)",
            examples: [("until it is done, or cannot be", "steady rollout status deployment/web")],
            flags: targetFlags + [
                .timeout,
                Flag("watch", "w", .optionalValue(placeholder: "true|false", alone: "true"), "follow (default: true)"),
                Flag("revision", nil, .value(placeholder: "N"), "of this revision only"),
            ], run: { try status($0) }),
        Verb(
            "rollout history", group: .workloads, summary: "The revisions of a deployment",
            usage: "(deployment/NAME | deployment -l QUERY | -f FILE)",
            examples: [
                ("all", "steady rollout history deployment/web"), ("one in full", "steady rollout history deployment/web --revision 2"),
            ],
            flags: targetFlags + [Flag("revision", nil, .value(placeholder: "N"), "show this revision's template")] + Flag.objectOutput,
            run: { try history($0) }),
        Verb(
            "rollout undo", group: .workloads, summary: "Go back to an earlier revision",
            usage: "(deployment/NAME | deployment -l QUERY | -f FILE)",
            examples: [
                ("the one before", "steady rollout undo deployment/web"),
                ("a certain one", "steady rollout undo deployment/web --to-revision 3"),
            ],
            flags: targetFlags + [Flag("to-revision", nil, .value(placeholder: "N"), "default 0: the one before"), .dryRun]
                + Flag.objectOutput,
            run: { try undo($0) }),
        Verb(
            "rollout pause", group: .workloads, summary: "Hold a rollout", usage: "(deployment/NAME | deployment -l QUERY | -f FILE)",
            examples: [("several changes as one rollout", "steady rollout pause deployment/web")], flags: targetFlags + Flag.objectOutput,
            run: { try change($0, "paused", "is already paused") { $0["spec"]["paused"].bool == true ? nil : ["spec": ["paused": true]] } }),
        Verb(
            "rollout resume", group: .workloads, summary: "Let a held rollout go on",
            usage: "(deployment/NAME | deployment -l QUERY | -f FILE)",
            examples: [("now", "steady rollout resume deployment/web")], flags: targetFlags + Flag.objectOutput,
            run: {
                try change($0, "resumed", "is not paused") {
                    $0["spec"]["paused"].bool == true ? ["spec": .object(Object([("paused", .null)]))] : nil
                }
            }),
        Verb(
            "rollout restart", group: .workloads, summary: "Replace all replicas, a few at a time",
            usage: "(deployment/NAME | deployment -l QUERY | -f FILE)",
            examples: [("with the same template", "steady rollout restart deployment/web")], flags: targetFlags + Flag.objectOutput,
            run: {
                try change($0, "restarted", "") { _ in
                    let at: Value = .string(Clock.realtime().rfc3339)
                    return ["spec": ["template": ["metadata": ["annotations": ["kubectl.kubernetes.io/restartedAt": at]]]]]
                }
            }),
    ]

    private static let revisionAnnotation = "deployment.kubernetes.io/revision"

    private static func deployments(_ invocation: Invocation) throws(CommandError) -> ([Value], BlockingAPI) {
        let targets = try Targets(invocation.words, invocation)
        if invocation.isGiven("filename") {
            // Of a file with other objects beside them: the deployments.
            let keys = targets.keys.filter { $0.type == .deployments }
            guard !keys.isEmpty else { throw CommandError("the files name no deployment, and rollouts are of deployments") }
            let api = try Instance.connect(invocation)
            var out: [Value] = []
            for key in keys { out.append(try api.ask(.get(key)).object) }
            return (out, api)
        }
        guard targets.types == [.deployments] else {
            throw .usage("rollouts are of deployments: found \(invocation.words.joined(separator: " "))")
        }
        let api = try Instance.connect(invocation)
        return (try targets.fetch(api).map(\.object), api)
    }

    private static func status(_ invocation: Invocation) throws(CommandError) -> Int32 {
        let (deployments, api) = try deployments(invocation)
        var exitCode: Int32 = 0
        for deployment in deployments {
            if invocation.value("watch") == "false" {
                let (words, _, failure) = Progress.judge(deployment, invocation.value("revision"))
                if let failure { throw CommandError(failure) }
                invocation.terminal.line(words)
                continue
            }
            let key = ObjectKey(.deployments, namespace: deployment.namespaceName, name: deployment.name)
            let limit = try invocation.timeout(default: .seconds(86_400 * 365))
            if try !Progress.rollout(key, api, invocation, revision: invocation.value("revision"), within: limit) { exitCode = 1 }
        }
        return exitCode
    }

    /// The ReplicaSets of a deployment by revision.
    private static func revisions(of deployment: Value, _ api: BlockingAPI) throws(CommandError) -> [(number: Int64, replicaSet: Value)] {
        let selector = LabelSelector(object: deployment["spec"]["selector"])
        return try api.all(ListRequest(.replicaSets, namespace: deployment.namespaceName, labelSelector: selector))
            .filter { set in
                set["metadata"]["ownerReferences"].elements.contains {
                    $0["uid"] == deployment["metadata"]["uid"] && $0["controller"].bool == true
                }
            }
            .compactMap { set in
                set["metadata"]["annotations"][revisionAnnotation].string.flatMap(Int64.init).map { (number: $0, replicaSet: set) }
            }
            .sorted { $0.number < $1.number }
    }

    private static func history(_ invocation: Invocation) throws(CommandError) -> Int32 {
        let format = try ObjectOutput(invocation)
        let (deployments, api) = try deployments(invocation)
        for deployment in deployments {
            var revisions = try revisions(of: deployment, api)
            let wanted = try invocation.integer("revision", in: 0...Int.max) ?? 0
            if wanted > 0 {
                revisions = revisions.filter { $0.number == wanted }
                guard !revisions.isEmpty else { throw CommandError("unable to find the specified revision") }
            }
            if let format {
                invocation.terminal.write(try format.each(revisions.map { (type: .replicaSets, object: $0.replicaSet) }))
                continue
            }
            if wanted > 0 {
                let found = revisions[0]
                invocation.terminal.line("deployment.apps/\(deployment.name) with revision #\(wanted)")
                var out = Description()
                out.template(found.replicaSet["spec"]["template"])
                invocation.terminal.line(out.text)
                continue
            }
            invocation.terminal.line("deployment.apps/\(deployment.name) ")
            invocation.terminal.write(
                TextTable.text(
                    [["REVISION", "CHANGE-CAUSE"]]
                        + revisions.map {
                            ["\($0.number)", $0.replicaSet["metadata"]["annotations"]["kubernetes.io/change-cause"].string ?? "<none>"]
                        }, gap: 2))
            invocation.terminal.line("")
        }
        return 0
    }

    private static func undo(_ invocation: Invocation) throws(CommandError) -> Int32 {
        let format = try ObjectOutput(invocation)
        let dryRun = try invocation.dryRun()
        let (deployments, api) = try deployments(invocation)
        var shown: [(type: ResourceType, object: Value)] = []
        let wanted = try invocation.integer("to-revision", in: 0...Int.max) ?? 0
        for deployment in deployments {
            if deployment["spec"]["paused"].bool == true {
                throw CommandError(
                    "you cannot rollback a paused deployment; resume it first with 'steady rollout resume deployment/\(deployment.name)' and try again"
                )
            }
            let revisions = try revisions(of: deployment, api)
            let target: (number: Int64, replicaSet: Value)
            if wanted > 0 {
                guard let found = revisions.first(where: { $0.number == Int64(wanted) }) else {
                    throw CommandError(
                        "unable to find specified revision \(wanted) in history of deployment \"\(deployment.name)\"; it has "
                            + revisions.map { "\($0.number)" }.joined(separator: ", "))
                }
                target = found
            } else {
                guard revisions.count > 1 else { throw CommandError("no rollout history found for deployment \"\(deployment.name)\"") }
                target = revisions[revisions.count - 2]
            }
            var template = target.replicaSet["spec"]["template"]
            template["metadata"]["labels"]["pod-template-hash"] = .null
            let key = ObjectKey(.deployments, namespace: deployment.namespaceName, name: deployment.name)
            if template == deployment["spec"]["template"] {
                shown.append((.deployments, deployment))
                guard format == nil else { continue }
                invocation.terminal.line(
                    "deployment.apps/\(deployment.name) skipped rollback (current template already matches revision \(target.number))")
                continue
            }
            if dryRun == .client, format == nil {
                // As kubectl: what it would be.
                var out = Description()
                out.template(target.replicaSet["spec"]["template"])
                invocation.terminal.write("deployment.apps/\(deployment.name) " + out.text)
                continue
            }
            let reply = try api.ask(
                .patch(
                    key, .json([["op": "replace", "path": "/spec/template", "value": template]]), nil,
                    WriteOptions(isDryRun: dryRun.isOn, fieldManager: "kubectl-rollout")))
            shown.append((.deployments, reply.object))
            if format == nil { invocation.terminal.line("deployment.apps/\(deployment.name) rolled back\(dryRun.suffix)") }
            RecreateWarning.print(of: deployment, invocation.terminal)
        }
        if let format { invocation.terminal.write(try format.each(shown)) }
        return 0
    }

    private static func change(_ invocation: Invocation, _ words: String, _ refusal: String, _ patch: (Value) -> Value?)
        throws(CommandError) -> Int32
    {
        let format = try ObjectOutput(invocation)
        let (deployments, api) = try deployments(invocation)
        var shown: [(type: ResourceType, object: Value)] = []
        for deployment in deployments {
            guard let patch = patch(deployment) else { throw CommandError("deployments.apps \"\(deployment.name)\" \(refusal)") }
            let key = ObjectKey(.deployments, namespace: deployment.namespaceName, name: deployment.name)
            let reply = try api.ask(.patch(key, .strategic(patch), nil, WriteOptions(fieldManager: "kubectl-rollout")))
            shown.append((.deployments, reply.object))
            if format == nil { invocation.terminal.line("deployment.apps/\(deployment.name) \(words)") }
            if !patch["spec"]["template"].isNull { RecreateWarning.print(of: deployment, invocation.terminal) }
        }
        if let format { invocation.terminal.write(try format.each(shown)) }
        return 0
    }
}
