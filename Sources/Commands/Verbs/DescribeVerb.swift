import APIClient
import Formats
import Linux
import Resources
import Timing

/// `steady describe`: one object with what belongs to it, and its events.
enum DescribeVerb {
    static let verb = Verb(
        "describe", group: .looking, summary: "Show an object in full, with its events",
        usage: "(KIND [NAME ...] | KIND/NAME ... | KIND -l QUERY)",
        examples: [("why does it not start?", "steady describe pod web-7d9c-x2x4z"), ("a deployment", "steady describe deployment web")],
        flags: [Verb.namespaceFlag, .allNamespaces, .selector], run: { try run($0) })

    private static func run(_ invocation: Invocation) throws(CommandError) -> Int32 {
        let api = try Instance.connect(invocation)
        let found = try Targets(invocation.words, invocation).fetch(api)
        if found.isEmpty { invocation.terminal.complain("No resources found") }
        for (at, (type, object)) in found.enumerated() {
            if at > 0 { invocation.terminal.write("\n\n") }
            invocation.terminal.write(try text(type, object, api))
        }
        return 0
    }

    private static func text(_ type: ResourceType, _ object: Value, _ api: BlockingAPI) throws(CommandError) -> String {
        var out = Description()
        let meta = object["metadata"]
        out.field("Name", object.name)
        if type.isNamespaced { out.field("Namespace", object.namespaceName) }
        if type == .pods {
            out.field(
                "Node",
                [object["spec"]["nodeName"].string ?? "<none>", object["status"]["hostIP"].string].compactMap { $0 }.joined(separator: "/"))
        }
        out.map("Labels", meta["labels"].stringMap)
        out.map("Annotations", meta["annotations"].stringMap.filter { $0.key != Manifests.lastApplied })
        if let at = meta["creationTimestamp"].string { out.field("Created", "\(at) (\(age(at)) ago)") }
        if let at = meta["deletionTimestamp"].string {
            out.field("Deleted", "\(at), grace \(meta["deletionGracePeriodSeconds"].int ?? 0)s")
        }
        for owner in meta["ownerReferences"].elements where owner["controller"].bool == true {
            out.field("Controlled By", "\(owner["kind"].string ?? "")/\(owner["name"].string ?? "")")
        }
        switch type {
        case .pods: pod(object, &out)
        case .deployments: try deployment(object, api, &out)
        case .replicaSets: replicaSet(object, &out)
        case .services: try service(object, api, &out)
        case .nodes: try node(object, api, &out)
        case .configMaps:
            out.heading("Data")
            for (key, value) in object["data"].stringMap.sorted(by: { $0.key < $1.key }) { out.block("\(key):\n----\n\(value)") }
        case .secrets:
            out.field("Type", object["type"].string ?? "")
            out.heading("Data")
            for (key, value) in object["data"].stringMap.sorted(by: { $0.key < $1.key }) {
                out.block("\(key):  \(Base64.decode(value)?.count ?? 0) bytes")
            }
        default:
            for (key, value) in object.object?.entries ?? [] where !["apiVersion", "kind", "metadata"].contains(key) {
                out.heading(key.prefix(1).uppercased() + key.dropFirst())
                out.block(YAML.text(value.sortedByKeys))
            }
        }
        conditions(object, &out)
        try events(type, object, api, &out)
        return out.text
    }

    private static func age(_ text: String?) -> String {
        text.flatMap(Timestamp.init(rfc3339:)).map { HumanDuration.text(Clock.realtime() - $0) } ?? "<unknown>"
    }

    private static func conditions(_ object: Value, _ out: inout Description) {
        let conditions = object["status"]["conditions"].elements
        guard !conditions.isEmpty else { return }
        out.heading("Conditions")
        out.table(
            [["Type", "Status", "Reason", "Message"]]
                + conditions.map { [$0["type"].plainText, $0["status"].plainText, $0["reason"].plainText, $0["message"].plainText] })
    }

