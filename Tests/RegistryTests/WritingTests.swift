import Formats
import Registry
import Resources
import Testing

struct `Creating` {
    @Test func `stamps what belongs to the registry and ignores what a client says of it`() throws {
        var store = StoreFixture()
        var body = Sample.deployment("web")
        body["metadata"]["uid"] = "mine"
        body["metadata"]["generation"] = 7
        body["metadata"]["creationTimestamp"] = nil
        body["status"] = ["replicas": 9]
        let made = try store.create(body, .deployments)
        #expect(made["apiVersion"].string == "apps/v1")
        #expect(made["kind"].string == "Deployment")
        #expect(made["metadata"]["namespace"].string == "default")
        #expect(made["metadata"]["uid"].string?.count == 36)
        #expect(made["metadata"]["generation"].int == 1)
        #expect(made["metadata"]["creationTimestamp"].string == "2026-01-01T00:00:00Z")
        #expect(made["metadata"]["resourceVersion"].string == store.registry.revision.description)
        #expect(made["status"]["replicas"].isNull)
        #expect(made["spec"]["strategy"]["type"].string == "RollingUpdate")
    }

    @Test func `has an answer as the bytes that go to the journal, where the answer is what is stored`() throws {
        var store = StoreFixture()
        let key = Sample.deploymentKey("web")
        let requests: [(Request, Bool)] = [
            (.create(Sample.deployment("web"), type: .deployments, namespace: "default"), true),
            (.patch(key, .merge(["metadata": ["labels": ["a": "b"]]])), true),
            (.patch(key, .merge(["status": ["replicas": 1]]), .status), true),
            (.patch(key, .merge(["spec": ["replicas": 5]]), .scale), false),
            (.update(key, Sample.deployment("web", replicas: 7), nil, WriteOptions(isDryRun: true)), false),
            (.get(key), false),
        ]
        for (request, isReady) in requests {
            let reply = try store.perform(request)
            #expect((reply.json != nil) == isReady)
            if let json = reply.json { #expect(try JSON.parse(json) == reply.object) }
        }
    }

    @Test func `makes a name from generateName`() throws {
        var store = StoreFixture()
        let name = try store.create(["metadata": ["generateName": "web-"], "data": [:]], .configMaps)["metadata"]["name"].string
        #expect(name?.wholeMatch(of: /web-[bcdfghjklmnpqrstvwxz2456789]{5}/) != nil)
    }

    @Test func `refuses in Kubernetes' words`() throws {
        var store = StoreFixture()
        _ = try store.create(Sample.configMap("a"), .configMaps)
        let table: [(Value, String, Int, String)] = [
            (Sample.configMap("a"), "default", 409, "configmaps \"a\" already exists"),
            (Sample.configMap("b"), "nowhere", 404, "namespaces \"nowhere\" not found"),
            (
                ["metadata": [:]], "default", 422,
                "ConfigMap \"\" is invalid: metadata.name: Required value: name or generateName is required"
            ),
            (
                ["metadata": ["name": "b", "namespace": "other"]], "default", 400,
                "the namespace of the provided object does not match the namespace sent on the request (the object says \"other\", the request \"default\")"
            ),
            (
                ["metadata": ["name": "b", "resourceVersion": "3"]], "default", 400,
                "resourceVersion should not be set on objects to be created"
            ),
            (
                ["kind": "Pod", "metadata": ["name": "b"]], "default", 400,
                "Pod in version \"v1\" cannot be handled as a ConfigMap: wrong kind"
            ),
        ]
        for (body, namespace, code, message) in table {
            let refusal = store.refusal(.create(body, type: .configMaps, namespace: namespace))
            #expect(refusal?.code == code)
            #expect(refusal?.message == message)
        }
    }

    @Test func `of a pod fills in the priority of its class, and refuses a class that there is not`() throws {
        var store = StoreFixture()
        func pod(_ name: String, class priorityClass: String) -> Request {
            var pod = Sample.pod(name)
            pod["spec"]["priorityClassName"] = .string(priorityClass)
            return .create(pod, type: .pods, namespace: "default")
        }
        let refusal = store.refusal(pod("p", class: "high"))
        #expect(refusal?.code == 403)
        #expect(refusal?.message == #"pods "p" is forbidden: no PriorityClass with name high was found"#)
        for (name, known, priority) in [
            ("a", "", 0), ("b", "system-node-critical", 2_000_001_000), ("c", "system-cluster-critical", 2_000_000_000),
        ] {
            let reply = try store.perform(pod(name, class: known))
            #expect(reply.isCreated)
            #expect(reply.object["spec"]["priority"] == .int(Int64(priority)))
        }
    }

    @Test func `says about unknown fields what the client wants to hear`() throws {
        var store = StoreFixture()
        let body: Value = ["metadata": ["name": "a"], "dta": ["x": "1"]]
        func create(_ validation: FieldValidation) -> Request {
            .create(body, type: .configMaps, namespace: "default", WriteOptions(isDryRun: true, fieldValidation: validation))
        }
        let refusal = store.refusal(create(.strict))
        #expect(refusal?.code == 400)
        #expect(
            refusal?.message
                == "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"dta\", did you mean \"data\"?"
        )
        #expect(try store.perform(create(.warn)).warnings == ["unknown field \"dta\", did you mean \"data\"?"])
        let reply = try store.perform(create(.ignore))
        #expect(reply.warnings.isEmpty)
        #expect(reply.object["dta"].isNull)
    }

