import Formats
import Timing

/// The rows of Nodes and Events.
enum ClusterPrinting {
    static func cells(_ node: Node, age: String) -> [Value] {
        let ready = node.conditions[Condition.ready]
        var status = ready.map { $0.isTrue ? "Ready" : "NotReady" } ?? "Unknown"
        if node.isUnschedulable { status += ",SchedulingDisabled" }
        let system = node.value["status"]["nodeInfo"]
        let external = node.value["status"]["addresses"].elements.first { $0["type"] == "ExternalIP" }?["address"].string ?? ""
        return [
            .string(status), .string(roles(node)), .string(age), .string(system["kubeletVersion"].string ?? ""),
            .string(Printing.orNone(node.internalIP)), .string(Printing.orNone(external)), .string(orUnknown(system["osImage"])),
            .string(orUnknown(system["kernelVersion"])), .string(orUnknown(system["containerRuntimeVersion"])),
        ]
    }

    private static func roles(_ node: Node) -> String {
        var found: Set<String> = []
        let prefix = "node-role.kubernetes.io/"
        for (key, value) in node.meta.labels {
            if key.hasPrefix(prefix), key.count > prefix.count { found.insert(String(key.dropFirst(prefix.count))) }
            if key == "kubernetes.io/role", !value.isEmpty { found.insert(value) }
        }
        return Printing.orNone(found.sorted().joined(separator: ","))
    }

    private static func orUnknown(_ value: Value) -> String { value.string.map { $0.isEmpty ? "<unknown>" : $0 } ?? "<unknown>" }

    static func cells(_ event: Event, now: Timestamp) -> [Value] {
        let source = event.host.isEmpty ? event.component : "\(event.component), \(event.host)"
        return [
            .string(HumanDuration.age(event.lastTimestamp, now: now)), .string(event.severity.rawValue), .string(event.reason),
            .string("\(event.involvedKind.lowercased())/\(event.involvedName)"), .string(event.fieldPath), .string(source),
            .string(event.message.trimmedOfTrailingSpace), .string(HumanDuration.age(event.firstTimestamp, now: now)),
            .string("\(event.count)"),
            .string(event.meta.name),
        ]
    }
}

extension String {
    fileprivate var trimmedOfTrailingSpace: String {
        var text = self[...]
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
