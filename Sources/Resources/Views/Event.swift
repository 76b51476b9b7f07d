import Formats
import Timing

/// Something that happened to an object, said in a sentence (core/v1 Event).
package struct Event: Sendable {
    /// An event's type, as Kubernetes writes it.
    package enum Severity: String, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }

    package var meta: ObjectMeta
    package var severity: Severity
    package var reason: String
    package var message: String
    /// How often it was seen.
    package var count: Int
    package var firstTimestamp: Timestamp?
    package var lastTimestamp: Timestamp?
    package var involvedKind: String
    package var involvedNamespace: String
    package var involvedName: String
    package var involvedUID: String
    package var fieldPath: String
    package var component: String
    package var host: String
    package var value: Value

    package init(_ value: Value) {
        self.value = value
        meta = ObjectMeta(of: value)
        severity = value["type"].string == "Warning" ? .warning : .normal
        reason = value["reason"].string ?? ""
        message = value["message"].string ?? ""
        count = Int(value["count"].int ?? value["series"]["count"].int ?? 1)
        firstTimestamp = value["firstTimestamp"].timestamp ?? value["eventTime"].timestamp
        lastTimestamp =
            value["series"]["lastObservedTime"].timestamp ?? value["lastTimestamp"].timestamp ?? value["firstTimestamp"].timestamp
            ?? value["eventTime"].timestamp
        let involved = value["involvedObject"]
        involvedKind = involved["kind"].string ?? ""
        involvedNamespace = involved["namespace"].string ?? ""
        involvedName = involved["name"].string ?? ""
        involvedUID = involved["uid"].string ?? ""
        fieldPath = involved["fieldPath"].string ?? ""
        component = value["source"]["component"].string ?? value["reportingComponent"].string ?? ""
        host = value["source"]["host"].string ?? value["reportingInstance"].string ?? ""
    }

    /// A new event about `object` (a whole object: kind, apiVersion and metadata are read). Its name ends in the moment, in hex nanoseconds, as
    /// Kubernetes names them; cluster-scoped objects' events live in `default`.
    package static func make(
        about object: Value, _ severity: Severity, reason: String, message: String, component: String, host: String = "",
        fieldPath: String = "",
        at now: Timestamp
    ) -> Value {
        let metadata = object["metadata"]
        let name = metadata["name"].string ?? ""
        let namespace = metadata["namespace"].string ?? ""
        var involved: Value = ["kind": object["kind"], "name": .string(name), "uid": metadata["uid"], "apiVersion": object["apiVersion"]]
        if !namespace.isEmpty { involved["namespace"] = .string(namespace) }
        involved["resourceVersion"] = metadata["resourceVersion"]
        if !fieldPath.isEmpty { involved["fieldPath"] = .string(fieldPath) }
        var source: Value = ["component": .string(component)]
        if !host.isEmpty { source["host"] = .string(host) }
        return [
            "apiVersion": "v1", "kind": "Event",
            "metadata": [
                "name": .string("\(name).\(String(now.nanosecondsSince1970, radix: 16))"),
                "namespace": .string(namespace.isEmpty ? "default" : namespace),
            ],
            "involvedObject": involved, "reason": .string(reason), "message": .string(message), "source": source,
            "firstTimestamp": .string(now.rfc3339), "lastTimestamp": .string(now.rfc3339), "count": 1, "type": .string(severity.rawValue),
            "reportingComponent": .string(component), "reportingInstance": .string(host),
        ]
    }
}
