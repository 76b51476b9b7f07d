import Formats
import Resources

/// `describe` of pods, and of the templates that make them.
extension Description {
    mutating func pod(_ pod: Value) {
        let (meta, spec, status) = (pod["metadata"], pod["spec"], pod["status"])
        field("Name", pod.name)
        field("Namespace", pod.namespaceName)
        field("Priority", "\(spec["priority"].int ?? 0)")
        field("Service Account", spec["serviceAccountName"].string ?? "default")
        field("Node", spec["nodeName"].string.map { "\($0)/\(status["hostIP"].plainText)" } ?? "<none>")
        if !status["startTime"].isNull { field("Start Time", Self.time(status["startTime"])) }
        labels("Labels", meta["labels"].stringMap)
        annotations(meta["annotations"].stringMap)
        if meta["deletionTimestamp"].isNull {
            field("Status", status["phase"].plainText)
        } else {
            field("Status", "Terminating (since \(Self.time(meta["deletionTimestamp"])))")
            field("Termination Grace Period", "\(meta["deletionGracePeriodSeconds"].int ?? 0)s")
        }
        optional("Reason", status["reason"])
        optional("Message", status["message"])
        field("IP", status["podIP"].plainText)
        if let address = status["podIP"].string {
            line(0, "IPs:")
            field("IP", address, level: 1)
        } else {
            field("IPs", "<none>")
        }
        controller(meta)
        for (title, list, states) in [
            ("Init Containers", "initContainers", "initContainerStatuses"), ("Containers", "containers", "containerStatuses"),
        ] where !spec[list].elements.isEmpty {
            line(0, title + ":")
            for entry in spec[list].elements {
                container(entry, status[states].elements.first { $0["name"] == entry["name"] }, of: pod, indent: "")
            }
        }
        let conditions = status["conditions"].elements
        if !conditions.isEmpty {
            line(0, "Conditions:\n  Type\tStatus")
            for condition in conditions { line(1, "\(condition["type"].plainText) \t\(condition["status"].plainText) ") }
        }
        volumes(spec, indent: "")
        field("QoS Class", status["qosClass"].string ?? "BestEffort")
        labels("Node-Selectors", spec["nodeSelector"].stringMap)
        tolerations(spec, indent: "")
    }

    mutating func controller(_ meta: Value) {
        for owner in meta["ownerReferences"].elements where owner["controller"].bool == true {
            field("Controlled By", "\(owner["kind"].plainText)/\(owner["name"].plainText)")
        }
    }

