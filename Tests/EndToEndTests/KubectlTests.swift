import Foundation
#if canImport(FoundationNetworking)
    import FoundationNetworking
#endif
import Testing

/// The real kubectl against the real server: what it sends is what it sends, not what we think it does.
@Suite(.serialized) struct KubectlTests {
    /// One command and what must be seen: exit code, and texts in its output (both streams).
    struct Step: Sendable {
        var command: String
        var input: String?
        var code: Int32 = 0
        var shows: [String] = []
        /// Clients older than this have not got the command or the option.
        var since = 0
        init(_ command: String, input: String? = nil, code: Int32 = 0, shows: [String] = [], since: Int = 0) {
            self.command = command
            self.input = input
            self.code = code
            self.shows = shows
            self.since = since
        }
    }

    /// Runs the steps in order on a fresh server.
    private func play(_ kubectl: Kubectl, _ steps: [Step], environment: [String: String] = [:]) throws {
        let server = try RunningServer()
        defer { server.stop() }
        let minor = kubectl.minor
        for step in steps where minor >= step.since {
            let output = try kubectl.run(Self.words(step.command), input: step.input, on: server, environment: environment)
            #expect(output.code == step.code, "kubectl \(step.command): \(output.text)")
            for text in step.shows {
                #expect((output.out + output.err).contains(text), "kubectl \(step.command) does not show \(text): \(output.text)")
            }
        }
    }

    /// Splits at spaces outside of single quotes.
    private static func words(_ command: String) -> [String] {
        var words: [String] = []
        var word = ""
        var isQuoted = false
        for character in command {
            switch character {
            case "'": isQuoted.toggle()
            case " " where !isQuoted:
                if !word.isEmpty { words.append(word) }
                word = ""
            default: word.append(character)
            }
        }
        return word.isEmpty ? words : words + [word]
    }

    static let web = """
        # the replicas, and below what reaches them
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web   # its name
          labels: {app: web}
        spec:
          replicas: 3
          selector: {matchLabels: {app: web}}
          template:
            metadata: {labels: {app: web}}
            spec:
              containers:
              - name: web
                image: web:v1
                ports: [{containerPort: 8080}]
              - name: side
                image: side:v1
        ---
        apiVersion: v1
        kind: Service
        metadata: {name: web}
        spec:
          selector: {app: web}
          ports: [{port: 80, targetPort: 8080}]
        ---
        apiVersion: v1
        kind: List
        items:
        - apiVersion: v1
          kind: ConfigMap
          metadata: {name: one}
          data: {a: "1"}
        - apiVersion: v1
          kind: ConfigMap
          metadata: {name: two}
          data: {a: "2"}
        """

    static func pod(_ name: String, node: String? = nil) -> String {
        """
        {"apiVersion":"v1","kind":"Pod","metadata":{"name":"\(name)","labels":{"app":"web"}},
        "spec":{\(node.map { "\"nodeName\":\"\($0)\"," } ?? "")"containers":[{"name":"web","image":"web:v1"}]}}
        """
    }

    @Test func `A kubectl is there to test with`() {
        if Kubectl.found.isEmpty {
            print("no kubectl found on PATH nor in STEADY_KUBECTL: the tests with it do nothing")
            #expect(ProcessInfo.processInfo.environment["CI"] == nil, "CI must have a kubectl")
        }
    }

    @Test(arguments: Kubectl.found) func `apply creates, finds unchanged, and configures`(kubectl: Kubectl) throws {
        let changed = Self.web.replacing("web:v1", with: "web:v2").replacing("replicas: 3", with: "replicas: 4")
        try play(
            kubectl,
            [
                Step(
                    "apply -f -", input: Self.web, shows: ["deployment.apps/web created", "service/web created", "configmap/two created"]),
                Step(
                    "apply -f -", input: Self.web,
                    shows: ["deployment.apps/web unchanged", "service/web unchanged", "configmap/one unchanged"]),
                Step("diff -f -", input: changed, code: 1, shows: ["-  replicas: 3", "+  replicas: 4", "image: web:v2"], since: 27),
                Step("apply --dry-run=server -f -", input: changed, shows: ["deployment.apps/web configured (server dry run)"], since: 27),
                Step("get deployment web -o jsonpath={.spec.replicas}", shows: ["3"]),
                Step("apply -f -", input: changed, shows: ["deployment.apps/web configured", "service/web unchanged"]),
                Step(
                    "get deployment web -o 'jsonpath={.spec.replicas} {.spec.template.spec.containers[*].image}'",
                    shows: ["4 web:v2 side:v1"]),
                Step("apply --server-side -f -", input: Self.web, code: 1, shows: ["Server-side apply not available on the server"]),
                Step("replace -f -", input: Self.web, shows: ["deployment.apps/web replaced", "configmap/one replaced"]),
                Step("delete -f -", input: Self.web, shows: ["deployment.apps \"web\" deleted", "configmap \"two\" deleted"]),
                Step("get deployment web", code: 1, shows: ["Error from server (NotFound): deployments.apps \"web\" not found"]),
            ])
    }

