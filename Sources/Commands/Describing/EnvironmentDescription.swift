import Formats
import Resources

/// What of a container's environment `describe` shows.
extension Description {
    /// - Parameter pod: nil for a template, whose pods' own values nobody knows yet.
    mutating func environment(_ container: Value, pod: Value?) {
        if !container["envFrom"].elements.isEmpty {
            line(2, "Environment Variables from:")
            for source in container["envFrom"].elements {
                let isSecret = !source["secretRef"].isNull
                let reference = isSecret ? source["secretRef"] : source["configMapRef"]
                let prefix = source["prefix"].plainText
                line(
                    3,
                    "\(reference["name"].plainText)\t\(isSecret ? "Secret" : "ConfigMap")\(prefix.isEmpty ? "" : " with prefix '\(prefix)'")\t"
                        + "Optional: \(reference["optional"].bool ?? false)")
            }
        }
        let variables = container["env"].elements
        line(2, variables.isEmpty ? "Environment:\t<none>" : "Environment:")
        for variable in variables { line(3, "\(variable["name"].plainText):\t\(Self.content(variable, container, pod))") }
    }

    /// A variable's value, or where it comes from.
    private static func content(_ variable: Value, _ container: Value, _ pod: Value?) -> String {
        let from = variable["valueFrom"]
        for (source, words) in [("configMapKeyRef", "of config map"), ("secretKeyRef", "in secret")] where !from[source].isNull {
            let key = from[source]
            return
                "<set to the key '\(key["key"].plainText)' \(words) '\(key["name"].plainText)'>\tOptional: \(key["optional"].bool ?? false)"
        }
        if !from["fieldRef"].isNull {
            let path = from["fieldRef"]["fieldPath"].plainText
            return "\(pod.map { field(path, of: $0) } ?? "") (\(from["fieldRef"]["apiVersion"].string ?? "v1"):\(path))"
        }
        if !from["resourceFieldRef"].isNull {
            return "\(amount(from["resourceFieldRef"], in: container)) (\(from["resourceFieldRef"]["resource"].plainText))"
        }
        return variable["value"].plainText
    }

    /// As kubectl: what never changes is told; of the rest, such as the node, only the path.
    private static func field(_ path: String, of pod: Value) -> String {
        let meta = pod["metadata"]
        switch path {
        case "metadata.name", "metadata.namespace", "metadata.uid": return meta[String(path.dropFirst(9))].plainText
        default: break
        }
        for name in ["labels", "annotations"] where path.hasPrefix("metadata.\(name)['") && path.hasSuffix("']") {
            return meta[name][String(path.dropFirst("metadata.\(name)['".count).dropLast(2))].plainText
        }
        return ""
    }

    /// A container's limit or request in units of the divisor, rounded up; 0 where it has none.
    static func amount(_ reference: Value, in container: Value) -> Int64 {
        let parts = reference["resource"].plainText.split(separator: ".", maxSplits: 1).map(String.init)
        guard parts.count == 2, let found = Quantity(container["resources"][parts[0]][parts[1]].plainText) else { return 0 }
        let divisor = Quantity(reference["divisor"].plainText)?.nanos ?? 0
        let unit = divisor > 0 ? divisor : Quantity(1).nanos
        let (quotient, remainder) = found.nanos.quotientAndRemainder(dividingBy: unit)
        return Int64(clamping: remainder > 0 ? quotient + 1 : quotient)
    }
}
