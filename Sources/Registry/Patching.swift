import Formats
import Resources

/// The three kinds of patches, with Kubernetes' refusals.
enum Patching {
    /// Nulls that a patch put in are still there.
    static func apply(_ patch: Patch, to value: Value, key: ObjectKey) throws(StatusError) -> Value {
        let out: Value
        switch patch {
        case .merge(let patch):
            guard patch.object != nil else { throw .badRequest("a merge patch must be an object, found \(JSON.text(patch).prefix(40))") }
            out = MergePatch.apply(patch, to: value)
        case .json(let operations):
            do { out = try JSONPatch.apply(operations, to: value) } catch { throw refusal(error, key) }
        case .strategic(let patch):
            guard patch.object != nil else {
                throw .badRequest("a strategic merge patch must be an object, found \(JSON.text(patch).prefix(40))")
            }
            do { out = try StrategicMerge.apply(patch, to: value, keys: Schema.mergeKeys(key.type)) } catch { throw refusal(error, key) }
        }
        guard out["kind"] == value["kind"], out["apiVersion"] == value["apiVersion"] else {
            throw .badRequest(
                "a patch cannot change what the object is (\(value["apiVersion"].string ?? "") \(value["kind"].string ?? ""))"
                    + " to \(out["apiVersion"].string ?? "") \(out["kind"].string ?? "")")
        }
        return out
    }

    private static func refusal(_ error: PatchError, _ key: ObjectKey) -> StatusError {
        switch error.reason {
        case .malformed: return .badRequest(error.message)
        case .inapplicable:
            return StatusError(
                code: 422, reason: "Invalid", message: "the server rejected our request due to an error in our request: \(error.message)",
                details: .init(name: key.name, group: key.type.group, kind: key.type.kind))
        }
    }
}