    @Test(arguments: Kubectl.found) func `create sends typed objects and reports what exists`(kubectl: Kubectl) throws {
        try play(
            kubectl,
            [
                Step("create configmap settings --from-literal=a=b", shows: ["configmap/settings created"]),
                Step("create configmap settings --from-literal=a=b", code: 1, shows: ["configmaps \"settings\" already exists"]),
                Step("create secret generic key --from-literal=p=q", shows: ["secret/key created"]),
                Step("get secret key -o jsonpath={.data.p}", shows: ["cQ=="]),
                Step("create namespace blue", shows: ["namespace/blue created"]),
                Step("create deployment d --image=web:v1", shows: ["deployment.apps/d created"]),
                Step("get deployment d -o jsonpath={.spec.strategy.rollingUpdate.maxSurge}", shows: ["25%"]),
                Step("create service clusterip s --tcp=80:8080", shows: ["service/s created"]),
                Step("create service nodeport n --tcp=80:8080", shows: ["service/n created"]),
                Step("create -n missing configmap x --from-literal=a=b", code: 1, shows: ["namespaces \"missing\" not found"]),
                Step("create -f -", input: Self.pod("bare"), shows: ["pod/bare created"]),
                Step("auth can-i delete pods", shows: ["yes"]),
                Step("delete namespace blue --wait=false", shows: ["namespace \"blue\" deleted"]),
            ])
    }

    @Test(arguments: Kubectl.found) func `Bad input is refused with the place and the reason`(kubectl: Kubectl) throws {
        let head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
        try play(
            kubectl,
            [
                Step("create -f -", input: head + "dta: {a: b}", code: 1, shows: ["unknown field \"dta\""], since: 27),
                Step("create -f -", input: "apiVersion: v1\nkind: Nothing\nmetadata: {name: x}", code: 1, shows: ["no matches for kind"]),
                Step(
                    "create -f -", input: Self.web.replacing("matchLabels: {app: web}", with: "matchLabels: {app: other}"), code: 1,
                    shows: ["`selector` does not match template `labels`"]),
                Step(
                    "create -f -", input: Self.web.replacing("containerPort: 8080", with: "containerPort: 99999"), code: 1, shows: ["99999"]
                ),
                Step("get pods --field-selector spec.unknown=1", code: 1, shows: ["field label not supported: spec.unknown"]),
                Step("get --raw /nowhere", code: 1, shows: ["NotFound"]),
                Step("create configmap BAD --from-literal=a=b", code: 1, shows: ["metadata.name", "BAD"]),
            ])
    }

