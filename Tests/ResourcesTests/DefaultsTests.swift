import Formats
import Testing

@testable import Resources

@Suite struct DefaultsTests {
    func applied(_ value: Value, _ type: ResourceType) -> Value {
        var value = value
        Defaults.apply(&value, type)
        return value
    }

    @Test func `a deployment gets Kubernetes' defaults`() {
        let spec = applied(
            ["spec": ["template": ["spec": ["containers": [["name": "web", "image": "web:v1"]]]], "strategy": [:]]], .deployments)["spec"]
        #expect(spec["replicas"] == 1)
        #expect(spec["strategy"] == ["type": "RollingUpdate", "rollingUpdate": ["maxUnavailable": "25%", "maxSurge": "25%"]])
        #expect(spec["revisionHistoryLimit"] == 10)
        #expect(spec["progressDeadlineSeconds"] == 600)
        let pod = spec["template"]["spec"]
        #expect(pod["restartPolicy"] == "Always")
        #expect(pod["securityContext"] == [:])
        #expect(pod["serviceAccountName"] == nil)
        #expect(pod["containers"][0]["imagePullPolicy"] == "IfNotPresent")
    }

    @Test func `Recreate gets no rolling update`() {
        #expect(applied(["spec": ["strategy": ["type": "Recreate"]]], .deployments)["spec"]["strategy"] == ["type": "Recreate"])
    }

    @Test func `a limit of processes reserves nothing: no node has so many to give away`() {
        let spec: Value = ["containers": [["name": "a", "resources": ["limits": ["cpu": "1", "steady.dev/pids": "20"]]]]]
        var pod: Value = ["metadata": ["name": "p"], "spec": spec]
        Defaults.apply(&pod, .pods)
        #expect(pod["spec"]["containers"][0]["resources"]["requests"] == ["cpu": "1"])
        let asked = ResourceRequirements(["requests": ["cpu": "1", "steady.dev/pids": "20"]])
        #expect(asked.requests.keys.sorted() == ["cpu"])
    }

    @Test func `a pod requests what it limits, and a template does not`() {
        let spec: Value = ["containers": [["name": "a", "resources": ["limits": ["cpu": 0.5, "memory": "1024Mi"]]]]]
        let pod = applied(["spec": spec], .pods)
        #expect(pod["spec"]["containers"][0]["resources"]["requests"] == ["cpu": "500m", "memory": "1Gi"])
        #expect(pod["status"] == ["phase": "Pending", "qosClass": "Guaranteed"])
        let set = applied(["spec": ["template": ["spec": spec]]], .replicaSets)
        #expect(set["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"] == nil)
    }

    static let qualityServiceFollowsCases: [(Value, String)] = [
        ([:], "BestEffort"), (["requests": ["cpu": "1"]], "Burstable"), (["limits": ["cpu": "1", "memory": "1Gi"]], "Guaranteed"),
        (["limits": ["cpu": "1", "memory": "1Gi"], "requests": ["cpu": "500m"]], "Burstable"),
    ]
    @Test(arguments: qualityServiceFollowsCases) func `quality of service follows from requests and limits`(
        resources: Value, quality: String
    ) {
        let pod = applied(["spec": ["containers": [["name": "a", "resources": resources]]]], .pods)
        #expect(pod["status"]["qosClass"].string == quality)
    }

    @Test func `probes, ports, variables and volumes are completed`() {
        let pod = applied(
            [
                "spec": [
                    "containers": [
                        [
                            "name": "a", "image": "web", "ports": [["containerPort": 80]], "readinessProbe": ["httpGet": ["port": 80]],
                            "env": [["name": "N", "valueFrom": ["fieldRef": ["fieldPath": "metadata.name"]]]],
                        ]
                    ], "volumes": [["name": "v"], ["name": "c", "configMap": ["name": "x"]]],
                ]
            ], .pods)["spec"]
        let container = pod["containers"][0]
        #expect(container["ports"] == [["containerPort": 80, "protocol": "TCP"]])
        #expect(
            container["readinessProbe"] == [
                "httpGet": ["port": 80, "path": "/", "scheme": "HTTP"], "timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1,
                "failureThreshold": 3,
            ])
        #expect(container["env"][0]["valueFrom"]["fieldRef"]["apiVersion"] == "v1")
        #expect(container["imagePullPolicy"] == "Always")
        #expect(pod["volumes"] == [["name": "v", "emptyDir": [:]], ["name": "c", "configMap": ["name": "x", "defaultMode": 420]]])
    }

    @Test func `a service gets type, target ports and policies by its type`() {
        let plain = applied(["spec": ["ports": [["port": 80]]]], .services)["spec"]
        #expect(plain["type"] == "ClusterIP")
        #expect(plain["ports"] == [["port": 80, "protocol": "TCP", "targetPort": 80]])
        #expect(plain["externalTrafficPolicy"] == nil)
        let balanced = applied(["spec": ["type": "LoadBalancer", "clusterIP": "127.32.0.5", "sessionAffinity": "ClientIP"]], .services)[
            "spec"]
        #expect(balanced["externalTrafficPolicy"] == "Cluster")
        #expect(balanced["clusterIPs"] == ["127.32.0.5"])
        #expect(balanced["sessionAffinityConfig"]["clientIP"]["timeoutSeconds"] == 10800)
        let released: Value = ["sessionAffinity": "None", "sessionAffinityConfig": ["clientIP": ["timeoutSeconds": 10800]]]
        #expect(applied(["spec": released], .services)["spec"]["sessionAffinityConfig"] == nil)
    }

    @Test func `an update keeps the addresses and node ports that were given out`() {
        let stored: Value = [
            "spec": [
                "type": "NodePort", "clusterIP": "127.32.0.5", "clusterIPs": ["127.32.0.5"],
                "ports": [["port": 80, "protocol": "TCP", "nodePort": 30080]],
            ]
        ]
        var same: Value = ["spec": ["type": "NodePort", "ports": [["port": 80], ["port": 81]]]]
        ServiceDefaults.carryOver(from: stored, into: &same)
        #expect(same["spec"]["clusterIP"] == "127.32.0.5")
        #expect(same["spec"]["ports"] == [["port": 80, "nodePort": 30080], ["port": 81]])
        var inner: Value = ["spec": ["type": "ClusterIP", "ports": [["port": 80, "nodePort": 30080]]]]
        ServiceDefaults.carryOver(from: stored, into: &inner)
        #expect(inner["spec"]["ports"] == [["port": 80]])
    }

    @Test func `a secret's plain texts become data and are not kept`() {
        let secret = applied(["data": ["a": "eA=="], "stringData": ["a": "hi", "b": ""]], .secrets)
        #expect(secret == ["data": ["a": "aGk=", "b": ""], "type": "Opaque"])
    }

    @Test func `a namespace is active, finalized and labelled with its name`() {
        let namespace = applied(["metadata": ["name": "shop"]], .namespaces)
        #expect(namespace["spec"]["finalizers"] == ["kubernetes"])
        #expect(namespace["status"]["phase"] == "Active")
        #expect(namespace["metadata"]["labels"]["kubernetes.io/metadata.name"] == "shop")
    }

    @Test(arguments: ResourceType.all) func `a second application changes nothing`(type: ResourceType) {
        let once = applied(
            [
                "metadata": ["name": "x"],
                "spec": [
                    "containers": [["name": "a", "resources": ["limits": ["cpu": "0.5"]]]], "ports": [["port": 1]], "type": "LoadBalancer",
                    "template": ["spec": ["containers": [["name": "a"]]]],
                ],
            ], type)
        #expect(applied(once, type) == once)
    }
}
