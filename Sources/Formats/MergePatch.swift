/// JSON merge patch (RFC 7386): objects merge, `null` deletes, everything else replaces.
package enum MergePatch {
    /// Never fails: every value is a merge patch.
    package static func apply(_ patch: Value, to value: Value) -> Value {
        guard case .object(let changes) = patch else { return patch }
        var result = value.object ?? Object()
        for (key, change) in changes {
            if change.isNull {
                result[key] = nil
            } else if case .object = change {
                result.update(key) { $0 = apply(change, to: $0) }
            } else {
                result[key] = change
            }
        }
        return .object(result)
    }

    /// The smallest patch that makes `to` out of `from`; an empty object when they agree.
    ///
    /// A member that is `null` in `to` cannot be asked for: it is left out of the result of applying the patch.
    package static func diff(from: Value, to: Value) -> Value {
        guard case .object(let before) = from, case .object(let after) = to else { return to }
        var patch = Object()
        for (key, value) in after {
            guard let old = before[key] else {
                if !value.isNull { patch[key] = value }
                continue
            }
            if old.isEquivalent(to: value) { continue }
            if case .object = old, case .object = value {
                let change = diff(from: old, to: value)
                if change != .object(Object()) { patch[key] = change }
            } else {
                patch[key] = value
            }
        }
        for key in before.keys where after[key] == nil { patch[key] = .null }
        return .object(patch)
    }
}