    private static func pod(_ pod: Value, _ out: inout Description) {
        let status = pod["status"]
        out.field("Status", pod["metadata"]["deletionTimestamp"].isNull ? status["phase"].string ?? "" : "Terminating")
        if let reason = status["reason"].string { out.field("Reason", reason) }
        if let message = status["message"].string { out.field("Message", message) }
        out.field("IP", status["podIP"].string ?? "<none>")
        for (heading, spec, state) in [
            ("Init Containers", "initContainers", "initContainerStatuses"), ("Containers", "containers", "containerStatuses"),
        ] {
            let containers = pod["spec"][spec].elements
            if containers.isEmpty { continue }
            out.heading(heading)
            for container in containers {
                self.container(container, status[state].elements.first { $0["name"] == container["name"] } ?? .null, &out)
            }
        }
        let volumes = pod["spec"]["volumes"].elements
        if !volumes.isEmpty {
            out.heading("Volumes")
            for volume in volumes {
                let source = volume.object?.entries.first { $0.key != "name" }
                out.block("\(volume["name"].plainText): \(source.map { "\($0.key) \($0.value.plainText)" } ?? "")")
            }
        }
        out.field("Grace Period", "\(pod["spec"]["terminationGracePeriodSeconds"].int ?? 30)s")
    }

    private static func container(_ container: Value, _ status: Value, _ out: inout Description) {
        out.block("\(container["name"].plainText):")
        func line(_ name: String, _ text: String) { if !text.isEmpty { out.block("  " + (name + ":").padded(to: 16) + text) } }
        line("Image", container["image"].plainText)
        line("Image ID", status["imageID"].plainText)
        line("Process", status["containerID"].plainText)
        line(
            "Ports",
            container["ports"].elements.map { "\($0["containerPort"].plainText)/\($0["protocol"].string ?? "TCP")" }.joined(separator: ", ")
        )
        line("Command", container["command"].elements.map(\.plainText).joined(separator: " "))
        line("Args", container["args"].elements.map(\.plainText).joined(separator: " "))
        state("State", status["state"], line)
        state("Last State", status["lastState"], line)
        if !status.isNull {
            line("Ready", status["ready"].bool == true ? "True" : "False")
            line("Restart Count", status["restartCount"].plainText)
        }
        for probe in ["startupProbe", "readinessProbe", "livenessProbe"] where !container[probe].isNull {
            line(String(probe.prefix(1).uppercased() + probe.dropFirst().dropLast(5)), self.probe(container[probe]))
        }
        for (resource, values) in [("Requests", container["resources"]["requests"]), ("Limits", container["resources"]["limits"])]
        where !values.isNull {
            line(resource, values.object?.entries.map { "\($0.key) \($0.value.plainText)" }.joined(separator: ", ") ?? "")
        }
        let environment = container["env"].elements
        if !environment.isEmpty {
            out.block("  Environment:")
            for entry in environment {
                let source = entry["valueFrom"].object?.entries.first.map { "<from \($0.key) \($0.value.plainText)>" }
                out.block("    \(entry["name"].plainText)=\(source ?? entry["value"].plainText)")
            }
        }
        for mount in container["volumeMounts"].elements {
            line(
                "Mount",
                "\(mount["mountPath"].plainText) from \(mount["name"].plainText)\(mount["readOnly"].bool == true ? " (ro)" : " (rw)")")
        }
    }

    private static func state(_ name: String, _ state: Value, _ line: (String, String) -> Void) {
        guard let entry = state.object?.entries.first else { return }
        line(name, entry.key.prefix(1).uppercased() + entry.key.dropFirst())
        line("  Reason", entry.value["reason"].plainText)
        line("  Message", entry.value["message"].plainText)
        line("  Exit Code", entry.value["exitCode"].plainText)
        line("  Started", entry.value["startedAt"].plainText)
        line("  Finished", entry.value["finishedAt"].plainText)
    }

