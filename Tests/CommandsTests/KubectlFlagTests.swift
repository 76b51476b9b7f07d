import Formats
import Foundation
import Resources
import Testing

@testable import Commands

/// Flags as kubectl has them, as far as no server is needed; the others are typed against a running instance in `FlagMatrixTests`.
struct KubectlFlagTests {
    private static let manifest = """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: one, namespace: default, labels: {app: p}}
        ---
        apiVersion: apps/v1
        kind: Deployment
        metadata: {name: web, namespace: default, labels: {app: q}}
        spec:
          selector: {matchLabels: {app: q}}
          template:
            metadata: {labels: {app: q}}
            spec:
              containers:
              - {name: web, image: "web:v1", env: [{name: A, value: b}]}
              - {name: side, image: "side:v1"}
        """

    /// What is typed behind `steady`, with `FILE` for a manifest; there is no server.
    private func run(_ words: [String], _ text: String = manifest) throws -> Capture {
        let folder = try ManifestFolder(["x.yaml": text])
        return try Capture(
            words.map { $0.replacingOccurrences(of: "FILE", with: folder.path + "/x.yaml") } + ["--data-dir", "/nonexistent"])
    }

    @Test(arguments: [
        (["label", "--local", "-f", "FILE", "x=y"], "configmap/one labeled\ndeployment.apps/web labeled\n"),
        (["label", "--local", "-f", "FILE", "-l", "app=p", "x=y", "-o", "jsonpath={.metadata.labels}"], "{\"app\":\"p\",\"x\":\"y\"}"),
        (
            ["label", "--local", "-f", "FILE", "-l", "app=p", "x=y", "app-", "-o", "yaml"],
            "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  labels:\n    x: \"y\"\n  name: one\n  namespace: default\n"
        ),
        (["label", "--local", "-f", "FILE", "-l", "app=p", "c-"], "label \"c\" not found.\nconfigmap/one not labeled\n"),
        (["annotate", "--local", "-f", "FILE", "-l", "app=p", "c-"], "configmap/one annotated\n"),
        (["annotate", "--local", "-f", "FILE", "-o", "name", "a=b"], "configmap/one\ndeployment.apps/web\n"),
        (["set", "image", "--local", "-f", "FILE", "-l", "app=q", "web=web:v2"], "deployment.apps/web image updated\n"),
        (
            [
                "set", "image", "--local", "-f", "FILE", "-l", "app=q", "*=web:v2", "-o",
                "go-template={{range .spec.template.spec.containers}}{{.name}}={{.image}} {{len .env}};{{end}}",
            ], "web=web:v2 1;side=web:v2 0;"
        ),
        (["set", "image", "--local", "-f", "FILE", "-l", "app=q", "web=web:v1"], ""),
    ])
    func `--local changes what a file holds, and asks nobody`(words: [String], text: String) throws {
        // `len` of an absent list is an error, as in Go.
        let words = words.map { $0.replacingOccurrences(of: "{{len .env}}", with: "{{if .env}}{{len .env}}{{else}}0{{end}}") }
        let run = try run(words)
        #expect(run.output == text)
        #expect(run.error.isEmpty && run.exitCode == 0)
    }

    @Test(arguments: [
        (
            ["apply", "-k", "overlay"],
            "-k: kustomize is not built in; let kubectl make the manifests: kubectl kustomize overlay | steady apply -f -"
        ),
        (
            ["delete", "-k", "overlay"],
            "-k: kustomize is not built in; let kubectl make the manifests: kubectl kustomize overlay | steady delete -f -"
        ),
        (["label", "--local", "cm", "one", "a=b"], "--local changes what files hold, and asks no server: name them with -f FILE"),
        (["apply", "-f", "FILE", "--prune"], "all resources selected for prune without explicitly passing --all."),
        (["apply", "-f", "FILE", "--prune", "--all", "-l", "app=p"], "cannot set --all and --selector at the same time"),
        (
            ["apply", "-f", "FILE", "--prune", "--all", "--prune-allowlist", "ConfigMap"],
            "--prune-allowlist: found \"ConfigMap\", allowed is"
        ),
        (["apply", "-f", "FILE", "--prune", "--all", "--prune-allowlist", "core/v1/Job"], "--prune-allowlist: no kind Job in core/v1"),
        (["apply", "-f", "FILE", "--cascade=never"], "--cascade: found \"never\", allowed are background, foreground, orphan"),
        (["scale", "deployment/web", "--replicas", "2", "--dry-run=yes"], "--dry-run: found \"yes\", allowed are none, client, server"),
        (["get", "pods", "-o", "go-template"], "template format specified but no template given: write -o go-template=… or --template=…"),
        (["get", "pods", "-o", "go-template={{lenn .}}"], "go-template:1: function \"lenn\" not defined; did you mean len?"),
        (["get", "pods", "-o", "jsonpath-as-jso={.x}"], "did you mean jsonpath-as-json?"),
        (["get", "pods", "--subresource", "status"], "subresource cannot be used when bulk resources are specified"),
        (["get", "pod", "x", "--subresource", "scale"], "--subresource: pods have no scale"),
        (["get", "pod", "x", "--subresource", "log"], "--subresource: found \"log\", allowed are status, scale"),
        (["get", "pods", "--allow-missing-template-keys=false"], "--allow-missing-template-keys=false is not built in"),
        (["get", "pods", "--chunk-sice=5"], "unknown flag --chunk-sice\n"),
        (["get", "--raw", "readyz"], "--raw takes one path and nothing else"),
        (["drain", "a1", "--pod-selector", "a in"], "--pod-selector: "),
    ])
    func `what cannot be is said, as a mistake of typing`(words: [String], message: String) throws {
        let run = try run(words)
        // What needs an instance says first that there is none, unless the mistake is found before.
        #expect(run.error.contains(message) || words[0] == "drain" && run.error.contains("no instance"), "\(run.error)")
        #expect(run.exitCode == 2 || words[0] == "drain")
    }

