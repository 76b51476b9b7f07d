import Formats
import Resources
import Testing
import Timing
import Traffic

func service(_ name: String, _ spec: Value) -> Value {
    ["metadata": ["namespace": "default", "name": .string(name)], "spec": spec]
}

func slice(_ name: String, of service: String, ports: Value, _ endpoints: [(String, Value)]) -> Value {
    [
        "metadata": ["namespace": "default", "name": .string(name), "labels": ["kubernetes.io/service-name": .string(service)]],
        "addressType": "IPv4", "ports": ports,
        "endpoints": .array(endpoints.map { ["addresses": [.string($0.0)], "conditions": $0.1] }),
    ]
}

@Suite struct RouteTableTests {
    @Test func `a cluster IP, a node port and a load balancer port lead to the same backend`() {
        let table = RouteSource(
            services: [
                service(
                    "web",
                    [
                        "type": "LoadBalancer", "clusterIP": "127.32.0.5",
                        "ports": [["name": "http", "port": 80, "targetPort": "web", "nodePort": 30080, "protocol": "TCP"]],
                    ])
            ],
            slices: [
                slice("web-1", of: "web", ports: [["name": "http", "port": 8080, "protocol": "TCP"]], [("127.64.0.2", ["ready": true])])
            ]
        ).table()
        #expect(table.routes.map(\.entrance.description) == ["exposed:80", "exposed:30080", "127.32.0.5:80"])
        #expect(Set(table.routes.map(\.backend.description)) == ["default/web:80"])
        #expect(table.backends.map(\.endpoints) == [[.init(EndpointAddress("127.64.0.2", port: 8080)!, .ready)]])
        #expect(table.loadBalanced == [.init("default", "web")])
    }

    @Test func `an endpoint says its zone, its node and its pod, and the router knows`() {
        var slice = slice("web-1", of: "web", ports: [["name": "http", "port": 8080]], [])
        slice["endpoints"] = [
            [
                "addresses": ["127.64.0.2"], "nodeName": "node-a", "zone": "a", "targetRef": ["kind": "Pod", "name": "web-1"],
            ], ["addresses": ["127.64.0.3"], "targetRef": ["kind": "Machine", "name": "web-2"]],
        ]
        let spec: Value = ["clusterIP": "127.32.0.1", "ports": [["name": "http", "port": 80]]]
        var table = RouteSource(services: [service("web", spec)], slices: [slice]).table()
        #expect(table.backends[0].endpoints.map { [$0.zone, $0.node, $0.pod] } == [["a", "node-a", "web-1"], ["", "", ""]])
        var router = Router()
        _ = router.swap(table)
        let first = EndpointID(index: 0)
        #expect(router.listing(of: first) == table.backends[0].endpoints[0])
        table.backends[0].endpoints[0].zone = "b"
        _ = router.swap(table)
        #expect(router.zone(of: first) == "b", "a node can be moved to another zone")
    }

    @Test func `an endpoint says who may listen at it, and the router knows`() {
        let address = EndpointAddress("127.64.0.2", port: 8080)!
        var slice = slice("web-1", of: "web", ports: [["name": "http", "port": 8080]], [("127.64.0.2", ["ready": true])])
        slice["endpoints"] = [
            ["addresses": ["127.64.0.2"], "deprecatedTopology": ["steady.dev/listener-users": "33,0"]]
        ]
        let spec: Value = ["clusterIP": "127.32.0.1", "ports": [["name": "http", "port": 80]]]
        let table = RouteSource(services: [service("web", spec)], slices: [slice]).table()
        #expect(table.backends.map(\.endpoints) == [[.init(address, .ready, users: ListenerUsers([0, 33]))]])
        var router = Router()
        _ = router.swap(table)
        guard let backend = router.backend(table.backends[0].name),
            case .endpoint(let id) = router.choose(backend, client: 1, avoiding: [], now: .zero)
        else {
            Issue.record("no endpoint")
            return
        }
        #expect(router.users(of: id) == ListenerUsers([0, 33]))
    }

    @Test(
        arguments: [
            ("http", nil, RouteTable.Carriage.exchanges, false), ("http-admin", nil, .exchanges, false), ("https", nil, .flows, false),
            ("https-web", nil, .flows, false), ("tcp-x", nil, .flows, false), ("redis", nil, .flows, false), ("", nil, .flows, true),
            ("web", nil, .flows, true), ("tcpx", nil, .flows, true), ("db", "http", .exchanges, false), ("db", "HTTP", .exchanges, false),
            ("http", "kubernetes.io/ws", .flows, false), ("http", "tcp", .flows, false), ("", "tcp", .flows, false),
        ] as [(String, String?, RouteTable.Carriage, Bool)])
    func `what a port carries follows from appProtocol, else from its name, else from what each connection begins with`(
        name: String, appProtocol: String?, carriage: RouteTable.Carriage, isDetected: Bool
    ) {
        var port: Value = ["port": 80, "name": .string(name)]
        if let appProtocol { port["appProtocol"] = .string(appProtocol) }
        let table = RouteSource(services: [service("a", ["clusterIP": "127.32.0.1", "ports": [port]])], slices: []).table()
        #expect(table.backends.map(\.carriage) == [carriage])
        #expect(table.backends.map(\.isDetected) == [isDetected])
    }