    private static func probe(_ probe: Value) -> String {
        var what = ""
        let get = probe["httpGet"]
        if !get.isNull {
            what =
                "http-get \(get["scheme"].string?.lowercased() ?? "http")://\(get["host"].plainText):\(get["port"].plainText)\(get["path"].plainText)"
        }
        if !probe["tcpSocket"].isNull {
            what = "tcp-socket \(probe["tcpSocket"]["host"].plainText):\(probe["tcpSocket"]["port"].plainText)"
        }
        if !probe["exec"].isNull { what = "exec [\(probe["exec"]["command"].elements.map(\.plainText).joined(separator: " "))]" }
        return what
            + " delay=\(probe["initialDelaySeconds"].int ?? 0)s timeout=\(probe["timeoutSeconds"].int ?? 1)s period=\(probe["periodSeconds"].int ?? 10)s"
            + " #success=\(probe["successThreshold"].int ?? 1) #failure=\(probe["failureThreshold"].int ?? 3)"
    }

    private static func deployment(_ deployment: Value, _ api: BlockingAPI, _ out: inout Description) throws(CommandError) {
        let (spec, status) = (deployment["spec"], deployment["status"])
        out.field("Selector", LabelSelector(object: spec["selector"]).query)
        out.field(
            "Replicas",
            "\(spec["replicas"].int ?? 1) desired | \(status["updatedReplicas"].int ?? 0) updated | \(status["replicas"].int ?? 0) total | "
                + "\(status["availableReplicas"].int ?? 0) available | \(status["unavailableReplicas"].int ?? 0) unavailable")
        out.field("StrategyType", spec["strategy"]["type"].plainText)
        out.field("MinReadySeconds", "\(spec["minReadySeconds"].int ?? 0)")
        let rolling = spec["strategy"]["rollingUpdate"]
        if !rolling.isNull {
            out.field(
                "RollingUpdateStrategy",
                "\(rolling["maxUnavailable"].plainText) max unavailable, \(rolling["maxSurge"].plainText) max surge")
        }
        template(spec["template"], &out)
        let sets = try api.all(
            ListRequest(.replicaSets, namespace: deployment.namespaceName, labelSelector: LabelSelector(object: spec["selector"]))
        )
        .filter { set in set["metadata"]["ownerReferences"].elements.contains { $0["uid"] == deployment["metadata"]["uid"] } }
        out.heading("ReplicaSets")
        out.table(
            [["Name", "Revision", "Desired", "Ready"]]
                + sets.map {
                    [
                        $0.name, $0["metadata"]["annotations"]["deployment.kubernetes.io/revision"].plainText,
                        $0["spec"]["replicas"].plainText,
                        "\($0["status"]["readyReplicas"].int ?? 0)",
                    ]
                })
    }

    private static func replicaSet(_ set: Value, _ out: inout Description) {
        out.field("Selector", LabelSelector(object: set["spec"]["selector"]).query)
        out.field("Replicas", "\(set["status"]["replicas"].int ?? 0) current / \(set["spec"]["replicas"].int ?? 1) desired")
        template(set["spec"]["template"], &out)
    }

