import Formats
import Resources

/// `autoscaling/v1 Scale`: the view of a workload that has only its replica count.
enum Scale {
    static func object(of workload: Value) -> Value {
        let metadata = workload["metadata"]
        var out: Value = ["kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": [:]]
        for field in ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"] { out["metadata"][field] = metadata[field] }
        out["spec"] = ["replicas": .int(workload["spec"]["replicas"].int ?? 0)]
        out["status"] = ["replicas": .int(workload["status"]["replicas"].int ?? 0)]
        out["status"]["selector"] = .string(LabelSelector(object: workload["spec"]["selector"]).query)
        return out
    }

    /// The workload with the replica count that a Scale asks for.
    static func applied(_ scale: Value, to workload: Value, key: ObjectKey) throws(StatusError) -> Value {
        if let kind = scale["kind"].string, kind != "Scale" {
            throw .badRequest("the body of \(key.type.plural)/scale must be a Scale of autoscaling/v1, not a \(kind)")
        }
        let found = scale["spec"]["replicas"]
        // An absent count is zero, as everywhere where Kubernetes decodes a Scale.
        guard found.isNull || found.int != nil else {
            throw .badRequest(
                "Scale in version \"v1\" cannot be handled as a Scale: spec.replicas must be a whole number, found \(JSON.text(found))")
        }
        let count = found.int ?? 0
        guard (0...Int64(Int32.max)).contains(count) else {
            throw .invalid(
                .scales, name: key.name,
                [
                    .init(
                        reason: "FieldValueInvalid", message: "Invalid value: \(count): must be greater than or equal to 0",
                        field: "spec.replicas")
                ])
        }
        var out = workload
        out["spec"]["replicas"] = .int(count)
        for field in ["resourceVersion", "uid"] {
            let wanted = scale["metadata"][field]
            if let text = wanted.string, !text.isEmpty { out["metadata"][field] = wanted }
        }
        return out
    }
}
