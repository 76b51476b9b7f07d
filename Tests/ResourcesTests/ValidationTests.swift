import Formats
import Testing

@testable import Resources

@Suite struct ValidationTests {
    static let container: Value = ["name": "web", "image": "web:v1"]
    static func deployment(_ spec: Value = [:], pod: Value = [:], container: Value = [:]) -> Value {
        var containerValue = Self.container
        for (key, value) in container.object ?? Object() { containerValue[key] = value }
        var podValue: Value = ["containers": [containerValue]]
        for (key, value) in pod.object ?? Object() { podValue[key] = value }
        var specValue: Value = [
            "selector": ["matchLabels": ["app": "web"]], "template": ["metadata": ["labels": ["app": "web"]], "spec": podValue],
        ]
        for (key, value) in spec.object ?? Object() { specValue[key] = value }
        var out: Value = ["apiVersion": "apps/v1", "kind": "Deployment", "metadata": ["name": "web"], "spec": specValue]
        Defaults.apply(&out, .deployments)
        return out
    }

    func problems(_ value: Value, _ type: ResourceType, old: Value? = nil) -> [String] {
        Validation.check(value, type, old: old).map { "\($0.field): \($0.message)" }
    }

    @Test func `a plain deployment, service and pod are good`() {
        #expect(problems(Self.deployment(), .deployments) == [])
        #expect(problems(Self.deployment(), .deployments, old: Self.deployment()) == [])
        var service: Value = [
            "metadata": ["name": "web"], "spec": ["ports": [["port": 80, "targetPort": "http"]], "selector": ["app": "web"]],
        ]
        Defaults.apply(&service, .services)
        #expect(problems(service, .services) == [])
    }

    static let deploymentFaultsSaidCases: [(Value, String)] = [
        (["replicas": -1], "spec.replicas: Invalid value: -1: must be greater than or equal to 0"),
        (["selector": [:]], "spec.selector: Invalid value: {}: empty selector is invalid for deployment"),
        (["selector": nil], "spec.selector: Required value"),
        (
            ["selector": ["matchLabels": ["app": "api"]]],
            #"spec.template.metadata.labels: Invalid value: {"app":"web"}: `selector` does not match template `labels`"#
        ),
        (
            ["strategy": ["type": "Rolling"]],
            #"spec.strategy.type: Unsupported value: "Rolling": supported values: "RollingUpdate", "Recreate""#
        ),
        (
            ["strategy": ["type": "Recreate", "rollingUpdate": [:]]],
            "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'"
        ),
        (
            ["strategy": ["rollingUpdate": ["maxSurge": 0, "maxUnavailable": "0%"]]],
            #"spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "0%": may not be 0 when `maxSurge` is 0"#
        ),
        (
            ["strategy": ["rollingUpdate": ["maxUnavailable": "101%"]]],
            #"spec.strategy.rollingUpdate.maxUnavailable: Invalid value: "101%": must not be greater than 100%"#
        ),
        (
            ["progressDeadlineSeconds": 5, "minReadySeconds": 5],
            "spec.progressDeadlineSeconds: Invalid value: 5: must be greater than minReadySeconds"
        ),
    ]
    @Test(arguments: deploymentFaultsSaidCases) func `a deployment's faults are said as Kubernetes says them`(spec: Value, problem: String)
    {
        #expect(problems(Self.deployment(spec), .deployments) == [problem])
    }