    private static func template(_ template: Value, _ out: inout Description) {
        out.heading("Pod Template")
        out.block(
            "Labels:  "
                + template["metadata"]["labels"].stringMap.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }.joined(
                    separator: ", "))
        for container in template["spec"]["containers"].elements { self.container(container, .null, &out) }
    }

    private static func service(_ service: Value, _ api: BlockingAPI, _ out: inout Description) throws(CommandError) {
        let spec = service["spec"]
        out.field("Selector", LabelSelector(labels: spec["selector"].stringMap).query)
        out.field("Type", spec["type"].plainText)
        out.field("IP", spec["clusterIP"].string ?? "<none>")
        for ingress in service["status"]["loadBalancer"]["ingress"].elements {
            out.field("LoadBalancer Ingress", ingress["ip"].string ?? ingress["hostname"].plainText)
        }
        let selector = LabelSelector(labels: ["kubernetes.io/service-name": service.name])
        let slices = try api.all(ListRequest(.endpointSlices, namespace: service.namespaceName, labelSelector: selector))
        for port in spec["ports"].elements {
            out.field("Port", "\(port["name"].string ?? "<unset>")  \(port["port"].plainText)/\(port["protocol"].string ?? "TCP")")
            out.field("TargetPort", port["targetPort"].plainText)
            if let nodePort = port["nodePort"].int { out.field("NodePort", "\(nodePort)") }
            var ready: [String] = []
            for slice in slices {
                let number =
                    slice["ports"].elements.first { ($0["name"].string ?? "") == (port["name"].string ?? "") }?["port"].plainText ?? ""
                ready += slice["endpoints"].elements.filter { $0["conditions"]["ready"].bool != false }
                    .flatMap { endpoint in endpoint["addresses"].elements.map { "\($0.plainText):\(number)" } }
            }
            out.field("Endpoints", ready.isEmpty ? "<none>" : ready.joined(separator: ","))
        }
        out.field("Session Affinity", spec["sessionAffinity"].string ?? "None")
    }

    private static func node(_ node: Value, _ api: BlockingAPI, _ out: inout Description) throws(CommandError) {
        out.field("Unschedulable", node["spec"]["unschedulable"].bool == true ? "true" : "false")
        out.field("PodCIDR", node["spec"]["podCIDR"].string ?? "<none>")
        let taints = node["spec"]["taints"].elements.map {
            "\($0["key"].plainText)\($0["value"].isNull ? "" : "=\($0["value"].plainText)"):\($0["effect"].plainText)"
        }
        out.field("Taints", taints.isEmpty ? "<none>" : taints.joined(separator: ", "))
        for address in node["status"]["addresses"].elements { out.field(address["type"].plainText, address["address"].plainText) }
        for (name, values) in [("Capacity", node["status"]["capacity"]), ("Allocatable", node["status"]["allocatable"])] {
            out.field(name, values.object?.entries.map { "\($0.key) \($0.value.plainText)" }.joined(separator: ", ") ?? "<unknown>")
        }
        let pods = try api.all(ListRequest(.pods, fieldSelector: FieldSelector([.init(["spec", "nodeName"], node.name)])))
        out.heading("Pods (\(pods.count) in total)")
        out.table(
            [["Namespace", "Name", "Status", "Age"]]
                + pods.map {
                    [$0.namespaceName, $0.name, $0["status"]["phase"].plainText, age($0["metadata"]["creationTimestamp"].string)]
                })
    }

    private static func events(_ type: ResourceType, _ object: Value, _ api: BlockingAPI, _ out: inout Description) throws(CommandError) {
        var terms: [FieldSelector.Term] = [.init(["involvedObject", "kind"], type.kind), .init(["involvedObject", "name"], object.name)]
        if type.isNamespaced { terms.append(.init(["involvedObject", "uid"], object["metadata"]["uid"].string ?? "")) }
        let events = try api.all(
            ListRequest(.events, namespace: type.isNamespaced ? object.namespaceName : nil, fieldSelector: FieldSelector(terms)))
        guard !events.isEmpty else { return out.field("Events", "<none>") }
        out.heading("Events")
        out.table(
            [["Type", "Reason", "Age", "From", "Message"]]
                + events.sorted { EventsVerb.time($0) < EventsVerb.time($1) }.map {
                    [
                        $0["type"].plainText, $0["reason"].plainText, EventsVerb.age($0),
                        $0["source"]["component"].string ?? $0["reportingComponent"].plainText, $0["message"].plainText,
                    ]
                })
    }
}

/// The layout of `describe`: names in a column, blocks indented below their headings.
private struct Description {
    private(set) var text = ""
    private static let nameWidth = 24

    mutating func field(_ name: String, _ value: String) { text += (name + ":").padded(to: Self.nameWidth) + value + "\n" }
    mutating func heading(_ name: String) { text += name + ":\n" }
    mutating func block(_ lines: String) {
        for line in lines.split(separator: "\n", omittingEmptySubsequences: false) { text += "  \(line)\n" }
    }

    mutating func map(_ name: String, _ map: [String: String]) {
        guard !map.isEmpty else { return field(name, "<none>") }
        for (at, entry) in map.sorted(by: { $0.key < $1.key }).enumerated() {
            text += (at == 0 ? name + ":" : "").padded(to: Self.nameWidth) + "\(entry.key)=\(entry.value)\n"
        }
    }

    mutating func table(_ rows: [[String]]) { for line in TextTable.text(rows).split(separator: "\n") { text += "  \(line)\n" } }
}
