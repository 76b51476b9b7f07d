import Formats

/// The priority classes that pods may name: the two that every Kubernetes cluster has. There is no kind to make others.
package enum PriorityClasses {
    static let known = ["system-cluster-critical", "system-node-critical"]

    /// The class that a pod's spec names and that does not exist.
    package static func unknown(in spec: Value) -> String? {
        guard let name = spec["priorityClassName"].string, !name.isEmpty, !known.contains(name) else { return nil }
        return name
    }
}