    @Test(arguments: Kubectl.found) func `get prints tables and every other form`(kubectl: Kubectl) throws {
        try play(
            kubectl,
            [
                Step("get pods", shows: ["No resources found in default namespace."]),
                Step("apply -f -", input: Self.web),
                Step("get deployments", shows: ["NAME", "READY", "UP-TO-DATE", "AVAILABLE", "0/3"]),
                Step("get deployments -o wide", shows: ["CONTAINERS", "IMAGES", "SELECTOR", "web,side", "web:v1,side:v1", "app=web"]),
                Step("get all", shows: ["service/web", "deployment.apps/web"]),
                Step("get configmaps -o name", shows: ["configmap/one\nconfigmap/two"]),
                Step("get configmaps -A --sort-by .metadata.name", shows: ["NAMESPACE", "default     one", "default     two"]),
                Step("get configmaps --field-selector metadata.name=two -o name", shows: ["configmap/two"]),
                Step("label configmap one tier=front", shows: ["configmap/one labeled"]),
                Step("get configmaps -l tier=front -o name", shows: ["configmap/one"]),
                Step("get configmaps -l '!tier' -o name", shows: ["configmap/two"]),
                Step("get configmaps --show-labels", shows: ["tier=front"]),
                Step("get deployment web -o yaml", shows: ["kind: Deployment", "progressDeadlineSeconds: 600"]),
                Step("get deployment web -o json", shows: ["\"kind\": \"Deployment\""]),
                Step("get services -o 'custom-columns=N:.metadata.name,P:.spec.ports[0].targetPort'", shows: ["web", "8080"]),
                Step("get namespaces", shows: ["default", "kube-node-lease", "Active"]),
                Step("get events", shows: ["No resources found"]),
                Step("version", shows: ["v1.33"]),
                Step("api-resources", shows: ["deployments", "steady.dev/v1", "endpointslices"]),
                Step("api-versions", shows: ["apps/v1", "discovery.k8s.io/v1", "\nv1"]),
                Step("cluster-info", shows: ["running at"]),
                Step("explain deployment.spec.replicas", shows: ["replicas"], since: 27),
                Step("get --raw /healthz", shows: ["ok"]),
                Step("get --raw /readyz", shows: ["ok"]),
                Step("get --raw /metrics", shows: ["steady_api_requests_total{verb=\"list\",resource=\"configmaps\",code=\"200\"}"]),
            ])
    }

