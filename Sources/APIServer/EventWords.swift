import Formats
import Resources

/// `events.k8s.io` shows the stored core events in newer words; nothing is lost on the way in either direction.
extension ServedType {
    private static let renamed: [(wire: String, stored: String)] = [
        ("regarding", "involvedObject"), ("note", "message"), ("reportingController", "reportingComponent"),
        ("deprecatedSource", "source"), ("deprecatedFirstTimestamp", "firstTimestamp"), ("deprecatedLastTimestamp", "lastTimestamp"),
        ("deprecatedCount", "count"),
    ]

    private var isRenamed: Bool { wire.group != stored.group }

    /// The object as it is stored.
    func fromWire(_ object: Value) -> Value {
        guard isRenamed else { return object }
        return rename(object, from: \.wire, to: \.stored, as: stored)
    }

    /// The object as this group shows it.
    func toWire(_ object: Value) -> Value {
        guard isRenamed else { return object }
        return rename(object, from: \.stored, to: \.wire, as: wire)
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
        out["apiVersion"] = .string(type.apiVersion)
        return .object(out)
    }
}
