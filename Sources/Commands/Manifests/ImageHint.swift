import APIClient
import Formats
import Resources

/// What a changed Image does not do by itself: pods that run keep the command that they began with.
enum ImageHint {
    /// One line for each changed Image that deployments use, with what replaces their pods.
    ///
    /// - Parameters:
    ///   - changed: the Images as they are stored now.
    ///   - rolling: deployments that are about to make new pods anyway.
    static func lines(_ changed: [Value], deployments: [Value], rolling: Set<ObjectKey>) -> [String] {
        changed.compactMap { image in
            let reference = ImageReference.normalize(image["spec"]["reference"].string ?? "")
            let users = deployments.filter { deployment in
                let pod = deployment["spec"]["template"]["spec"]
                let containers = pod["initContainers"].elements + pod["containers"].elements
                return deployment["spec"]["replicas"].int != 0 && !rolling.contains(key(deployment))
                    && containers.contains { ImageReference.normalize($0["image"].string ?? "") == reference }
            }
            guard !users.isEmpty else { return nil }
            let commands = Dictionary(grouping: users, by: \.namespaceName).sorted { $0.key < $1.key }.map { namespace, users in
                "steady rollout restart " + (namespace == "default" ? "" : "-n \(namespace) ")
                    + users.map { "deployment/\($0.name)" }.sorted().joined(separator: " ")
            }
            return "image.steady.dev/\(image.name): running pods keep what they began with; to replace them: "
                + commands.joined(separator: "; ")
        }
    }

    private static func key(_ deployment: Value) -> ObjectKey {
        ObjectKey(.deployments, namespace: deployment.namespaceName, name: deployment.name)
    }
}
