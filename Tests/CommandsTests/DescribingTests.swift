import Formats
import Testing
import Timing

@testable import Commands

/// Against what kubectl 1.37 prints of the same objects.
struct DescribingTests {
    private static let container: Value = [
        "name": "c", "image": "web:v1",
        "env": [
            ["name": "PLAIN", "value": "x"], ["name": "CPU", "valueFrom": ["resourceFieldRef": ["resource": "limits.cpu"]]],
            ["name": "MILLI", "valueFrom": ["resourceFieldRef": ["resource": "limits.cpu", "divisor": "1m"]]],
            ["name": "MEM", "valueFrom": ["resourceFieldRef": ["resource": "requests.memory", "divisor": "1Mi"]]],
            ["name": "NODE", "valueFrom": ["fieldRef": ["fieldPath": "spec.nodeName"]]],
            ["name": "ME", "valueFrom": ["fieldRef": ["fieldPath": "metadata.name"]]],
            ["name": "TIER", "valueFrom": ["fieldRef": ["fieldPath": "metadata.labels['tier']"]]],
        ],
        "envFrom": [["prefix": "P_", "configMapRef": ["name": "one"]], ["secretRef": ["name": "s", "optional": true]]],
        "resources": ["limits": ["cpu": "250m"], "requests": ["memory": "33000Ki"]],
    ]
    private static let pod: Value = ["metadata": ["name": "d", "labels": ["tier": "front"]]]