    @Test func `dry stores nothing and shows what it would have`() throws {
        var store = StoreFixture()
        let revision = store.registry.tipRevision
        let reply = try store.perform(
            .create(Sample.deployment("web"), type: .deployments, namespace: "default", WriteOptions(isDryRun: true)))
        #expect(reply.isCreated && reply.object["metadata"]["uid"].string != nil)
        #expect(store.registry.tipRevision == revision)
        #expect(store.object(Sample.deploymentKey("web")) == nil)
    }

    @Test func `lets one Image have a reference`() throws {
        var store = StoreFixture()
        func image(_ name: String, _ reference: String) -> Value {
            ["metadata": ["name": .string(name)], "spec": ["reference": .string(reference), "command": ["/bin/true"]]]
        }
        _ = try store.create(image("a", "web"), .images)
        let refusal = store.refusal(.create(image("b", "docker.io/library/web:latest"), type: .images, namespace: ""))
        #expect(refusal?.code == 422)
        #expect(refusal?.message.contains("the Image \"a\" has this reference already") == true)
        try store.perform(.delete(ObjectKey(.images, name: "a")))
        _ = try store.create(image("b", "web:latest"), .images)
    }
}

struct `Updating` {
    @Test func `needs the revision it read, where it names one`() throws {
        var store = StoreFixture()
        let first = try store.create(Sample.configMap("a"), .configMaps)
        var second = first
        second["data"]["a"] = "2"
        try store.perform(.update(Sample.configMapKey("a"), second))
        let refusal = store.refusal(.update(Sample.configMapKey("a"), second))
        #expect(refusal?.code == 409)
        #expect(
            refusal?.message
                == "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again"
        )
        second["metadata"]["resourceVersion"] = nil
        second["data"]["a"] = "3"
        #expect(try store.perform(.update(Sample.configMapKey("a"), second)).object["data"]["a"].string == "3")
        second["metadata"]["uid"] = "other"
        #expect(
            store.refusal(.update(Sample.configMapKey("a"), second))?.message.contains("Precondition failed: UID in precondition: other")
                == true)
    }

    @Test func `without a change commits nothing`() throws {
        var store = StoreFixture()
        let made = try store.create(Sample.deployment("web"), .deployments)
        let revision = store.registry.tipRevision
        #expect(try store.perform(.update(Sample.deploymentKey("web"), made)).object == made)
        #expect(try store.perform(.patch(Sample.deploymentKey("web"), .merge(["spec": ["replicas": 2]]))).object == made)
        #expect(try store.perform(.patch(Sample.deploymentKey("web"), .merge(["status": ["replicas": 2]]))).object == made)
        #expect(store.registry.tipRevision == revision)
    }

    @Test func `keeps the words of the status when something else is written`() throws {
        var store = StoreFixture()
        let key = ObjectKey(.nodes, name: "a1")
        try store.perform(.create(["metadata": ["name": "a1"]], type: .nodes, namespace: ""))
        try store.perform(.patch(key, .merge(["status": ["capacity": ["memory": "16384Mi", "pods": "1000"]]]), .status))
        let drained = try store.perform(.patch(key, .merge(["spec": ["unschedulable": true]]))).object
        #expect(drained["status"]["capacity"] == ["memory": "16384Mi", "pods": "1000"])
        #expect(drained["status"]["allocatable"].isNull)
    }

    @Test func `counts generations by what is asked for, not by status or labels`() throws {
        var store = StoreFixture()
        let key = Sample.deploymentKey("web")
        _ = try store.create(Sample.deployment("web"), .deployments)
        let table: [(Request, Int64)] = [
            (.patch(key, .merge(["spec": ["replicas": 5]])), 2), (.patch(key, .merge(["metadata": ["labels": ["x": "y"]]])), 2),
            (.patch(key, .merge(["status": ["observedGeneration": 2]]), .status), 2), (.patch(key, .merge(["spec": ["paused": true]])), 3),
            (.patch(key, .merge(["spec": ["replicas": 7]]), .scale), 4),
        ]
        for (request, generation) in table {
            try store.perform(request)
            #expect(store.object(key)?["metadata"]["generation"].int == generation)
        }
    }

    @Test func `of status touches nothing else, and of the rest not the status`() throws {
        var store = StoreFixture()
        let key = Sample.podKey("p")
        var pod = try store.create(Sample.pod("p"), .pods)
        pod["spec"]["nodeName"] = "a1"
        pod["metadata"]["labels"] = ["x": "y"]
        pod["status"] = ["phase": "Running"]
        let running = try store.perform(.update(key, pod, .status)).object
        #expect(running["status"]["phase"].string == "Running")
        #expect(running["spec"]["nodeName"].isNull && running["metadata"]["labels"].isNull)

        pod["metadata"]["resourceVersion"] = nil
        pod["status"] = ["phase": "Failed"]
        let bound = try store.perform(.update(key, pod)).object
        #expect(bound["status"]["phase"].string == "Running")
        #expect(bound["spec"]["nodeName"].string == "a1")
    }

    @Test func `binds a pod once`() throws {
        var store = StoreFixture()
        _ = try store.create(Sample.pod("p"), .pods)
        try store.perform(.patch(Sample.podKey("p"), .merge(["spec": ["nodeName": "a1"]])))
        let refusal = store.refusal(.patch(Sample.podKey("p"), .merge(["spec": ["nodeName": "b1"]])))
        #expect(refusal?.message == "Operation cannot be fulfilled on pods \"p\": pod p is already assigned to node \"a1\"")
    }

    @Test func `under an older epoch of the lease is refused`() throws {
        var store = StoreFixture()
        _ = try store.create(Sample.pod("p", node: "a1"), .pods)
        _ = try store.create(["metadata": ["name": "a1"], "spec": ["leaseTransitions": 3]], .leases, namespace: "kube-node-lease")
        func write(_ transitions: Int64) -> Request {
            .patch(
                Sample.podKey("p"), .merge(["status": ["phase": "Running"]]), .status,
                WriteOptions(leaseEpoch: LeaseEpoch(node: "a1", transitions: transitions)))
        }
        #expect(store.refusal(write(2))?.reason == "Conflict")
        let stale = DeleteOptions(gracePeriodSeconds: 0, leaseEpoch: LeaseEpoch(node: "a1", transitions: 2))
        #expect(store.refusal(.delete(Sample.podKey("p"), stale))?.isStaleEpoch == true)
        #expect(try store.perform(write(3)).object["status"]["phase"].string == "Running")
    }

    @Test func `shows and sets a scale`() throws {
        var store = StoreFixture()
        let key = Sample.deploymentKey("web")
        _ = try store.create(Sample.deployment("web"), .deployments)
        var scale = try store.perform(.get(key, .scale)).object
        #expect(scale["kind"].string == "Scale")
        #expect(scale["spec"]["replicas"].int == 2)
        #expect(scale["status"]["selector"].string == "app=web")
        scale["spec"]["replicas"] = 12
        #expect(try store.perform(.update(key, scale, .scale)).object["spec"]["replicas"].int == 12)
        #expect(store.object(key)?["spec"]["replicas"].int == 12)
        #expect(store.refusal(.update(key, scale, .scale))?.reason == "Conflict")
        let refusal = store.refusal(.patch(key, .merge(["spec": ["replicas": -1]]), .scale))
        #expect(refusal?.message.contains("spec.replicas: Invalid value: -1: must be greater than or equal to 0") == true)
    }

    @Test func `takes each kind of patch, and refuses one that does not fit`() throws {
        var store = StoreFixture()
        let key = Sample.deploymentKey("web")
        _ = try store.create(Sample.deployment("web"), .deployments)
        let image: Value = ["spec": ["template": ["spec": ["containers": [["name": "c", "image": "web:v2"]]]]]]
        let patched = try store.perform(.patch(key, .strategic(image))).object["spec"]["template"]["spec"]["containers"][0]
        #expect(patched["image"].string == "web:v2" && patched["imagePullPolicy"].string != nil)
        try store.perform(.patch(key, .json([["op": "replace", "path": "/spec/replicas", "value": 4]])))
        #expect(store.object(key)?["spec"]["replicas"].int == 4)
        #expect(store.refusal(.patch(key, .json([["op": "remove", "path": "/spec/nothing"]])))?.code == 422)
        #expect(store.refusal(.patch(key, .merge(["kind": "Pod"])))?.code == 400)
        #expect(store.refusal(.patch(key, .merge(["spec": ["replicas": "three"]])))?.code == 400)
    }

    @Test func `is warned about what does not do here what it says, once, and only who listens`() throws {
        var store = StoreFixture(RegistrySettings(mayChangeUser: false))
        var pod = Sample.pod("p")
        pod["spec"]["containers"] = [
            [
                "name": "c", "image": "web", "stdin": true, "securityContext": ["runAsUser": 5],
                "readinessProbe": ["httpGet": ["port": 80, "scheme": "HTTPS"]], "livenessProbe": ["grpc": ["port": 81]],
            ]
        ]
        func create(_ name: String, _ validation: FieldValidation) throws -> [String] {
            pod["metadata"]["name"] = .string(name)
            return try store.perform(.create(pod, type: .pods, namespace: "default", WriteOptions(fieldValidation: validation))).warnings
        }
        #expect(
            try create("p", .strict).map { String($0.prefix { $0 != ":" }) } == [
                "spec.containers[*].stdin", "spec.containers[0].securityContext.runAsUser", "spec.containers[0].livenessProbe.grpc",
                "spec.containers[0].readinessProbe.httpGet.scheme",
            ])
        #expect(try create("q", .ignore) == [])
        let label = Request.patch(
            Sample.podKey("p"), .merge(["metadata": ["labels": ["a": "b"]]]), nil, WriteOptions(fieldValidation: .warn))
        #expect(try store.perform(label).warnings == [])
    }
}
