import APIServer
import Formats
import Resources
import Testing

struct ServiceEndpointsTests {
    func slice(_ name: String, _ endpoints: [Endpoint], port: Port?, portName: String = "http", revision: Int) -> Value {
        [
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
            "metadata": [
                "name": .string(name), "namespace": "default", "uid": .string("u-\(name)"), "resourceVersion": .string("\(revision)"),
                "creationTimestamp": "2026-01-01T00:00:00Z",
                "labels": [
                    "kubernetes.io/service-name": "web", "endpointslice.kubernetes.io/managed-by": "x", "app": "web",
                ],
            ],
            "endpoints": .array(endpoints.map(\.value)),
            "ports": .array([EndpointPort(name: portName, transport: .tcp, port: port).value]),
        ]
    }

    func endpoint(_ ip: String, ready: Bool = true, terminating: Bool = false) -> Endpoint {
        Endpoint(
            addresses: [ip], isReady: ready, isServing: ready, isTerminating: terminating, nodeName: "a1", targetName: "p",
            targetNamespace: "default", targetUID: "u")
    }

    @Test func `the slices of a Service make one object, a subset for each list of ports, without those who are going`() {
        let port = Port(8080)
        let all = ServiceEndpoints.objects(from: [
            slice("web-2", [endpoint("127.64.0.9"), endpoint("127.64.0.4", ready: false, terminating: true)], port: port, revision: 12),
            slice("web-1", [endpoint("127.64.0.2"), endpoint("127.64.0.3", ready: false)], port: port, revision: 11),
            slice("web-3", [endpoint("127.64.0.5")], port: Port(9090), portName: "", revision: 7),
        ])
        #expect(all.count == 1)
        #expect(all[0]["metadata"]["name"] == "web" && all[0]["metadata"]["labels"] == ["app": "web"])
        #expect(all[0]["metadata"]["resourceVersion"] == "12")
        let subsets = all[0]["subsets"].elements
        #expect(subsets.map { $0["addresses"].elements.compactMap { $0["ip"].string } } == [["127.64.0.2", "127.64.0.9"], ["127.64.0.5"]])
        #expect(subsets.map { $0["notReadyAddresses"].elements.compactMap { $0["ip"].string } } == [["127.64.0.3"], []])
        #expect(
            subsets.map { $0["ports"] } == [[["name": "http", "protocol": "TCP", "port": 8080]], [["protocol": "TCP", "port": 9090]]])
        #expect(subsets[0]["addresses"][0]["targetRef"]["uid"] == "u")
        #expect(
            Printing.cells(all[0], ServiceEndpoints.type, now: .init(secondsSince1970: 1_767_225_660)).map(\.string) == [
                "web", "127.64.0.2:8080,127.64.0.9:8080,127.64.0.5:9090", "60s",
            ])
    }

    @Test func `a Service without pods has no subsets`() {
        let all = ServiceEndpoints.objects(from: [slice("web-1", [], port: Port(80), revision: 3)])
        #expect(all.map { $0["subsets"].isNull } == [true])
    }
}