    @Test func `a variable shows its value, or where it comes from`() {
        var out = Description()
        out.environment(Self.container, pod: Self.pod)
        #expect(
            out.text == """
                    Environment Variables from:
                      one  ConfigMap with prefix 'P_'  Optional: false
                      s    Secret                      Optional: true
                    Environment:
                      PLAIN:  x
                      CPU:    1 (limits.cpu)
                      MILLI:  250 (limits.cpu)
                      MEM:    33 (requests.memory)
                      NODE:    (v1:spec.nodeName)
                      ME:     d (v1:metadata.name)
                      TIER:   front (v1:metadata.labels['tier'])

                """)
        var template = Description()
        template.environment(Self.container, pod: nil)
        #expect(template.text.contains("ME:      (v1:metadata.name)"))
    }

    @Test func `volumes show what is put together in them`() {
        var out = Description()
        out.volumes(
            [
                "volumes": [
                    [
                        "name": "down",
                        "downwardAPI": [
                            "items": [
                                ["path": "labels", "fieldRef": ["fieldPath": "metadata.labels"]],
                                ["path": "cpu", "resourceFieldRef": ["resource": "limits.cpu"]],
                            ]
                        ],
                    ],
                    [
                        "name": "all",
                        "projected": [
                            "sources": [
                                ["configMap": ["name": "one"]], ["secret": ["name": "s", "optional": true]], ["downwardAPI": ["items": []]],
                            ]
                        ],
                    ],
                ]
            ], indent: "")
        #expect(
            out.text == """
                Volumes:
                  down:
                    Type:  DownwardAPI (a volume populated by information about the pod)
                    Items:
                      metadata.labels -> labels
                      limits.cpu -> cpu
                  all:
                    Type:           Projected (a volume that contains injected data from multiple sources)
                    ConfigMapName:  one
                    Optional:       false
                    SecretName:     s
                    Optional:       true
                    DownwardAPI:    true

                """)
    }

    @Test func `mounts stand in the order of their paths`() {
        var pod = Self.pod
        pod["spec"]["containers"] = [
            ["name": "c", "volumeMounts": [["name": "x", "mountPath": "/z"], ["name": "y", "mountPath": "/a", "readOnly": true]]]
        ]
        var out = Description()
        out.pod(pod)
        #expect(out.text.contains("    Mounts:\n      /a from y (ro)\n      /z from x (rw)\n"))
    }

    @Test(arguments: [(1, "rateLimit", false), (2, "timeout", false), (2, "rateLimit", true), (3, "circuitBreaker", true)])
    func `of a policy that counts it says that each of several proxies does so by itself`(count: Int, part: String, isSaid: Bool) {
        var out = Description()
        out.trafficPolicy(["metadata": ["name": "web"], "spec": .object([part: ["x": 1]])], proxyCount: count)
        #expect(out.text.contains("\(count): each counts by itself") == isSaid, "\(out.text)")
    }

    @Test func `an endpoint slice has a paragraph for each endpoint`() {
        var out = Description()
        out.endpointSlice([
            "metadata": ["name": "web-x", "namespace": "default", "labels": ["a": "b"]], "addressType": "IPv4",
            "ports": [["name": "http", "port": 8080, "protocol": "TCP"]],
            "endpoints": [
                [
                    "addresses": ["127.72.0.3"], "conditions": ["ready": true], "targetRef": ["kind": "Pod", "name": "web-1"],
                    "nodeName": "a1",
                    "zone": "a",
                ], ["addresses": ["127.72.0.4"], "conditions": [:]],
            ],
        ])
        out.field("Events", "<none>")
        #expect(
            out.text == """
                Name:         web-x
                Namespace:    default
                Labels:       a=b
                Annotations:  <none>
                AddressType:  IPv4
                Ports:
                  Name  Port  Protocol
                  ----  ----  --------
                  http  8080  TCP
                Endpoints:
                  - Addresses:  127.72.0.3
                    Conditions:
                      Ready:    true
                    Hostname:   <unset>
                    TargetRef:  Pod/web-1
                    NodeName:   a1
                    Zone:       a
                  - Addresses:  127.72.0.4
                    Conditions:
                      Ready:   <unset>
                    Hostname:  <unset>
                    NodeName:  <unset>
                    Zone:      <unset>
                Events:        <none>

                """)
    }

    @Test func `a node shows what its pods reserve, of what it has`() {
        func pod(_ name: String, _ resources: Value, phase: String = "Running") -> Value {
            [
                "metadata": ["name": .string(name), "namespace": "default"],
                "spec": ["containers": [["name": "c", "resources": resources]]],
                "status": ["phase": .string(phase)],
            ]
        }
        var out = Description()
        out.node(
            ["metadata": ["name": "a1"], "status": ["allocatable": ["cpu": "2", "memory": "1Gi"]]], .null,
            [
                pod("one", ["requests": ["cpu": "250m", "memory": "64Mi"], "limits": ["cpu": "1"]]),
                pod("two", ["requests": ["cpu": "500m"]]), pod("over", ["requests": ["cpu": "2"]], phase: "Succeeded"),
            ], now: Timestamp(nanosecondsSince1970: 0))
        #expect(
            out.text.contains(
                """
                Non-terminated Pods:          (2 in total)
                  Namespace                   Name    CPU Requests  CPU Limits  Memory Requests  Memory Limits  Age
                  ---------                   ----    ------------  ----------  ---------------  -------------  ---
                  default                     one     250m (12%)    1 (50%)     64Mi (6%)        0 (0%)         <unknown>
                  default                     two     500m (25%)    0 (0%)      0 (0%)           0 (0%)         <unknown>
                Allocated resources:
                  (Total limits may be over 100 percent, i.e., overcommitted.)
                  Resource           Requests    Limits
                  --------           --------    ------
                  cpu                750m (37%)  1 (50%)
                  memory             64Mi (6%)   0 (0%)
                  ephemeral-storage  0 (0%)      0 (0%)

                """))
    }

    @Test func `what has no form of its own is shown whole, in words`() {
        var out = Description()
        out.whole([
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": ["name": "a1", "namespace": "kube-node-lease", "uid": "u", "resourceVersion": "5"],
            "spec": ["leaseTransitions": 0, "command": ["/bin/web", "-v"], "env": [["name": "A", "value": "b"]]],
        ])
        out.field("Events", "<none>")
        #expect(
            out.text == """
                Name:         a1
                Namespace:    kube-node-lease
                Labels:       <none>
                Annotations:  <none>
                API Version:  coordination.k8s.io/v1
                Kind:         Lease
                Metadata:
                  Resource Version:  5
                  UID:               u
                Spec:
                  Command:
                    /bin/web
                    -v
                  Env:
                    Name:             A
                    Value:            b
                  Lease Transitions:  0
                Events:               <none>

                """)
    }

    @Test(arguments: [
        ("creationTimestamp", "Creation Timestamp"), ("uid", "UID"), ("podCIDR", "Pod CIDR"), ("apiVersion", "API Version"),
        ("a.b", "a.b"), ("PDFLoader", "PDF Loader"), ("steady-up", "Steady-up"),
    ])
    func `a field's name becomes words`(name: String, words: String) { #expect(Description.words(name) == words) }
}
