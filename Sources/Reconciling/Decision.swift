import Formats
import Resources
import Timing

/// Why something was done about an object, or was not, as whoever decided it says it.
package struct Decision: Hashable, Sendable {
    package var object: DecidedObject
    /// Who decided: `deployment-controller`, `default-scheduler`, `agent`.
    package var component: String
    /// The word by which an event names it (`Killing`); empty for what a plan says.
    package var reason: String
    package var message: String
    /// When it was decided first, and last.
    package var first: Timestamp
    package var last: Timestamp
    /// How often in a row.
    package var count: Int64

    package init(
        _ object: DecidedObject, _ message: String, reason: String = "", by component: String, first: Timestamp? = nil, last: Timestamp,
        count: Int64 = 1
    ) {
        self.object = object
        self.component = component
        self.reason = reason
        self.message = message
        self.first = first ?? last
        self.last = last
        self.count = count
    }

    /// What a plan decided about an object, in one record however many sentences it took; nil where it has nothing to say.
    package init?(plan sentences: [String], about object: DecidedObject, by component: String, last: Timestamp) {
        guard !sentences.isEmpty else { return nil }
        self.init(object, sentences.joined(separator: "; "), by: component, last: last)
    }

    /// What an event tells; nil for one that says nothing of anybody.
    package init?(event: Value) {
        let about = event["involvedObject"]
        guard let name = about["name"].string, let kind = about["kind"].string, let message = event["message"].string, !message.isEmpty,
            let last = event["lastTimestamp"].timestamp ?? event["eventTime"].timestamp ?? event["metadata"]["creationTimestamp"].timestamp
        else { return nil }
        self.init(
            DecidedObject(kind: kind, namespace: about["namespace"].string ?? "", name: name), message,
            reason: event["reason"].string ?? "",
            by: event["source"]["component"].string ?? event["reportingComponent"].string ?? "",
            first: event["firstTimestamp"].timestamp, last: last, count: event["count"].int ?? 1)
    }

    /// Whether both say the same, at whatever time.
    func repeats(_ other: Decision) -> Bool {
        message == other.message && reason == other.reason && component == other.component && object == other.object
    }

    /// What it costs to keep: its texts, and what surrounds them.
    var byteCount: Int {
        message.utf8.count + reason.utf8.count + component.utf8.count + object.name.utf8.count + object.namespace.utf8.count + 128
    }

    /// The record of the log, and of the API's answer.
    package var value: Value {
        var out: Value = ["kind": .string(object.kind), "name": .string(object.name)]
        if !object.namespace.isEmpty { out["namespace"] = .string(object.namespace) }
        if !reason.isEmpty { out["reason"] = .string(reason) }
        out["message"] = .string(message)
        out["component"] = .string(component)
        if first != last { out["first"] = .string(first.rfc3339Micro) }
        out["last"] = .string(last.rfc3339Micro)
        if count != 1 { out["count"] = .int(count) }
        return out
    }

    /// Reads such a record; nil for what is none.
    package init?(_ value: Value) {
        guard let kind = value["kind"].string, let name = value["name"].string, let message = value["message"].string,
            let last = value["last"].timestamp
        else { return nil }
        self.init(
            DecidedObject(kind: kind, namespace: value["namespace"].string ?? "", name: name), message,
            reason: value["reason"].string ?? "",
            by: value["component"].string ?? "", first: value["first"].timestamp, last: last, count: value["count"].int ?? 1)
    }
}

/// What a decision is about. By name, not by uid: what became of an earlier object of the name helps to understand the present one.
package struct DecidedObject: Hashable, Comparable, Sendable {
    package var kind: String
    /// Empty for what has none.
    package var namespace: String
    package var name: String

    package init(kind: String, namespace: String, name: String) {
        self.kind = kind
        self.namespace = namespace
        self.name = name
    }

    package init(_ key: ObjectKey) { self.init(kind: key.type.kind, namespace: key.namespace, name: key.name) }

    package static func < (a: DecidedObject, b: DecidedObject) -> Bool {
        (a.kind, a.namespace, a.name) < (b.kind, b.namespace, b.name)
    }
}
