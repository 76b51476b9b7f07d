import Formats
import Timing

/// A list of conditions as Kubernetes keeps it: one of each type, in the order in which they first appeared.
package struct Conditions {
    package private(set) var list: [Value]

    package init(_ value: Value) { list = value.elements }

    package subscript(type: String) -> Value? { list.first { $0["type"].string == type } }

    /// Writes a condition. `lastTransitionTime` moves only when the status does; nothing at all changes when status and reason are the same,
    /// unless `isRenewed` asks for a new `lastUpdateTime` (progress was seen).
    package mutating func set(
        _ type: String, _ status: String, reason: String, message: String, now: Timestamp, hasUpdateTime: Bool = false,
        isRenewed: Bool = false
    ) {
        let old = self[type]
        if let old, !isRenewed, old["status"].string == status, old["reason"].string == reason { return }
        let sameStatus = old?["status"].string == status
        var new: Value = ["type": .string(type), "status": .string(status)]
        if hasUpdateTime { new["lastUpdateTime"] = .string(now.rfc3339) }
        new["lastTransitionTime"] = sameStatus ? old?["lastTransitionTime"] ?? .string(now.rfc3339) : .string(now.rfc3339)
        new["reason"] = .string(reason)
        new["message"] = .string(message)
        if let at = list.firstIndex(where: { $0["type"].string == type }) {
            list[at] = new
        } else {
            list.append(new)
        }
    }

    /// Takes the condition out.
    package mutating func remove(_ type: String) { list.removeAll { $0["type"].string == type } }

    package var value: Value { .array(list) }
}
