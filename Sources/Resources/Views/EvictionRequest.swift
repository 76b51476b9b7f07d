import Formats

/// The annotation by which a pod is asked to go once a replacement is available; only pods that a ReplicaSet controls heed it.
///
/// A drain sets it with the time, and takes it back when it gives up; so does the registry where a budget closes every other way.
package enum EvictionRequest {
    package static let annotation = "steady.dev/eviction-requested"

    /// Whether a pod is asked to go.
    package static func isMade(of pod: Value) -> Bool { !pod["metadata"]["annotations"][annotation].isNull }
}
