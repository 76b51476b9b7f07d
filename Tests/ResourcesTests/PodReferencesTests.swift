import Formats
import Resources
import Testing

/// What a pod is made from.
struct `A pod's references` {
    /// Each row: a container or volume, and what it names.
    @Test(
        arguments: [
            ("containers", ["env": [["name": "A", "valueFrom": ["configMapKeyRef": ["name": "a", "key": "k"]]]]], ["configmaps/a"]),
            (
                "containers", ["env": [["name": "A", "valueFrom": ["secretKeyRef": ["name": "a", "key": "k", "optional": true]]]]],
                ["secrets/a"]
            ),
            (
                "initContainers", ["envFrom": [["configMapRef": ["name": "a"]], ["secretRef": ["name": "b"]]]],
                ["configmaps/a", "secrets/b"]
            ),
            ("containers", ["env": [["name": "A", "valueFrom": ["fieldRef": ["fieldPath": "metadata.name"]]]]], []),
            ("volumes", ["name": "v", "configMap": ["name": "a"]], ["configmaps/a"]),
            ("volumes", ["name": "v", "secret": ["secretName": "a", "optional": true]], ["secrets/a"]),
            (
                "volumes",
                [
                    "name": "v",
                    "projected": ["sources": [["secret": ["name": "s"]], ["configMap": ["name": "a"]], ["downwardAPI": ["items": []]]]],
                ],
                ["configmaps/a", "secrets/s"]
            ),
            ("volumes", ["name": "v", "emptyDir": [:]], []),
            ("imagePullSecrets", ["name": "a"], []),
        ] as [(String, Value, [String])])
    func `are the ConfigMaps and Secrets of its environment and volumes`(row: (String, Value, [String])) {
        var object: Value = ["metadata": ["name": "p", "namespace": "n"]]
        object["spec"][row.0] = .array([row.1])
        let pod = Pod(object)
        #expect(pod.references.map { "\($0.type.plural)/\($0.name)" } == row.2 && pod.references.allSatisfy { $0.namespace == "n" })
    }
}
