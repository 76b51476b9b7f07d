import APIClient
import Formats
import Linux
import Resources
import Timing

/// `steady cordon`, `uncordon`, `drain`, and the drills of `DrillVerbs`.
enum NodeVerbs {
    static let all =
        [
            Verb(
                "cordon", group: .nodes, summary: "Place no new pods on a node", usage: "NODE ...",
                examples: [("before maintenance", "steady cordon a1")],
                flags: [.selector, .dryRun],
                run: { try cordon($0, true) }),
            Verb(
                "uncordon", group: .nodes, summary: "Place pods on a node again", usage: "NODE ...",
                examples: [("afterwards", "steady uncordon a1")],
                flags: [.selector, .dryRun],
                run: { try cordon($0, false) }),
            Verb(
                "drain", group: .nodes, summary: "Move a node's pods elsewhere, without losing a request", usage: "NODE ...",
                notes:
                    "The replacement of a pod is Ready before the old one is withdrawn, also with one replica, so no disruption budget is touched. Pods that nothing replaces (--force) are evicted as their PodDisruptionBudget allows.",
                examples: [("before maintenance", "steady drain a1"), ("and afterwards", "steady uncordon a1")],
                flags: [
                    .selector, .timeout, .dryRun,
                    Flag("pod-selector", nil, .value(placeholder: "QUERY"), "only pods with these labels"),
                    Flag("disable-eviction", nil, .toggle, "delete the pods at once: no replacement first, no disruption budget is asked"),
                    Flag("force", nil, .toggle, "also delete pods that nothing would replace"),
                    Flag("grace-period", nil, .value(placeholder: "SECONDS"), "time that pods get to end (default: their own)"),
                    Flag("ignore-daemonsets", nil, .toggle, hidden: true, "there are none yet"),
                    Flag("delete-emptydir-data", nil, .toggle, "also pods with emptyDir volumes, whose data is lost"),
                ], run: { try drain($0) }),
        ] + DrillVerbs.all

    private static func nodes(_ invocation: Invocation, _ api: BlockingAPI) throws(CommandError) -> [Value] {
        guard !invocation.words.isEmpty || invocation.isGiven("selector") else { throw .usage("which node? see: steady get nodes") }
        return try Targets(["nodes"] + invocation.words.map { $0.hasPrefix("node/") ? String($0.dropFirst(5)) : $0 }, invocation).fetch(api)
            .map(\.object)
    }

    private static func cordon(_ invocation: Invocation, _ isCordoned: Bool) throws(CommandError) -> Int32 {
        let api = try Instance.connect(invocation)
        let dryRun = try invocation.dryRun()
        for node in try nodes(invocation, api) { try cordon(node, isCordoned, api, dryRun, invocation) }
        return 0
    }

    private static func cordon(_ node: Value, _ isCordoned: Bool, _ api: BlockingAPI, _ dryRun: DryRun, _ invocation: Invocation)
        throws(CommandError)
    {
        let words = isCordoned ? "cordoned" : "uncordoned"
        if (node["spec"]["unschedulable"].bool ?? false) == isCordoned {
            return invocation.terminal.line("node/\(node.name) already \(words)\(dryRun.suffix)")
        }
        _ = try api.ask(
            .patch(
                ObjectKey(.nodes, name: node.name), .merge(["spec": .object(Object([("unschedulable", isCordoned ? true : .null)]))]), nil,
                WriteOptions(isDryRun: dryRun.isOn)))
        invocation.terminal.line("node/\(node.name) \(words)\(dryRun.suffix)")
    }

    /// How long a budget that allows nothing is left alone before it is asked again.
    private static let budgetPause = Duration.milliseconds(500)

    /// Evicts a pod that nothing replaces, as soon as its disruption budget allows it.
    private static func evict(
        _ key: ObjectKey, _ options: DeleteOptions, _ api: BlockingAPI, deadline: Instant, _ invocation: Invocation
    ) throws(CommandError) {
        var isAnnounced = false
        while true {
            do throws(StatusError) {
                _ = try api.perform(.evict(key, options))
                return
            } catch {
                if error.code == 404 { return }
                guard error.code == 429, Clock.monotonic() < deadline else { throw CommandError(error) }
                if !isAnnounced {
                    let why = error.details?.causes.first?.message ?? error.message
                    invocation.terminal.complain("pod/\(key.name) waits for its disruption budget: \(why)")
                }
                isAnnounced = true
            }
            _ = api.loop.runUntil(within: budgetPause) { false }
        }
    }

