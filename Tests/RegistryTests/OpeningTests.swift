import Formats
import Registry
import Resources
import Testing
import Timing

/// What is put right before the first request of a start.
struct `Opening a store` {
    /// The store after a start, with what was written for it.
    private func started(_ store: StoreFixture, _ settings: RegistrySettings? = nil, nothingRuns: Bool = false) throws -> StoreFixture {
        var next = store
        next.registry = try store.restarted(settings)
        next.records = next.registry.bootstrap(now: next.now + .seconds(60), random: &next.random, nothingRuns: nothingRuns)
        _ = next.registry.durable(through: next.registry.tipRevision)
        return next
    }

    // MARK: Another slice of the addresses

    @Test func `of another instance moves Services and Nodes to addresses of this one, and nothing else`() throws {
        var store = StoreFixture(RegistrySettings(block: 3))
        let made = try store.create(Sample.service("a", type: "NodePort", nodePort: 30080), .services)
        _ = try store.create(Sample.service("headless", clusterIP: "None"), .services)
        var external = Sample.service("external", type: "ExternalName")
        external["spec"]["externalName"] = "example.com"
        _ = try store.create(external, .services)
        let node = try store.create(["metadata": ["name": "a1"]], .nodes, namespace: "")
        _ = try store.create(Sample.configMap("m"), .configMaps)

        var moved = try started(store, RegistrySettings(block: 5))
        let service = try #require(moved.object(Sample.serviceKey("a")))
        #expect(service["spec"]["clusterIP"].string?.hasPrefix("127.37.") == true)
        #expect(service["spec"]["clusterIPs"] == [service["spec"]["clusterIP"]])
        #expect(service["spec"]["ports"] == made["spec"]["ports"] && service["metadata"]["uid"] == made["metadata"]["uid"])
        let range = try #require(moved.object(ObjectKey(.nodes, name: "a1"))?["spec"]["podCIDR"].string.flatMap(AddressRange.init))
        #expect(moved.registry.settings.podRange.contains(range))
        #expect(node["spec"]["podCIDR"].string.flatMap(AddressRange.init).map { moved.registry.settings.podRange.contains($0) } == false)
        #expect(moved.object(Sample.serviceKey("headless"))?["spec"]["clusterIP"].string == "None")
        #expect(moved.object(Sample.serviceKey("external"))?["spec"]["clusterIP"].isNull == true)
        #expect(moved.records.count == 2)
        // The old address is free, the new one is taken.
        let new = try #require(service["spec"]["clusterIP"].string)
        #expect(moved.refusal(.create(Sample.service("b", clusterIP: new), type: .services, namespace: "default"))?.code == 422)
        // Once.
        moved.records = store.records + moved.records
        #expect(try started(moved, RegistrySettings(block: 5)).records.isEmpty)
    }

    @Test func `of the same instance writes nothing`() throws {
        var store = StoreFixture(RegistrySettings(block: 3))
        _ = try store.create(Sample.service("a"), .services)
        _ = try store.create(["metadata": ["name": "a1"]], .nodes, namespace: "")
        #expect(try started(store).records.isEmpty)
    }

    // MARK: Nothing runs

    /// A Deployment with a Ready pod, as its agent and the controllers leave it.
    private func serving() throws -> StoreFixture {
        var store = StoreFixture()
        func condition(_ type: String, _ status: String = "True") -> Value {
            ["type": .string(type), "status": .string(status), "reason": "Old", "lastTransitionTime": "2026-01-01T00:00:00Z"]
        }
        func set(_ key: ObjectKey, _ status: Value) throws { try store.perform(.patch(key, .merge(["status": status]), .status)) }
        for (name, phase, state) in [("web", "Running", "running"), ("done", "Succeeded", "terminated")] {
            _ = try store.create(Sample.pod(name, node: "a1"), .pods)
            let detail: Value = state == "running" ? ["startedAt": "2026-01-01T00:00:00Z"] : ["exitCode": 0]
            try set(
                Sample.podKey(name),
                [
                    "phase": .string(phase), "podIP": "127.64.0.1",
                    "conditions": [condition("PodScheduled"), condition("Initialized"), condition("ContainersReady"), condition("Ready")],
                    "initContainerStatuses": [
                        [
                            "name": "i", "image": "i", "imageID": "", "ready": true, "started": false, "restartCount": 0,
                            "state": ["terminated": ["exitCode": 0]],
                        ]
                    ],
                    "containerStatuses": [
                        [
                            "name": "c", "image": "c", "imageID": "", "ready": true, "started": true, "restartCount": 2,
                            "state": .object([state: detail]),
                        ]
                    ],
                ])
        }
        _ = try store.create(Sample.deployment("web"), .deployments)
        try set(
            Sample.deploymentKey("web"),
            [
                "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2,
                "conditions": [condition("Available"), condition("Progressing")],
            ])
        _ = try store.create(
            [
                "metadata": ["name": "web"], "addressType": "IPv4",
                "endpoints": [["addresses": ["127.64.0.1"], "conditions": ["ready": true, "serving": true, "terminating": false]]],
            ], .endpointSlices)
        return store
    }

    @Test func `after which nothing can run says of nothing that it is ready`() throws {
        let store = try started(serving(), nothingRuns: true)
        let status = try #require(store.object(Sample.podKey("web")))["status"]
        #expect(status["conditions"].elements.map { $0["status"].string } == ["True", "True", "False", "False"])
        #expect(status["conditions"][3]["lastTransitionTime"].string == "2026-01-01T00:01:00Z")
        let container = status["containerStatuses"][0]
        #expect(container["ready"] == false && container["started"] == false && container["restartCount"] == 2)
        #expect(status["initContainerStatuses"][0]["ready"] == true, "what has done its work has done it")
        #expect(status["podIP"] == "127.64.0.1" && status["phase"] == "Running")
        let deployment = try #require(store.object(Sample.deploymentKey("web")))["status"]
        #expect(deployment["conditions"].elements.map { $0["status"].string } == ["False", "True"])
        #expect(deployment["availableReplicas"].isNull && deployment["readyReplicas"].isNull && deployment["unavailableReplicas"] == 2)
        let endpoint = try #require(store.object(ObjectKey(.endpointSlices, namespace: "default", name: "web")))["endpoints"][0]
        #expect(endpoint["conditions"]["ready"] == false && endpoint["conditions"]["serving"] == false)
        // One that has ended by itself has not run before either.
        #expect(store.object(Sample.podKey("done"))?["status"]["conditions"][3]["status"] == "True")
    }

    @Test func `after which something may run leaves all as it is`() throws {
        let store = try serving()
        #expect(try started(store).records.isEmpty)
        var again = try started(store, nothingRuns: true)
        #expect(again.records.count == 3)
        again.records = store.records + again.records
        #expect(try started(again, nothingRuns: true).records.isEmpty, "a second time there is nothing to take back")
    }
}
