import Formats
import Resources

/// Which agent has the log that was asked for, and what to ask it.
package struct LogTarget: Hashable, Sendable {
    package var node: String
    /// The request to the agent: `/logs/NAMESPACE/POD/CONTAINER?follow=true`.
    package var target: String

    /// Nil: the pod has no node yet, so there is no log, and Kubernetes answers with nothing.
    package static func resolve(_ call: LogCall, pod: Value) throws(StatusError) -> LogTarget? {
        let spec = pod["spec"]
        let containers = spec["containers"].elements.compactMap { $0["name"].string }
        let others = (spec["initContainers"].elements + spec["ephemeralContainers"].elements).compactMap { $0["name"].string }
        let container: String
        if let named = call.container {
            guard (containers + others).contains(named) else {
                throw .badRequest("container \(named) is not valid for pod \(call.pod.name)")
            }
            container = named
        } else if containers.count == 1, others.isEmpty {
            container = containers[0]
        } else {
            var text = "a container name must be specified for pod \(call.pod.name), choose one of: [\(containers.joined(separator: " "))]"
            let initial = spec["initContainers"].elements.compactMap { $0["name"].string }
            if !initial.isEmpty { text += " or one of the init containers: [\(initial.joined(separator: " "))]" }
            throw .badRequest(text)
        }
        guard let node = spec["nodeName"].string, !node.isEmpty else { return nil }
        var target = "/logs/\(call.pod.namespace)/\(call.pod.name)/\(container)"
        for (index, parameter) in call.parameters.enumerated() {
            target += "\(index == 0 ? "?" : "&")\(parameter.name)=\(percentEncoded(parameter.value))"
        }
        return LogTarget(node: node, target: target)
    }

    /// Leaves RFC 3986's unreserved characters as they are.
    private static func percentEncoded(_ text: String) -> String {
        var out = ""
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
                UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "~"):
                out.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16, uppercase: true)
                out += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
            }
        }
        return out
    }
}
