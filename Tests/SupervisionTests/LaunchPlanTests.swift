import Formats
import Resources
import Testing

@testable import Supervision

@Suite struct LaunchPlanTests {
    private func plan(_ container: Value, image: Value? = ["reference": "web", "command": ["/web", "--serve"], "args": ["--port", "80"]])
        throws -> LaunchPlan
    {
        let pod = Pod([
            "metadata": ["name": "web-1", "namespace": "shop", "uid": "u", "labels": ["note": "a \"b\"", "app": "web"]],
            "spec": ["containers": [container], "serviceAccountName": "default", "enableServiceLinks": true],
        ])
        let services: [Value] = [["metadata": ["name": "my-db"], "spec": ["clusterIP": "127.32.0.9", "ports": [["port": 5432]]]]]
        var sources =
            LaunchSources(
                pod: pod, container: pod.spec.containers[0], image: image.map { PinnedImage(spec: $0) },
                base: [("PATH", "/bin"), ("HOME", "/h")],
                podIP: "127.64.0.7", hostIP: "127.16.0.1", nodeName: "a1", zone: "a", podDirectory: "/pod",
                services: services.map { Service($0) },
                configMap: { $0 == "settings" ? ConfigMap(["data": ["color": "red", "size": "9"]]) : nil },
                secret: { $0 == "keys" ? Secret(["data": ["token": "c2VjcmV0"]]) : nil })
        sources.allocatable = ["cpu": Quantity(4)]
        return try LaunchPlan(sources)
    }

    @Test func `command and args override those of the image as in Kubernetes`() throws {
        for (container, expected) in [
            ([:], ["/web", "--serve", "--port", "80"]), (["args": ["-x"]], ["/web", "--serve", "-x"]),
            (["command": ["/other"]], ["/other"]),
            (
                ["command": ["/other"], "args": ["$(POD_NAME)", "$$(POD_NAME)", "$(NOBODY)"]],
                ["/other", "web-1", "$(POD_NAME)", "$(NOBODY)"]
            ),
        ] as [(Value, [String])] { #expect(try plan(container).arguments == expected) }
    }

    @Test func `the environment has the base, the pod's place, services, and the container's own, which wins`() throws {
        let made = try plan([
            "ports": [["containerPort": 8080]],
            "envFrom": [["configMapRef": ["name": "settings"], "prefix": "C_"], ["secretRef": ["name": "none", "optional": true]]],
            "env": [
                ["name": "HOME", "value": "/other"], ["name": "URL", "value": "http://$(MY_DB_SERVICE_HOST):$(MY_DB_SERVICE_PORT)"],
                ["name": "TOKEN", "valueFrom": ["secretKeyRef": ["name": "keys", "key": "token"]]],
                ["name": "APP", "valueFrom": ["fieldRef": ["fieldPath": "metadata.labels['app']"]]],
                ["name": "LIMIT", "valueFrom": ["resourceFieldRef": ["resource": "limits.memory", "divisor": "1Mi"]]],
                ["name": "MAYBE", "valueFrom": ["configMapKeyRef": ["name": "settings", "key": "none", "optional": true]]],
            ], "resources": ["limits": ["memory": "64Mi"]],
        ])
        let expected = [
            "PATH": "/bin", "HOME": "/other", "URL": "http://127.32.0.9:5432", "TOKEN": "secret", "APP": "web", "LIMIT": "64",
            "C_color": "red", "C_size": "9",
            "POD_NAME": "web-1", "POD_NAMESPACE": "shop", "POD_IP": "127.64.0.7", "HOST": "127.64.0.7", "PORT": "8080", "NODE_NAME": "a1",
            "ZONE": "a",
        ]
        for (name, value) in expected { #expect(made.variable(name) == value, "\(name)") }
        #expect(made.variable("MAYBE") == nil && made.directory == "/pod")
    }

    @Test func `all labels are told as the kubelet writes them, and who has no limit may use the node`() throws {
        let made = try plan([
            "env": [
                ["name": "LABELS", "valueFrom": ["fieldRef": ["fieldPath": "metadata.labels"]]],
                ["name": "CPUS", "valueFrom": ["resourceFieldRef": ["resource": "limits.cpu"]]],
                ["name": "ASKED", "valueFrom": ["resourceFieldRef": ["resource": "requests.cpu"]]],
            ]
        ])
        #expect(made.variable("LABELS") == "app=\"web\"\nnote=\"a \\\"b\\\"\"")
        #expect(made.variable("CPUS") == "4" && made.variable("ASKED") == "0")
    }

    @Test func `what is missing is named as Kubernetes names it`() {
        for (variable, message) in [
            (["configMapKeyRef": ["name": "none", "key": "a"]], "configmap \"none\" not found"),
            (["configMapKeyRef": ["name": "settings", "key": "a"]], "couldn't find key a in ConfigMap shop/settings"),
            (["secretKeyRef": ["name": "none", "key": "a"]], "secret \"none\" not found"),
        ] as [(Value, String)] {
            #expect(throws: LaunchProblem("CreateContainerConfigError", message)) {
                try plan(["env": [["name": "X", "valueFrom": variable]]])
            }
        }
        #expect(throws: LaunchProblem.self) { try plan([:], image: nil) }
    }

    @Test func `paths of volume files cannot leave the volume`() {
        for (path, isSafe) in [("a", true), ("a/b", true), ("/a", false), ("../a", false), ("a/../b", false), ("", false), ("a//b", false)]
        {
            #expect((VolumeContent.safe(path) != nil) == isSafe, "\(path)")
        }
    }
}

@Suite struct AddressPoolTests {
    @Test func `new addresses come first, then the one that is free the longest and acknowledged`() {
        var pool = AddressPool(cidr: "127.64.0.0/29")!
        let all = (0..<6).compactMap { _ in pool.take(acknowledged: nil) }
        #expect(all.map(AddressPool.text) == ["127.64.0.1", "127.64.0.2", "127.64.0.3", "127.64.0.4", "127.64.0.5", "127.64.0.6"])
        #expect(pool.take(acknowledged: nil) == nil)
        pool.release(all[2], withdrawnAt: 10)
        pool.release(all[0], withdrawnAt: 20)
        #expect(pool.take(acknowledged: 9) == nil)
        #expect(pool.take(acknowledged: 10) == all[2])
        #expect(pool.take(acknowledged: 19) == nil)
        #expect(pool.take(acknowledged: nil) == all[0])
    }