    @Test func `what kubectl's scripts say and what means nothing here is taken`() throws {
        let run = try run(["label", "--local", "-f", "FILE", "-l", "app=p", "x=y", "--field-manager", "me", "--show-managed-fields=false"])
        #expect(run.output == "configmap/one labeled\n")
        for flags in [["--chunk-size=0", "--server-print=false"], ["--allow-missing-template-keys=true"]] {
            #expect(try Capture(["get", "pods", "--data-dir", "/nonexistent"] + flags).error.contains("no instance runs on /nonexistent"))
        }
        #expect(try Capture(["doctor", "--chunk-size=0"]).error.contains("unknown flag --chunk-size"))
        #expect(try !Capture(["get", "--help"]).output.contains("chunk-size"))
    }

    @Test func `create -l of nothing says so`() throws {
        let run = try run(["create", "-f", "FILE", "-l", "app=none"])
        #expect(run.error.hasPrefix("error: no objects passed to create"))
    }

    @Test func `jsonpath-as-json has a list for each expression`() throws {
        let object: Value = ["a": [1, "x"], "b": ["c": true]]
        let path = try JSONPath("{.a[*]} and {.b}{.none}")
        #expect(
            try ObjectOutput.jsonPathValues(path).text(of: object)
                == "[\n    1,\n    \"x\"\n]\n[\n    {\n        \"c\": true\n    }\n]\n[]\n")
    }

    @Test(arguments: [
        ("web-2", "web-10", true), ("web-10", "web-2", false), ("a", "b", true), ("a1", "a1b", true), ("a", "a", false), ("2", "10", true),
        ("a01", "a1", false), ("x9y", "x10a", true),
    ])
    func `sort-by counts numbers inside of names by what they are worth`(a: String, b: String, isBefore: Bool) {
        #expect(a.isNaturallyBefore(b) == isBefore)
    }
}

struct PruningTests {
    private func object(_ name: String, isApplied: Bool = true, isGoing: Bool = false) -> Value {
        var out: Value = ["metadata": ["name": .string(name), "namespace": "default"]]
        if isApplied { out["metadata"]["annotations"] = ["kubectl.kubernetes.io/last-applied-configuration": "{}"] }
        if isGoing { out["metadata"]["deletionTimestamp"] = "2026-11-21T08:47:00Z" }
        return out
    }

    @Test func `only what apply made, and what is not applied now, is pruned`() {
        let kept: Set = [ObjectKey(.configMaps, namespace: "default", name: "kept")]
        #expect(Pruning.isStale(object("old"), .configMaps, kept))
        #expect(!Pruning.isStale(object("kept"), .configMaps, kept))
        #expect(Pruning.isStale(object("kept"), .secrets, kept))
        #expect(!Pruning.isStale(object("made by create", isApplied: false), .configMaps, kept))
        #expect(!Pruning.isStale(object("going", isGoing: true), .configMaps, kept))
    }
}

struct ImageHintTests {
    private func deployment(_ name: String, _ images: [String], namespace: String = "default", replicas: Int64 = 1) -> Value {
        let containers = images.map { image -> Value in ["name": "c", "image": .string(image)] }
        return [
            "metadata": ["name": .string(name), "namespace": .string(namespace)],
            "spec": ["replicas": .int(replicas), "template": ["spec": ["containers": .array(containers)]]],
        ]
    }

    private let image: Value = ["metadata": ["name": "web-v1"], "spec": ["reference": "docker.io/library/web:v1"]]

    @Test func `a changed Image names what replaces the pods that run`() {
        let deployments = [
            deployment("web", ["web:v1"]), deployment("api", ["x", "web:v1"]), deployment("blue", ["web:v1"], namespace: "blue"),
            deployment("other", ["web:v2"]), deployment("asleep", ["web:v1"], replicas: 0), deployment("rolls", ["web:v1"]),
        ]
        let rolling: Set = [ObjectKey(.deployments, namespace: "default", name: "rolls")]
        #expect(
            ImageHint.lines([image], deployments: deployments, rolling: rolling) == [
                "image.steady.dev/web-v1: running pods keep what they began with; to replace them: "
                    + "steady rollout restart -n blue deployment/blue; steady rollout restart deployment/api deployment/web"
            ])
    }

    @Test func `an Image that nobody uses needs nothing`() {
        #expect(ImageHint.lines([image], deployments: [deployment("web", ["web"])], rolling: []).isEmpty)
    }
}
