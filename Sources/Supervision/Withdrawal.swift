import Formats
import Resources

/// What the server's objects say about the traffic to a pod, as its agent reads it.
package enum Withdrawal {
    /// The revision from which on no route leads to a pod that is deleted; nil: the endpoint plan has not said it yet.
    package static func announced(by pod: Value) -> Revision? {
        let condition = [Condition](conditions: pod["status"]["conditions"])[Condition.withdrawn]
        return condition?.isTrue == true ? condition?.observedRevision : nil
    }

    /// The revision from which on the slices of a namespace offer nobody at an address; nil: one still does. Zero: none has it, so nobody routes there.
    package static func revision(of address: String, in slices: [Value]) -> Revision? {
        var last = Revision.zero
        for slice in slices {
            let mine = slice["endpoints"].elements.filter { $0["addresses"].elements.contains(.string(address)) }
            // Kubernetes' meaning of an absent condition: ready.
            if mine.contains(where: { $0["conditions"]["ready"].bool != false }) { return nil }
            if !mine.isEmpty, let revision = slice["metadata"]["resourceVersion"].string.flatMap({ Revision($0) }) {
                last = max(last, revision)
            }
        }
        return last
    }
}
