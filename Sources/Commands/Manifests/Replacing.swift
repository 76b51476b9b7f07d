import APIClient
import Formats
import Linux
import Resources
import Timing

/// Replaces an object by deleting it first: what `apply --force` does where a field may not be changed.
enum Replacing {
    /// Longer than any pod's usual grace.
    static let patience: Duration = .seconds(300)

    /// Returns the new object. When it is refused the old one is made again, so that not both are lost.
    static func replace(
        _ key: ObjectKey, _ current: Value, with value: Value, _ api: BlockingAPI, _ options: WriteOptions, _ deletion: DeleteOptions,
        within patience: Duration = patience
    ) throws(StatusError) -> Value {
        let uid = current["metadata"]["uid"].string ?? ""
        var deletion = deletion
        deletion.preconditionUID = uid
        _ = try api.perform(.delete(key, deletion))
        guard WaitVerb.untilGone(key, uid: uid, api, deadline: Clock.monotonic() + patience) else {
            throw StatusError(
                code: 504, reason: "Timeout", message: "\(key.type.shown(key.name)) is deleted but not gone yet; apply it again")
        }
        func create(_ value: Value) throws(StatusError) -> Value {
            try api.perform(.create(value, type: key.type, namespace: key.namespace, options)).object
        }
        do throws(StatusError) { return try create(value) } catch {
            var former = current
            for field in ["uid", "resourceVersion", "creationTimestamp", "generation"] { former["metadata"][field] = .null }
            former["status"] = .null
            _ = try create(former)
            throw error
        }
    }
}
