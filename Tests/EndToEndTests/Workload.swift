/// Pods and Deployments as manifests, each with the line that parts it from what follows.
enum Workload {
    /// - Parameters:
    ///   - spec: further lines of the pod's spec, each with its end.
    ///   - containers: the items of the list.
    static func pod(_ name: String, _ spec: String, grace: Int = 2, containers: String) -> String {
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: \(name), labels: {app: \(name), tier: back}}
        spec:
        \(indented(2, "\(spec)terminationGracePeriodSeconds: \(grace)\ncontainers:\n\(containers)"))
        ---

        """
    }

    /// - Parameters:
    ///   - labels: of its pods, and what it finds them by; nil: `app` with its name.
    ///   - containers: the items of the list.
    static func deployment(_ name: String, replicas: Int, labels: String? = nil, grace: Int = 1, containers: String) -> String {
        let labels = labels ?? "app: \(name)"
        return """
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: \(name)}
            spec:
              replicas: \(replicas)
              selector: {matchLabels: {\(labels)}}
              template:
                metadata: {labels: {\(labels)}}
                spec:
                  terminationGracePeriodSeconds: \(grace)
                  containers:
            \(indented(6, containers))
            ---

            """
    }

    private static func indented(_ depth: Int, _ text: String) -> String {
        text.split(separator: "\n", omittingEmptySubsequences: false).map { String(repeating: " ", count: depth) + $0 }.joined(
            separator: "\n")
    }
}