    @Test func `after a restart it goes on behind what was handed out before`() {
        var pool = AddressPool(cidr: "127.64.0.0/29")!
        pool.claim(AddressPool.parse("127.64.0.1")!)
        pool.resume(at: AddressPool.parse("127.64.0.5")!, reserve: nil, withdrawnAt: 10)
        let taken = (0..<3).map { _ in pool.take(acknowledged: 10).map(AddressPool.text) }
        #expect(taken == ["127.64.0.5", "127.64.0.6", "127.64.0.2"])
    }

    /// A pool that has handed out every address once, and given it back, as after many restarts.
    private static func worn(acknowledged: UInt64) -> (pool: AddressPool, taken: Set<UInt32>) {
        var pool = AddressPool(cidr: "127.64.0.0/24")!
        var taken: Set<UInt32> = []
        while let address = pool.take(acknowledged: 0) { taken.insert(address) }
        for address in taken.sorted() { pool.release(address, withdrawnAt: 10) }
        // One more fills the reserve again from what is acknowledged.
        if let address = pool.take(acknowledged: acknowledged) { pool.release(address, withdrawnAt: 20) }
        return (pool, taken)
    }

    @Test func `after a restart pods begin at once at addresses that are in no table, though no proxy has told of a newer one`() {
        let (before, taken) = Self.worn(acknowledged: 10)
        #expect(taken.count == 254 && before.reserve.count == 31)
        var pool = AddressPool(cidr: "127.64.0.0/24")!
        pool.resume(at: before.cursor, reserve: before.reserve, withdrawnAt: 100)
        let soon = (0..<40).compactMap { _ in pool.take(acknowledged: 99) }
        #expect(soon.sorted() == before.reserve.sorted() && pool.reserve.isEmpty)
        #expect(pool.take(acknowledged: 100) != nil)
    }

    @Test func `what was taken from the reserve is not believed to be unused by the next start`() {
        let before = Self.worn(acknowledged: 10).pool
        var pool = AddressPool(cidr: "127.64.0.0/24")!
        pool.resume(at: before.cursor, reserve: before.reserve, withdrawnAt: 100)
        let first = pool.take(acknowledged: 0)!
        pool.release(first, withdrawnAt: 101)
        var next = AddressPool(cidr: "127.64.0.0/24")!
        next.resume(at: pool.cursor, reserve: pool.reserve, withdrawnAt: 200)
        let soon = (0..<40).compactMap { _ in next.take(acknowledged: 199) }
        #expect(soon.count == 30 && !soon.contains(first))
    }

    @Test func `of a pool that left no note nothing is believed to be unused but what it never came to`() {
        var pool = AddressPool(cidr: "127.64.0.0/24")!
        pool.resume(at: AddressPool.parse("127.64.0.220")!, reserve: nil, withdrawnAt: 100)
        let soon = (0..<40).compactMap { _ in pool.take(acknowledged: 99).map(AddressPool.text) }
        #expect(soon == (220...223).map { "127.64.0.\($0)" })
        #expect(pool.take(acknowledged: 100) != nil)
    }

    @Test func `an address of a pod that was taken over is in no reserve`() {
        var pool = AddressPool(cidr: "127.64.0.0/24")!
        let address = AddressPool.parse("127.64.0.9")!
        pool.claim(address)
        pool.resume(at: AddressPool.parse("127.64.0.250")!, reserve: [address], withdrawnAt: 100)
        #expect(pool.take(acknowledged: 0) == nil)
    }

    @Test func `where somebody listens already is passed over, until nobody does`() {
        var pool = AddressPool(cidr: "127.64.0.0/29")!
        let held = AddressPool.parse("127.64.0.2")!
        let taken = (0..<6).map { _ in pool.take(acknowledged: nil) { $0 == held }.map(AddressPool.text) }
        #expect(taken == ["127.64.0.1", "127.64.0.3", "127.64.0.4", "127.64.0.5", "127.64.0.6", nil])
        #expect(pool.take(acknowledged: nil) == held)
    }

    @Test func `what pods have already is not handed out`() {
        var pool = AddressPool(cidr: "127.64.0.0/21")!
        pool.claim(AddressPool.parse("127.64.0.1")!)
        #expect(pool.take(acknowledged: nil) == AddressPool.parse("127.64.0.2"))
        #expect(AddressPool(cidr: "nonsense") == nil)
    }
}