    static let inPod = "spec.template.spec."
    static let podFaultsSaidCases: [(Value, String)] = [
        (["restartPolicy": "Never"], #"restartPolicy: Unsupported value: "Never": supported values: "Always""#),
        (["containers": []], "containers: Required value"),
        (["containers": [["name": "a", "image": "x"], ["name": "a", "image": "x"]]], #"containers[1].name: Duplicate value: "a""#),
        (["containers": [["name": "a"]]], "containers[0].image: Required value"),
        (
            ["volumes": [["name": "v", "emptyDir": [:], "hostPath": ["path": "/"]]]],
            "volumes[0].hostPath: Forbidden: may not specify more than 1 volume type"
        ),
        (["volumes": [["name": "v", "hostPath": [:]]]], "volumes[0].hostPath.path: Required value"),
        (
            ["volumes": [["name": "v", "configMap": ["name": "c", "defaultMode": 512]]]],
            "volumes[0].configMap.defaultMode: Invalid value: 512: must be a number between 0 and 0777 (octal), both inclusive"
        ),
        (["terminationGracePeriodSeconds": -1], "terminationGracePeriodSeconds: Invalid value: -1: must be greater than or equal to 0"),
        (
            ["tolerations": [["value": "x"]]],
            #"tolerations[0].operator: Invalid value: "": operator must be Exists when `key` is empty, which means "match all values and all keys""#
        ),
        (
            ["topologySpreadConstraints": [["maxSkew": 0, "topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule"]]],
            "topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero"
        ),
        (
            ["initContainers": [["name": "i", "image": "x", "livenessProbe": ["exec": ["command": ["a"]]]]]],
            "initContainers[0].livenessProbe: Forbidden: may not be set for init containers without restartPolicy=Always"
        ),
    ]
    @Test(arguments: podFaultsSaidCases) func `a pod's faults are said as Kubernetes says them`(pod: Value, problem: String) {
        #expect(problems(Self.deployment(pod: pod), .deployments) == [Self.inPod + problem])
    }

    static let containerFaultsSaidCases: [(Value, String)] = [
        (["ports": [["containerPort": 70000]]], "ports[0].containerPort: Invalid value: 70000: must be between 1 and 65535, inclusive"),
        (
            ["ports": [["name": "Http", "containerPort": 80]]],
            #"ports[0].name: Invalid value: "Http": must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)"#
        ),
        (
            ["env": [["name": "A=B"]]],
            #"env[0].name: Invalid value: "A=B": a valid environment variable name must consist only of printable ASCII characters other than '='"#
        ),
        (["env": [["value": "x"]]], "env[0].name: Required value"),
        (
            ["env": [["name": "A", "value": "x", "valueFrom": ["fieldRef": ["fieldPath": "metadata.name"]]]]],
            #"env[0].valueFrom: Invalid value: "": may not be specified when `value` is not empty"#
        ),
        (
            ["env": [["name": "A", "valueFrom": ["fieldRef": ["fieldPath": "status.podIp"]]]]],
            #"env[0].valueFrom.fieldRef.fieldPath: Invalid value: "status.podIp": error converting fieldPath: field label not supported: status.podIp, did you mean "status.podIP"?"#
        ),
        (["volumeMounts": [["name": "v", "mountPath": "/x"]]], #"volumeMounts[0].name: Not found: "v""#),
        (["livenessProbe": [:]], "livenessProbe: Required value: must specify a handler type"),
        (
            ["livenessProbe": ["httpGet": ["port": 0]]],
            "livenessProbe.httpGet.port: Invalid value: 0: must be between 1 and 65535, inclusive"
        ),
        (
            ["livenessProbe": ["exec": ["command": ["x"]], "successThreshold": 2]],
            "livenessProbe.successThreshold: Invalid value: 2: must be 1"
        ),
        (
            ["readinessProbe": ["exec": ["command": ["x"]], "tcpSocket": ["port": 1]]],
            "readinessProbe.tcpSocket: Forbidden: may not specify more than 1 handler type"
        ),
        (
            ["resources": ["limits": ["cpu": "1"], "requests": ["cpu": "2"]]],
            #"resources.requests.cpu: Invalid value: "2": must be less than or equal to cpu limit of 1"#
        ),
        (
            ["imagePullPolicy": "Alway"],
            #"imagePullPolicy: Unsupported value: "Alway": supported values: "Always", "IfNotPresent", "Never" (did you mean "Always"?)"#
        ),
        (["lifecycle": ["preStop": [:]]], "lifecycle.preStop: Required value: must specify a handler type"),
    ]
    @Test(arguments: containerFaultsSaidCases) func `a container's faults are said as Kubernetes says them`(
        container: Value, problem: String
    ) {
        #expect(problems(Self.deployment(container: container), .deployments) == [Self.inPod + "containers[0]." + problem])
    }

    static let serviceFaultsSaidCases: [(Value, String)] = [
        (["ports": []], "spec.ports: Required value"),
        (["ports": [["port": 0]]], "spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive"),
        (
            ["ports": [["port": 80, "name": "a"], ["port": 80, "name": "b"]]],
            #"spec.ports[1]: Duplicate value: {"port":80,"protocol":"TCP"}"#
        ),
        (["ports": [["port": 80, "nodePort": 30080]]], "spec.ports[0].nodePort: Forbidden: may not be used when `type` is 'ClusterIP'"),
        (
            ["ports": [["port": 80]], "type": "Nodeport"],
            #"spec.type: Unsupported value: "Nodeport": supported values: "ClusterIP", "NodePort", "LoadBalancer", "ExternalName" (did you mean "NodePort"?)"#
        ),
        (["type": "ExternalName"], "spec.externalName: Required value"),
    ]
    @Test(arguments: serviceFaultsSaidCases) func `a service's faults are said as Kubernetes says them`(spec: Value, problem: String) {
        var service: Value = ["metadata": ["name": "web"], "spec": spec]
        Defaults.apply(&service, .services)
        #expect(problems(service, .services).filter { !$0.contains("targetPort") } == [problem])
    }

    static let familyCases: [(Value, [String])] = [
        (["ipFamilies": ["IPv4"]], []), (["ipFamilyPolicy": "PreferDualStack"], []),
        (["ipFamilies": ["IPv6"]], [#"spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster"#]),
        (["ipFamilies": ["IPv6"], "clusterIP": "None"], []),
        (
            ["ipFamilyPolicy": "RequireDualStack"],
            [#"spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services"#]
        ),
    ]
    @Test(arguments: familyCases) func `a service has addresses of IPv4 only`(fields: Value, found: [String]) {
        var service: Value = ["metadata": ["name": "web"], "spec": ["ports": [["port": 80]]]]
        for (key, value) in fields.object ?? Object() { service["spec"][key] = value }
        Defaults.apply(&service, .services)
        #expect(problems(service, .services) == found)
    }

    @Test func `a hook may sleep as long as the pod may take to end`() {
        func found(_ seconds: Int64, grace: Int64) -> [String] {
            problems(
                Self.deployment(
                    pod: ["terminationGracePeriodSeconds": .int(grace)],
                    container: ["lifecycle": ["preStop": ["sleep": ["seconds": .int(seconds)]]]]), .deployments)
        }
        #expect(found(5, grace: 5) == [])
        for seconds: Int64 in [6, -1] {
            #expect(
                found(seconds, grace: 5) == [
                    "spec.template.spec.containers[0].lifecycle.preStop.sleep: Invalid value: \(seconds): must be non-negative and less than terminationGracePeriodSeconds (5)"
                ])
        }
    }

    static let namesLabelsFollowCases: [(Value, String?)] = [
        (["name": ""], "metadata.name: Required value: name or generateName is required"),
        (["name": "Web"], "metadata.name: Invalid value: \"Web\": \(Names.subdomainText)"), (["generateName": "web-"], nil),
        (["name": "web", "labels": ["a b": "x"]], "metadata.labels: Invalid value: \"a b\": \(Names.qualifiedText)"),
        (["name": "web", "labels": ["a": "-"]], "metadata.labels: Invalid value: \"-\": \(Names.labelValueText)"),
    ]
    @Test(arguments: namesLabelsFollowCases) func `names and labels follow Kubernetes' rules`(metadata: Value, problem: String?) {
        #expect(problems(["metadata": metadata], .configMaps) == (problem.map { [$0] } ?? []))
    }

    @Test func `names that become DNS labels are held to it`() {
        #expect(
            problems(["metadata": ["name": "1web"], "spec": ["clusterIP": "None"]], .services).first?.hasPrefix("metadata.name") == true)
        #expect(problems(["metadata": ["name": "a.b"]], .namespaces).count == 1)
        #expect(problems(["metadata": ["name": "a.b"]], .configMaps) == [])
        #expect(
            problems(["metadata": ["name": "a", "namespace": "b"]], .nodes) == ["metadata.namespace: Forbidden: not allowed on this type"])
    }

    @Test func `what may not change is refused at an update`() {
        let other = Self.deployment([
            "selector": ["matchLabels": ["app": "web", "v": "1"]],
            "template": ["metadata": ["labels": ["app": "web", "v": "1"]], "spec": ["containers": [Self.container]]],
        ])
        #expect(problems(other, .deployments, old: Self.deployment()).map { $0.suffix(18) } == ["field is immutable"])
        let map: Value = ["metadata": ["name": "a"], "data": ["a": "1"], "immutable": true]
        var changed = map
        changed["data"] = ["a": "2"]
        #expect(problems(changed, .configMaps, old: map) == ["data: Forbidden: field is immutable when `immutable` is set"])
        let service: Value = ["metadata": ["name": "a"], "spec": ["type": "ClusterIP", "clusterIP": "127.32.0.1", "ports": [["port": 1]]]]
        var moved = service
        moved["spec"]["clusterIP"] = "127.32.0.2"
        #expect(problems(moved, .services, old: service) == [#"spec.clusterIP: Invalid value: "127.32.0.2": field is immutable"#])
    }

    @Test func `a pod's image, tolerations and first placement may change, all else not`() {
        var pod: Value = ["metadata": ["name": "p"], "spec": ["containers": [Self.container]]]
        Defaults.apply(&pod, .pods)
        var image = pod
        image["spec"]["containers"] = [["name": "web", "image": "web:v2"]]
        Defaults.apply(&image, .pods)
        #expect(problems(image, .pods, old: pod) == [])
        var placed = pod
        placed["spec"]["nodeName"] = "a1"
        #expect(problems(placed, .pods, old: pod) == [])
        var moved = placed
        moved["spec"]["nodeName"] = "b1"
        #expect(problems(moved, .pods, old: placed) == [#"spec.nodeName: Invalid value: "b1": field is immutable"#])
        var other = pod
        other["spec"]["hostNetwork"] = true
        #expect(problems(other, .pods, old: pod).count == 1)
    }

    static let imageNamesProgramCases: [(Value, String?)] = [
        (["reference": "web", "command": ["/bin/web"]], nil), (["reference": "web", "command": ["python3", "-m", "http.server"]], nil),
        (["reference": "web"], "spec.command: Required value: the program to start, by its absolute path"),
        (["command": ["/bin/web"]], "spec.reference: Required value"),
        (
            ["reference": "web", "command": ["./web"]],
            #"spec.command[0]: Invalid value: "./web": must be an absolute path (steady apply makes a relative one absolute, from the manifest's folder)"#
        ),
        (
            ["reference": "web", "command": ["/bin/web"], "workingDir": "x"],
            #"spec.workingDir: Invalid value: "x": must be an absolute path (steady apply makes a relative one absolute, from the manifest's folder)"#
        ),
    ]
    @Test(arguments: imageNamesProgramCases) func `an image names its program by an absolute path`(spec: Value, problem: String?) {
        #expect(problems(["metadata": ["name": "web"], "spec": spec], .images) == (problem.map { [$0] } ?? []))
    }

    @Test func `the refusal reads as kubectl prints it`() {
        let causes = Validation.check(Self.deployment(["replicas": -1]), .deployments)
        #expect(causes.map(\.reason) == ["FieldValueInvalid"])
        #expect(
            StatusError.invalid(.deployments, name: "web", causes).message
                == #"Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0"#)
    }
}
