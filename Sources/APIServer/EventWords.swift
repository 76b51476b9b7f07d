import Formats
import Resources

/// `events.k8s.io` shows the stored core events in newer words; nothing is lost on the way in either direction.
extension ServedType {
    private static let renamed: [(wire: String, stored: String)] = [
        ("regarding", "involvedObject"), ("note", "message"), ("reportingController", "reportingComponent"),
        ("deprecatedSource", "source"), ("deprecatedFirstTimestamp", "firstTimestamp"), ("deprecatedLastTimestamp", "lastTimestamp"),
        ("deprecatedCount", "count"),
    ]

    var isRenamed: Bool { wire == Discovery.newerEvents }

    /// The object as it is stored.
    func fromWire(_ object: Value) -> Value {
        guard isRenamed else { return object }
        var out = rename(object, from: \.wire, to: \.stored, as: stored)
        // What was shown for want of anything better is not what somebody says.
        if !out["eventTime"].isNull, out["eventTime"] == out["firstTimestamp"].timestamp.map({ .string($0.rfc3339Micro) }) {
            out["eventTime"] = .null
        }
        return out
    }

    /// The object as this group shows it. It has a time always, as the group demands it: older events show the one that they have (Kubernetes shows
    /// null there, at which Python's client fails).
    func toWire(_ object: Value) -> Value {
        guard isRenamed else { return object }
        var out = rename(object, from: \.stored, to: \.wire, as: wire)
        if out["eventTime"].isNull {
            let time = object["firstTimestamp"].timestamp ?? object["metadata"]["creationTimestamp"].timestamp
            out["eventTime"] = time.map { .string($0.rfc3339Micro) } ?? .null
        }
        return out
    }

    /// A patch of the stored object that does what this one does to the shown one.
    func fromWire(_ patch: Patch) -> Patch {
        guard isRenamed else { return patch }
        switch patch {
        case .merge(let body): return .merge(rename(body, from: \.wire, to: \.stored, as: stored))
        case .strategic(let body): return .strategic(rename(body, from: \.wire, to: \.stored, as: stored))
        case .json(let operations):
            return .json(
                .array(
                    operations.elements.map { operation in
                        var operation = operation
                        for field in ["path", "from"] {
                            if let pointer = operation[field].string { operation[field] = .string(storedPointer(pointer)) }
                        }
                        return operation
                    }))
        }
    }

    /// `/regarding/name` points at `/involvedObject/name`.
    private func storedPointer(_ pointer: String) -> String {
        var segments = pointer.split(separator: "/", omittingEmptySubsequences: false).map(String.init)
        guard segments.count > 1, let pair = Self.renamed.first(where: { $0.wire == segments[1] }) else { return pointer }
        segments[1] = pair.stored
        return segments.joined(separator: "/")
    }

    /// `regarding.kind=Pod` asks for `involvedObject.kind=Pod`.
    func storedFieldSelector(_ text: String) -> String {
        guard isRenamed else { return text }
        return text.split(separator: ",", omittingEmptySubsequences: false).map { term in
            for (new, old) in Self.renamed {
                if term == new || term.hasPrefix(new + ".") || term.hasPrefix(new + "=") || term.hasPrefix(new + "!") {
                    return old + term.dropFirst(new.count)
                }
            }
            return String(term)
        }.joined(separator: ",")
    }

    private func rename(
        _ object: Value, from: KeyPath<(wire: String, stored: String), String>, to: KeyPath<(wire: String, stored: String), String>,
        as type: ResourceType
    ) -> Value {
        guard case .object(let members) = object else { return object }
        var out = Object()
        for (key, value) in members {
            let pair = Self.renamed.first { $0[keyPath: from] == key }
            out[pair?[keyPath: to] ?? key] = value
        }
        // A patch need not say what it is of.
        if out["apiVersion"] != nil { out["apiVersion"] = .string(type.apiVersion) }
        return .object(out)
    }
}
