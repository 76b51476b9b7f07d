import Formats
import Registry
import Resources
import Testing

struct `Allocating` {
    private func spec(_ store: StoreFixture, _ name: String) -> Value { store.object(Sample.serviceKey(name))?["spec"] ?? .null }

    @Test func `gives every Service an address of the instance's slice, and keeps it`() throws {
        var store = StoreFixture(RegistrySettings(block: 3))
        var seen: Set<String> = []
        for index in 0..<50 {
            let made = try store.create(Sample.service("s\(index)"), .services)["spec"]
            let address = try #require(made["clusterIP"].string)
            #expect(address.hasPrefix("127.35."))
            #expect(made["clusterIPs"] == [.string(address)])
            #expect(seen.insert(address).inserted)
        }
        let before = spec(store, "s0")["clusterIP"]
        try store.perform(.update(Sample.serviceKey("s0"), Sample.service("s0", port: 81)))
        #expect(spec(store, "s0")["clusterIP"] == before)
        #expect(spec(store, "s0")["ports"][0]["port"].int == 81)
    }

    @Test func `takes an address that was asked for, once`() throws {
        var store = StoreFixture()
        _ = try store.create(Sample.service("a", clusterIP: "127.32.0.5"), .services)
        let taken = store.refusal(.create(Sample.service("b", clusterIP: "127.32.0.5"), type: .services, namespace: "default"))
        #expect(taken?.message.contains("provided IP is already allocated to the Service \"default/a\"") == true)
        let outside = store.refusal(.create(Sample.service("b", clusterIP: "10.0.0.1"), type: .services, namespace: "default"))
        #expect(outside?.message.contains("The range of valid IPs is 127.32.0.0/16") == true)
        try store.perform(.delete(Sample.serviceKey("a")))
        _ = try store.create(Sample.service("b", clusterIP: "127.32.0.5"), .services)
        #expect(try store.create(Sample.service("headless", clusterIP: "None"), .services)["spec"]["clusterIP"].string == "None")
    }

    @Test func `gives node ports to NodePort and LoadBalancer, keeps them, and takes them back`() throws {
        var store = StoreFixture()
        for (name, type) in [("n", "NodePort"), ("l", "LoadBalancer")] {
            let port = try #require(try store.create(Sample.service(name, type: type), .services)["spec"]["ports"][0]["nodePort"].int)
            #expect((30000...32767).contains(port))
            try store.perform(.update(Sample.serviceKey(name), Sample.service(name, type: type)))
            #expect(spec(store, name)["ports"][0]["nodePort"].int == port)
        }
        #expect(try store.create(Sample.service("c"), .services)["spec"]["ports"][0]["nodePort"].isNull)
        try store.perform(.patch(Sample.serviceKey("n"), .merge(["spec": ["type": "ClusterIP"]])))
        #expect(spec(store, "n")["ports"][0]["nodePort"].isNull)
    }

    @Test func `refuses a node port that is taken or out of range, and names its owner`() throws {
        var store = StoreFixture()
        _ = try store.create(Sample.service("a", type: "NodePort", nodePort: 30080), .services)
        let table: [(Int64, String)] = [
            (30080, "spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated to the Service \"default/a\""),
            (
                80,
                "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid ports is 30000-32767"
            ),
        ]
        for (port, message) in table {
            let refusal = store.refusal(
                .create(Sample.service("b", type: "NodePort", nodePort: port), type: .services, namespace: "default"))
            #expect(refusal?.code == 422)
            #expect(refusal?.message == "Service \"b\" is invalid: " + message)
        }
    }

    @Test func `says when the ports or the pod ranges are all taken`() throws {
        var store = StoreFixture(RegistrySettings(nodePorts: 30000...30002))
        for index in 0..<3 { _ = try store.create(Sample.service("s\(index)", type: "NodePort"), .services) }
        let refusal = store.refusal(.create(Sample.service("s3", type: "NodePort"), type: .services, namespace: "default"))
        #expect(refusal?.message.contains("all ports of 30000-30002 are taken") == true)
        for index in 0..<128 { _ = try store.create(["metadata": ["name": "n\(index)"]], .nodes) }
        #expect(
            store.refusal(.create(["metadata": ["name": "n"]], type: .nodes, namespace: ""))?.message.contains("at most 128 nodes") == true)
    }

    @Test func `gives out the lowest free range, whatever goes in between`() throws {
        var store = StoreFixture(RegistrySettings(podRangePrefixLength: 24))
        for index in 0..<300 { _ = try store.create(["metadata": ["name": "n\(index)"]], .nodes) }
        #expect(store.object(ObjectKey(.nodes, name: "n299"))?["spec"]["podCIDR"].string == "127.65.43.0/24")
        for index in [7, 120, 299] { try store.perform(.delete(ObjectKey(.nodes, name: "n\(index)"))) }
        for (name, range) in [("a", "127.64.7.0/24"), ("b", "127.64.120.0/24"), ("c", "127.65.43.0/24"), ("d", "127.65.44.0/24")] {
            #expect(try store.create(["metadata": ["name": .string(name)]], .nodes)["spec"]["podCIDR"].string == range)
        }
    }

    @Test func `gives every node a range of its own`() throws {
        var store = StoreFixture(RegistrySettings(block: 1))
        #expect(try store.create(["metadata": ["name": "a1"]], .nodes)["spec"]["podCIDR"].string == "127.68.0.0/21")
        #expect(try store.create(["metadata": ["name": "b1"]], .nodes)["spec"]["podCIDRs"] == ["127.68.8.0/21"])
        try store.perform(.delete(ObjectKey(.nodes, name: "a1")))
        #expect(try store.create(["metadata": ["name": "c1"]], .nodes)["spec"]["podCIDR"].string == "127.68.0.0/21")
        #expect(
            store.refusal(.create(["metadata": ["name": "d"], "spec": ["podCIDR": "127.68.8.0/21"]], type: .nodes, namespace: ""))?.code
                == 422)
    }
}
