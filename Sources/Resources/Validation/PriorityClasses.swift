import Formats

/// The priority classes that pods may name: the two that every Kubernetes cluster has. There is no kind to make others.
package enum PriorityClasses {
    private static let priorities: [String: Int64] = ["system-cluster-critical": 2_000_000_000, "system-node-critical": 2_000_001_000]

    static var known: [String] { priorities.keys.sorted() }

    /// The class that a pod's spec names and that does not exist.
    package static func unknown(in spec: Value) -> String? {
        guard let name = spec["priorityClassName"].string, !name.isEmpty, priorities[name] == nil else { return nil }
        return name
    }

    /// `priority` of a pod that names `priorityClassName`, as Kubernetes' admission fills it in; 0 without a class.
    static func priority(of name: String?) -> Int64 { name.flatMap { priorities[$0] } ?? 0 }
}
