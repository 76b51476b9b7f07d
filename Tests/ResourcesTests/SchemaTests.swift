import Formats
import Testing

@testable import Resources

@Suite struct SchemaTests {
    static let deployment: Value = [
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web", "labels": ["app": "web"], "creationTimestamp": nil],
        "spec": [
            "replicas": 3, "selector": ["matchLabels": ["app": "web"]], "strategy": [:],
            "template": [
                "metadata": ["labels": ["app": "web"], "creationTimestamp": nil],
                "spec": ["containers": [["name": "web", "image": "web", "ports": [["containerPort": 8080]], "resources": [:]]]],
            ],
        ], "status": [:],
    ]

    @Test func `a manifest as kubectl writes it fits`() { #expect(Schema.check(Self.deployment, .deployments).isEmpty) }

    static let doesFitSaidCases: [(String, Value, String)] = [
        ("replicas", "three", #"spec.replicas: found string "three", allowed integer"#),
        ("replicas", 3.5, "spec.replicas: found number 3.5, allowed integer"),
        ("replicas", 3_000_000_000, "spec.replicas: found integer 3000000000, allowed integer from -2147483648 to 2147483647"),
        ("paused", "yes", #"spec.paused: found string "yes", allowed boolean (true or false)"#),
        ("replcas", 3, #"unknown field "spec.replcas", did you mean "replicas"?"#),
        ("frobnicate", [:], #"unknown field "spec.frobnicate""#),
        ("selector", "app=web", #"spec.selector: found string "app=web", allowed object"#),
        ("template", ["spec": ["containers": ["name": "a"]]], "spec.template.spec.containers: found object, allowed list"),
        ("template", ["spec": ["containers": [nil]]], "spec.template.spec.containers[0]: found null, allowed object"),
        (
            "template", ["spec": ["containers": [["imgae": "a"]]]],
            #"unknown field "spec.template.spec.containers[0].imgae", did you mean "image"?"#
        ),
        (
            "template", ["spec": ["containers": [["env": [["name": "A", "value": true]]]]]],
            #"spec.template.spec.containers[0].env[0].value: found boolean true, allowed string: quote it (yes, no, on, off, y and n are booleans too)"#
        ),
        (
            "template", ["metadata": ["labels": ["app.io/v": 1.1]]],
            "spec.template.metadata.labels[app.io/v]: found number 1.1, allowed string: quote it"
        ),
        (
            "template", ["spec": ["containers": [["resources": ["requests": ["memory": "64Mib"]]]]]],
            #"spec.template.spec.containers[0].resources.requests.memory: found string "64Mib", allowed a quantity like 250m, 2 or 64Mi"#
        ),
    ]
    @Test(arguments: doesFitSaidCases) func `what does not fit is said with its place`(field: String, value: Value, message: String) {
        var manifest = Self.deployment
        manifest["spec"][field] = value
        #expect(Schema.check(manifest, .deployments).map(\.description) == [message])
    }

    @Test func `bytes must be base64`() {
        #expect(Schema.check(["data": ["a": "aGk="]], .secrets).isEmpty)
        #expect(Schema.check(["data": ["a": "hi!"]], .secrets).map(\.fieldPath) == ["data.a"])
    }

    @Test(
        arguments: [
            (
                ["data": ["pw": "hunter2-TOP"]],
                "data.pw: found a string of 11 characters (not shown: it may be secret), allowed base64 text"
            ),
            (["data": ["pw": 4711]], "data.pw: found a number, allowed base64 text"),
            (["stringData": ["pw": 47.11]], "stringData.pw: found a number, allowed string: quote it"),
            (["stringData": ["pw": true]], "stringData.pw: found a boolean, allowed string: quote it"),
            (["stringData": "hunter2"], "stringData: found a string of 7 characters (not shown: it may be secret), allowed object"),
        ] as [(Value, String)])
    func `what does not fit in a Secret is said without its value`(secret: Value, message: String) {
        let problems = Schema.check(secret, .secrets).map(\.description)
        #expect(problems.count == 1 && problems[0].hasPrefix(message), "\(problems)")
    }

    @Test func `fields without effect are listed once and not where they say what happens anyway`() {
        let pod: Value = [
            "spec": [
                "dnsPolicy": "ClusterFirst", "hostPID": true,
                "containers": [
                    ["stdin": true, "tty": false, "resources": ["limits": ["cpu": 1]], "ports": [["containerPort": 80, "hostPort": 0]]],
                    ["stdin": true, "resources": ["limits": [:]]],
                ],
            ]
        ]
        #expect(
            Schema.fieldsWithoutEffect(pod, .pods) == ["spec.containers[*].stdin", "spec.hostPID"])
    }

    static let listsMergeKubernetesCases: [([String], ListStrategy)] = [
        (["metadata", "ownerReferences"], .mergeByKey("uid")), (["metadata", "finalizers"], .mergeSet),
        (["spec", "template", "spec", "containers"], .mergeByKey("name")),
        (["spec", "template", "spec", "containers", "ports"], .mergeByKey("containerPort")),
        (["spec", "template", "spec", "initContainers", "env"], .mergeByKey("name")),
        (["spec", "template", "spec", "containers", "volumeMounts"], .mergeByKey("mountPath")),
        (["spec", "template", "spec", "tolerations"], .atomic), (["spec", "template", "spec", "containers", "command"], .atomic),
        (["spec", "template", "spec", "topologySpreadConstraints"], .mergeByKey("topologyKey")),
        (["status", "conditions"], .mergeByKey("type")), (["spec", "nothing"], .atomic), (["metadata", "labels", "x"], .atomic),
    ]
    @Test(arguments: listsMergeKubernetesCases) func `lists merge by Kubernetes' keys`(path: [String], strategy: ListStrategy) {
        #expect(Schema.mergeKeys(.deployments).list(path) == strategy)
    }

    @Test func `volumes and the strategy keep only the members a manifest names`() {
        let keys = Schema.mergeKeys(.deployments)
        #expect(keys.map(["spec", "strategy"]) == .retainKeys)
        #expect(keys.map(["spec", "template", "spec", "volumes"]) == .retainKeys)
        #expect(keys.map(["spec", "template", "spec", "containers"]) == .merge)
        #expect(Schema.mergeKeys(.services).list(["spec", "ports"]) == .mergeByKey("port"))
        #expect(Schema.mergeKeys(.nodes).list(["spec", "taints"]) == .atomic)
    }

    @Test func `what the API does not store is dropped, and only that`() {
        var pod: Value = [
            "metadata": ["name": "a", "creationTimestamp": nil, "labels": [:]],
            "spec": [
                "containers": [["name": "c", "args": [], "resources": [:], "bogus": 1, "env": [["name": "A", "value": nil]]]],
                "volumes": [["emptyDir": [:]]],
            ],
        ]
        Schema.prune(&pod, .pods)
        #expect(
            pod == [
                "metadata": ["name": "a"],
                "spec": ["containers": [["name": "c", "resources": [:], "env": [["name": "A"]]]], "volumes": [["emptyDir": [:]]]],
            ])
        var map: Value = ["data": ["a": nil, "b": "x"]]
        Schema.prune(&map, .configMaps)
        #expect(map == ["data": ["a": "", "b": "x"]])
    }

    @Test(arguments: ResourceType.all) func `every kind has a schema that knows metadata`(type: ResourceType) {
        #expect(Schema.check(["apiVersion": "v", "kind": "k", "metadata": ["name": "x"]], type).isEmpty)
        #expect(
            Schema.check(["metadata": ["nmae": "x"]], type).map(\.description) == [#"unknown field "metadata.nmae", did you mean "name"?"#])
    }
}