    mutating func template(_ template: Value) {
        line(0, "Pod Template:")
        labels("  Labels", template["metadata"]["labels"].stringMap)
        let notes = template["metadata"]["annotations"].stringMap
        if !notes.isEmpty { entries("  Annotations", notes.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }) }
        let spec = template["spec"]
        for (title, list) in [("Init Containers", "initContainers"), ("Containers", "containers")] where !spec[list].elements.isEmpty {
            line(1, "\(title):")
            for entry in spec[list].elements { container(entry, nil, of: nil, indent: " ") }
        }
        volumes(spec, indent: "  ")
        labels("  Node-Selectors", spec["nodeSelector"].stringMap)
        tolerations(spec, indent: "  ")
    }

    private mutating func tolerations(_ spec: Value, indent: String) {
        entries(
            indent + "Tolerations",
            spec["tolerations"].elements.map { toleration in
                var text = toleration["key"].plainText
                if !toleration["value"].plainText.isEmpty { text += "=" + toleration["value"].plainText }
                if !toleration["effect"].plainText.isEmpty { text += ":" + toleration["effect"].plainText }
                if toleration["operator"].string == "Exists" { text += " op=Exists" }
                return text + (toleration["tolerationSeconds"].int.map { " for \($0)s" } ?? "")
            })
    }

    private mutating func container(_ container: Value, _ status: Value?, of pod: Value?, indent: String) {
        line(1, "\(indent)\(container["name"].plainText):")
        if let status { field("Container ID", status["containerID"].plainText, level: 2) }
        field("Image", container["image"].plainText, level: 2)
        if let status { field("Image ID", status["imageID"].plainText, level: 2) }
        let ports = container["ports"].elements
        for (title, key) in [("Port", "containerPort"), ("Host Port", "hostPort")] {
            let texts = ports.map { "\($0[key].int ?? 0)/\($0["protocol"].string ?? "TCP")" + ($0["name"].string.map { " (\($0))" } ?? "") }
            field(title + (texts.count > 1 ? "s" : ""), texts.isEmpty ? "<none>" : texts.joined(separator: ", "), level: 2)
        }
        for (title, key) in [("Command", "command"), ("Args", "args")] where !container[key].elements.isEmpty {
            line(2, title + ":")
            for word in container[key].elements { for part in word.plainText.split(separator: "\n") { line(3, String(part)) } }
        }
        if let status {
            state("State", status["state"])
            if !status["lastState"]["terminated"].isNull { state("Last State", status["lastState"]) }
            field("Ready", status["ready"].bool == true ? "True" : "False", level: 2)
            field("Restart Count", "\(status["restartCount"].int ?? 0)", level: 2)
        }
        for (title, key) in [("Limits", "limits"), ("Requests", "requests")] {
            let amounts = (container["resources"][key].object?.entries ?? []).sorted { $0.key < $1.key }
            if amounts.isEmpty { continue }
            line(2, title + ":")
            for entry in amounts { field(entry.key, entry.value.plainText, level: 3) }
        }
        for (title, key) in [("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")]
        where !container[key].isNull { field(title, Self.probe(container[key]), level: 2) }
        environment(container, pod: pod)
        let mounts = container["volumeMounts"].elements.sorted { $0["mountPath"].plainText < $1["mountPath"].plainText }
        line(2, mounts.isEmpty ? "Mounts:\t<none>" : "Mounts:")
        for mount in mounts {
            let path = mount["subPath"].string.map { ",path=\"\($0)\"" } ?? ""
            line(
                3,
                "\(mount["mountPath"].plainText) from \(mount["name"].plainText) (\(mount["readOnly"].bool == true ? "ro" : "rw")\(path))")
        }
    }

    private mutating func state(_ title: String, _ state: Value) {
        if !state["running"].isNull {
            field(title, "Running", level: 2)
            field("Started", Self.time(state["running"]["startedAt"]), level: 3)
        } else if !state["terminated"].isNull {
            let end = state["terminated"]
            field(title, "Terminated", level: 2)
            optional("Reason", end["reason"], level: 3)
            optional("Message", end["message"], level: 3)
            field("Exit Code", "\(end["exitCode"].int ?? 0)", level: 3)
            if let signal = end["signal"].int, signal > 0 { field("Signal", "\(signal)", level: 3) }
            field("Started", Self.time(end["startedAt"]), level: 3)
            field("Finished", Self.time(end["finishedAt"]), level: 3)
        } else {
            field(title, "Waiting", level: 2)
            optional("Reason", state["waiting"]["reason"], level: 3)
            // kubectl leaves it to the events; here it names the remedy.
            optional("Message", state["waiting"]["message"], level: 3)
        }
    }

    static func probe(_ probe: Value) -> String {
        let (get, tcp, exec) = (probe["httpGet"], probe["tcpSocket"], probe["exec"])
        var what = "exec [\(exec["command"].elements.map(\.plainText).joined(separator: " "))]"
        if !get.isNull {
            let scheme = get["scheme"].string?.lowercased() ?? "http"
            what = "http-get \(scheme)://\(get["host"].plainText):\(get["port"].plainText)\(get["path"].plainText)"
        } else if !tcp.isNull {
            what = "tcp-socket \(tcp["host"].plainText):\(tcp["port"].plainText)"
        }
        let (delay, timeout, period) = (
            probe["initialDelaySeconds"].int ?? 0, probe["timeoutSeconds"].int ?? 1, probe["periodSeconds"].int ?? 10
        )
        return what + " delay=\(delay)s timeout=\(timeout)s period=\(period)s"
            + " successThreshold=\(probe["successThreshold"].int ?? 1) failureThreshold=\(probe["failureThreshold"].int ?? 3)"
    }
}