    /// Deletes a pod; one that is gone already is as good.
    private static func delete(_ key: ObjectKey, _ options: DeleteOptions, _ api: BlockingAPI) throws(CommandError) {
        do throws(StatusError) { _ = try api.perform(.delete(key, options)) } catch {
            if error.code != 404 { throw CommandError(error) }
        }
    }

    private static func drain(_ invocation: Invocation) throws(CommandError) -> Int32 {
        let api = try Instance.connect(invocation)
        let deadline = Clock.monotonic() + (try invocation.timeout(default: .seconds(86_400)))
        let grace = try invocation.integer("grace-period", in: -1...86_400).flatMap { $0 < 0 ? nil : Int64($0) }
        let dryRun = try invocation.dryRun()
        let podSelector: LabelSelector
        do { podSelector = try invocation.value("pod-selector").map { try LabelSelector(query: $0) } ?? .everything } catch {
            throw .usage("--pod-selector: \(error)")
        }
        let isDeleting = invocation.isSet("disable-eviction")
        var exitCode: Int32 = 0
        for node in try nodes(invocation, api) {
            try cordon(node, true, api, dryRun, invocation)
            let list = ListRequest(
                .pods, labelSelector: podSelector, fieldSelector: FieldSelector([.init(["spec", "nodeName"], node.name)]))
            let pods = try api.all(list).filter { !["Succeeded", "Failed"].contains($0["status"]["phase"].string ?? "") }
            let bare = pods.filter { pod in !pod["metadata"]["ownerReferences"].elements.contains { $0["controller"].bool == true } }
            guard bare.isEmpty || invocation.isSet("force") else {
                throw CommandError(
                    "nothing would replace \(bare.map { "pod/\($0.name)" }.joined(separator: ", ")): delete them first, or use --force; node/\(node.name) stays cordoned"
                )
            }
            let holders = pods.filter { pod in pod["spec"]["volumes"].elements.contains { !$0["emptyDir"].isNull } }
            guard holders.isEmpty || invocation.isSet("delete-emptydir-data") else {
                throw CommandError(
                    "the emptyDir volumes of \(holders.map { "pod/\($0.name)" }.joined(separator: ", ")) would be lost: use --delete-emptydir-data to let them; node/\(node.name) stays cordoned"
                )
            }
            for pod in pods {
                let key = ObjectKey(.pods, namespace: pod.namespaceName, name: pod.name)
                invocation.terminal.line("\(isDeleting ? "deleting" : "evicting") pod \(pod.namespaceName)/\(pod.name)\(dryRun.suffix)")
                if dryRun.isOn { continue }
                if isDeleting {
                    try delete(key, DeleteOptions(gracePeriodSeconds: grace), api)
                } else if bare.contains(where: { $0["metadata"]["uid"] == pod["metadata"]["uid"] }) {
                    try evict(key, DeleteOptions(gracePeriodSeconds: grace), api, deadline: deadline, invocation)
                } else {
                    _ = try api.ask(
                        .patch(
                            key,
                            .merge([
                                "metadata": [
                                    "annotations": .object(Object([(EvictionRequest.annotation, .string(Clock.realtime().rfc3339))]))
                                ]
                            ])
                        ))
                }
            }
            for pod in dryRun.isOn ? [] : pods {
                let key = ObjectKey(.pods, namespace: pod.namespaceName, name: pod.name)
                guard WaitVerb.untilGone(key, uid: pod["metadata"]["uid"].string ?? "", api, deadline: deadline) else {
                    invocation.terminal.complain(
                        "error: timed out waiting for pod/\(pod.name) to be replaced; see: steady describe pod \(pod.name)")
                    // Nobody waits any more: it is not to be replaced at some later time, when the node may be in use again.
                    _ = try api.ask(
                        .patch(key, .merge(["metadata": ["annotations": .object(Object([(EvictionRequest.annotation, .null)]))]])))
                    exitCode = 1
                    continue
                }
                invocation.terminal.line("pod/\(pod.name) \(isDeleting ? "deleted" : "evicted")")
            }
            if exitCode == 0 { invocation.terminal.line("node/\(node.name) drained\(dryRun.suffix)") }
        }
        return exitCode
    }
}