    @Test(arguments: Kubectl.found) func `Objects are changed by every kind of patch`(kubectl: Kubectl) throws {
        try play(
            kubectl,
            [
                Step("apply -f -", input: Self.web),
                Step("scale deployment web --replicas=5", shows: ["deployment.apps/web scaled"]),
                Step("scale deployment web --replicas=6 --current-replicas=5", shows: ["deployment.apps/web scaled"]),
                Step("scale deployment web --replicas=7 --current-replicas=5", code: 1, shows: ["Expected replicas to be 5, was 6"]),
                Step("set image deployment/web web=web:v3", shows: ["deployment.apps/web image updated"]),
                Step("set env deployment/web A=b", shows: ["deployment.apps/web env updated"]),
                Step("patch deployment web -p '{\"spec\":{\"minReadySeconds\":1}}'", shows: ["patched"]),
                Step("patch deployment web --type=merge -p '{\"spec\":{\"revisionHistoryLimit\":3}}'", shows: ["patched"]),
                Step(
                    "patch deployment web --type=json -p '[{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":9}]'",
                    shows: ["patched"]),
                Step("annotate deployment web note=hello", shows: ["annotate"]),
                Step("annotate deployment web note-", shows: ["annotate"]),
                Step(
                    "get deployment web -o 'jsonpath={.spec.replicas} {.spec.minReadySeconds} {.spec.revisionHistoryLimit} "
                        + "{.spec.template.spec.containers[0].image} {.spec.template.spec.containers[0].env[0].value} {.metadata.annotations.note}'",
                    shows: ["9 1 3 web:v3 b "]),
                Step("edit deployment web", shows: ["deployment.apps/web edited"]),
                Step("get deployment web -o jsonpath={.spec.replicas}", shows: ["2"]),
                Step("rollout pause deployment web", shows: ["paused"]),
                Step("rollout resume deployment web", shows: ["resumed"]),
                Step("rollout restart deployment web", shows: ["restarted"]),
                Step("patch deployment web -p '{\"spec\":{\"replicas\":-1}}'", code: 1, shows: ["spec.replicas: Invalid value"]),
            ], environment: ["EDITOR": "sed -i 's/replicas: 9/replicas: 2/'"])
    }

    @Test(arguments: Kubectl.found) func `Rollouts are followed, listed and undone by what the objects say`(kubectl: Kubectl) throws {
        let server = try RunningServer()
        defer { server.stop() }
        func run(_ command: String, input: String? = nil) throws -> Kubectl.Output {
            try kubectl.run(Self.words(command), input: input, on: server)
        }
        _ = try run("apply -f -", input: Self.web)
        let uid = try run("get deployment web -o jsonpath={.metadata.uid}").out
        // What the Deployment controller would have made of two rollouts.
        for revision in [1, 2] {
            let set = """
                {"apiVersion":"apps/v1","kind":"ReplicaSet","metadata":{"name":"web-\(revision)","labels":{"app":"web","pod-template-hash":"\(revision)"},
                "annotations":{"deployment.kubernetes.io/revision":"\(revision)"},
                "ownerReferences":[{"apiVersion":"apps/v1","kind":"Deployment","name":"web","uid":"\(uid)","controller":true,"blockOwnerDeletion":true}]},
                "spec":{"replicas":0,"selector":{"matchLabels":{"app":"web","pod-template-hash":"\(revision)"}},"template":{
                "metadata":{"labels":{"app":"web","pod-template-hash":"\(revision)"}},
                "spec":{"containers":[{"name":"web","image":"web:v\(revision)"}]}}}}
                """
            let made = try run("create -f -", input: set)
            #expect(made.code == 0, "\(made.text)")
        }
        _ = try run("annotate deployment web deployment.kubernetes.io/revision=2")
        let history = try run("rollout history deployment web")
        #expect(history.out.contains("REVISION") && history.out.contains("\n2 "), "\(history.text)")
        let first = try run("rollout history deployment web --revision=1")
        #expect(first.out.contains("web:v1"), "\(first.text)")
        let undone = try run("rollout undo deployment web --to-revision=1")
        #expect(undone.out.contains("rolled back"), "\(undone.text)")
        let image = try run("get deployment web -o 'jsonpath={.spec.template.spec.containers[*].image}'")
        #expect(image.out == "web:v1")

        let status = try kubectl.start(["rollout", "status", "deployment/web"], on: server)
        #expect(status.waitForOutput("Waiting"))
        let generation = try run("get deployment web -o jsonpath={.metadata.generation}").out
        let done = """
            {"status":{"observedGeneration":\(generation),"replicas":3,"updatedReplicas":3,"readyReplicas":3,"availableReplicas":3}}
            """
        // Written as a controller writes it: to the status subresource.
        let code = try Self.curl("PATCH", "/apis/apps/v1/namespaces/default/deployments/web/status", done, on: server)
        #expect(code == 200)
        let finished = status.finish()
        #expect(finished.code == 0 && finished.out.contains("successfully rolled out"), "\(finished.text)")
    }

    @Test(arguments: Kubectl.found) func `Watches print what changes while they run`(kubectl: Kubectl) throws {
        let server = try RunningServer()
        defer { server.stop() }
        let watch = try kubectl.start(["get", "configmaps", "-w"], on: server)
        let named = try kubectl.start(["get", "configmap", "kube-root", "-w", "--ignore-not-found"], on: server)
        defer { named.terminate() }
        _ = try kubectl.run(["create", "configmap", "first", "--from-literal=a=b"], on: server)
        #expect(watch.waitForOutput("first"))
        _ = try kubectl.run(["create", "configmap", "second", "--from-literal=a=b"], on: server)
        #expect(watch.waitForOutput("second"))
        watch.terminate()
        let text = watch.finish().out
        #expect(text.components(separatedBy: "NAME").count == 2, "the head is printed once: \(text)")
    }

    @Test(arguments: Kubectl.found) func `delete and wait end when the object is gone or as wanted`(kubectl: Kubectl) throws {
        let server = try RunningServer()
        defer { server.stop() }
        func run(_ command: String, input: String? = nil) throws -> Kubectl.Output {
            try kubectl.run(Self.words(command), input: input, on: server)
        }
        for name in ["a", "b"] { _ = try run("create -f -", input: Self.pod(name)) }
        _ = try run("create -f -", input: Self.pod("c", node: "a1"))
        #expect(try run("delete pod a").code == 0)
        if kubectl.minor >= 27 {
            let dry = try run("delete pod b --dry-run=server")
            #expect(dry.out.contains("server dry run"), "\(dry.text)")
        }
        #expect(try run("get pod b").code == 0)

        let waiting = try kubectl.start(["wait", "--for=condition=Ready", "pod/b", "--timeout=90s"], on: server)
        let ready = #"{"status":{"conditions":[{"type":"Ready","status":"True"}]}}"#
        #expect(try Self.curl("PATCH", "/api/v1/namespaces/default/pods/b/status", ready, on: server) == 200)
        let met = waiting.finish()
        #expect(met.out.contains("pod/b condition met"), "\(met.text)")

        // A pod on a node goes only when its agent says that its processes are gone: here its part is played by the second delete.
        let deleting = try kubectl.start(["delete", "pod", "c"], on: server)
        #expect(deleting.waitForOutput("deleted"))
        let terminating = try run("get pod c")
        #expect(terminating.out.contains("Terminating"), "\(terminating.text)")
        #expect(try Self.curl("DELETE", "/api/v1/namespaces/default/pods/c?gracePeriodSeconds=0", "", on: server) == 200)
        #expect(deleting.finish().code == 0)
        if kubectl.minor >= 27 { #expect(try run("wait --for=delete pod/c --timeout=5s").code == 0) }
        #expect(try run("delete pods --all").code == 0)
        #expect(try run("get pods").err.contains("No resources found"))
    }

    @Test(arguments: Kubectl.found) func `describe and logs show objects with what belongs to them`(kubectl: Kubectl) throws {
        let node = #"{"apiVersion":"v1","kind":"Node","metadata":{"name":"a1","labels":{"topology.kubernetes.io/zone":"a"}}}"#
        let event = """
            {"apiVersion":"v1","kind":"Event","metadata":{"name":"p.1","namespace":"default"},"involvedObject":{"kind":"Pod","name":"p",
            "namespace":"default"},"reason":"Started","message":"Started container web","type":"Normal","count":1,
            "firstTimestamp":"2026-01-01T00:00:00Z","lastTimestamp":"2026-01-01T00:00:00Z","source":{"component":"agent"}}
            """
        try play(
            kubectl,
            [
                Step("apply -f -", input: Self.web),
                Step("create -f -", input: node),
                Step("create -f -", input: Self.pod("p", node: "a1")),
                Step("create -f -", input: event),
                Step("create secret generic key --from-literal=p=q"),
                Step("describe pod p", shows: ["Name:", "Node:", "a1", "Image:", "web:v1"]),
                Step("describe deployment web", shows: ["3 desired", "25% max unavailable"]),
                Step("describe service web", shows: ["TargetPort:", "8080/TCP"]),
                Step("describe node a1", shows: ["topology.kubernetes.io/zone=a", "Non-terminated Pods:", "(1 in total)"]),
                Step("describe namespace default", shows: ["Active"]),
                Step("describe configmap one", shows: ["a:"]),
                Step("describe secret key", shows: ["p:  1 bytes"]),
                Step("get events", shows: ["Started container web", "pod/p"]),
                Step("events", shows: ["Started container web"], since: 27),
                Step("logs p", shows: ["log of /logs/default/p/web"]),
                Step("logs p -c web --tail=5 --timestamps", shows: ["tailLines=5"]),
                Step("logs p --previous", shows: ["previous=true"]),
                Step("logs p -f", shows: ["follow=true"]),
                Step("logs p -c other", code: 1, shows: ["container other is not valid for pod p"]),
                Step("cordon a1", shows: ["node/a1 cordoned"]),
                Step("get nodes", shows: ["SchedulingDisabled"]),
                Step("uncordon a1", shows: ["node/a1 uncordoned"]),
                Step("taint nodes a1 k=v:NoSchedule", shows: ["node/a1 tainted"]),
            ])
    }

    /// A request that kubectl has no verb for; the HTTP code.
    private static func curl(_ method: String, _ path: String, _ body: String, on server: RunningServer) throws -> Int? {
        var request = URLRequest(url: try #require(URL(string: "http://\(server.address)\(path)")))
        request.httpMethod = method
        if !body.isEmpty {
            request.httpBody = Data(body.utf8)
            request.setValue("application/merge-patch+json", forHTTPHeaderField: "Content-Type")
        }
        let semaphore = DispatchSemaphore(value: 0)
        let code = Answered()
        let task = URLSession.shared.dataTask(with: request) { _, response, _ in
            code.value = (response as? HTTPURLResponse)?.statusCode
            semaphore.signal()
        }
        task.resume()
        _ = semaphore.wait(timeout: .now() + 20)
        return code.value
    }

    private final class Answered: @unchecked Sendable { var value: Int? }
}