    @Test(
        arguments: [
            (Value.object([:]), RouteTable.Standing.ready), (["ready": true], .ready), (["ready": false], .withheld),
            (["ready": false, "serving": true, "terminating": true], .terminating), (["ready": false, "terminating": true], .withheld),
            (["ready": false, "serving": false, "terminating": true], .withheld), (["ready": false, "serving": true], .withheld),
        ] as [(Value, RouteTable.Standing)])
    func `conditions give an endpoint its standing`(conditions: Value, standing: RouteTable.Standing) {
        let table = RouteSource(
            services: [service("a", ["clusterIP": "127.32.0.1", "ports": [["port": 80]]])],
            slices: [slice("a-1", of: "a", ports: [["port": 8080]], [("127.64.0.2", conditions)])]
        ).table()
        #expect(table.backends[0].endpoints.map(\.standing) == [standing])
    }

    @Test func `headless and external services have no entrance`() {
        let table = RouteSource(
            services: [
                service("headless", ["clusterIP": "None", "ports": [["port": 80]]]),
                service("external", ["type": "ExternalName", "externalName": "example.org"]),
            ], slices: []
        ).table()
        #expect(table.routes.isEmpty)
    }

    @Test func `equal inputs in another order give an equal table`() {
        let services = ["b", "a"].map {
            service($0, ["clusterIP": .string($0 == "a" ? "127.32.0.1" : "127.32.0.2"), "ports": [["port": 80]]])
        }
        let slices = [
            slice("a-2", of: "a", ports: [["port": 1]], [("127.64.0.9", .null), ("127.64.0.2", .null)]),
            slice("a-1", of: "a", ports: [["port": 1]], [("127.64.0.2", ["ready": false]), ("127.64.0.3", .null)]),
        ]
        let one = RouteSource(services: services, slices: slices).table()
        let other = RouteSource(services: services.reversed(), slices: slices.reversed()).table()
        #expect(one == other)
        #expect(one.backends[0].endpoints.map(\.address.description) == ["127.64.0.2:1", "127.64.0.3:1", "127.64.0.9:1"])
        #expect(one.backends[0].endpoints.map(\.standing) == [.ready, .ready, .ready])
    }

    @Test func `a port that is asked for twice goes to the first service by name, the other is told`() {
        let spec: Value = ["type": "LoadBalancer", "clusterIP": "127.32.0.1", "ports": [["port": 80, "nodePort": 30001]]]
        let other: Value = ["type": "LoadBalancer", "clusterIP": "127.32.0.2", "ports": [["port": 80, "nodePort": 30002]]]
        let table = RouteSource(services: [service("b", other), service("a", spec)], slices: []).table()
        let b = RouteTable.BackendName(.init("default", "b"), port: 80)
        #expect(table.refusals == [.init(b, port: 80, .takenBy(.init(.init("default", "a"), port: 80)))])
        #expect(table.routes.filter { $0.backend == b }.map(\.entrance.description) == ["exposed:30002", "127.32.0.2:80"])
    }

    @Test func `a port that is not TCP is refused by name`() {
        let table = RouteSource(
            services: [service("dns", ["clusterIP": "127.32.0.1", "ports": [["port": 53, "protocol": "UDP"]]])], slices: []
        ).table()
        #expect(table.refusals.map(\.reason) == [.unsupportedProtocol("UDP")])
    }

    @Test func `a slice whose label moves to another service leaves the first`() {
        var source = RouteSource(
            services: [service("a", ["clusterIP": "127.32.0.1", "ports": [["port": 80]]])],
            slices: [slice("s", of: "a", ports: [["port": 8080]], [("127.64.0.2", .null)])])
        source.set(slice: slice("s", of: "b", ports: [["port": 8080]], [("127.64.0.2", .null)]), namespace: "default", name: "s")
        #expect(source.table().backends[0].endpoints.isEmpty)
        source.set(slice: nil, namespace: "default", name: "s")
        source.set(service: nil, namespace: "default", name: "a")
        #expect(source.table() == RouteTable())
    }

    @Test(arguments: [
        ("127.0.0.1", true), ("1.2.3", false), ("1.2.3.256", false), ("01.2.3.4", false), ("1.2.3.4.5", false), ("::1", false), ("", false),
    ])
    func `an address is dotted decimal`(text: String, isValid: Bool) {
        #expect((EndpointAddress.host(text) != nil) == isValid)
    }
}
