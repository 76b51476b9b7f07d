import Formats
import Foundation
import Resources
import Testing

@testable import Commands

struct ManifestTests {
    private static let deployment = """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: x
        spec:
          replicas: 1
          selector:
            matchLabels: {app: x}
          template:
            metadata:
              labels: {app: x}
            spec:
              containers:
              - name: c
                image: i
                ports:
                - containerPort: 8080

        """

    @Test(arguments: [
        ("apps/v1", "apps/v2", "a.yaml:2:7: no kind Deployment in apiVersion \"apps/v2\"; it is in \"apps/v1\""),
        ("replicas", "replica", "a.yaml:6:3: unknown field \"spec.replica\", did you mean \"replicas\"?"),
        (
            "containerPort", "containerPrt",
            "a.yaml:17:11: unknown field \"spec.template.spec.containers[0].ports[0].containerPrt\", did you mean \"containerPort\"?"
        ),
        ("name: x", "name: yes", "a.yaml:4:3: metadata.name is missing or no string (found the boolean true: quote it)"),
        (
            "labels: {app: x}", "labels: {app: 0644}",
            "a.yaml:11:16: spec.template.metadata.labels.app: found integer 420, allowed string: quote it"
        ),
        (
            "replicas: 1", "replicas: 1\n  replicas: 2", "a.yaml:7:3: spec.replicas stands here a second time; the first is at 6:3"
        ),
        ("  name: x", "\tname: x", "a.yaml:4:1: tabs may not indent: use spaces"),
        ("replicas: 1", "replicas: \"1\"", "a.yaml:6:3: spec.replicas: found string \"1\", allowed integer"),
        ("kind: Deployment", "", "a.yaml: kind is missing or no string; allowed is for example Deployment"),
    ])
    func `a mistake is told with its place, what was found, and what is right`(right: String, wrong: String, message: String) throws {
        var text = Self.deployment
        text.replaceSubrange(try #require(text.range(of: right)), with: wrong)
        let folder = try ManifestFolder(["a.yaml": text])
        let problem = folder.problem("a.yaml")
        // Columns of what is missing are those of what is nearest.
        let (told, wanted) = (problem.split(separator: ": ", maxSplits: 1), message.split(separator: ": ", maxSplits: 1))
        #expect(told.last == wanted.last)
        if wanted.first?.contains(":") == true, !message.contains("tabs") { #expect(told.first == wanted.first) }
    }

    @Test func `an unknown kind is answered with the nearest`() throws {
        let folder = try ManifestFolder(["a.yaml": Self.deployment.replacingOccurrences(of: "kind: Deployment", with: "kind: Deploymnt")])
        #expect(
            folder.problem("a.yaml").hasPrefix("a.yaml:2:7: unknown kind \"Deploymnt\" in apiVersion \"apps/v1\"; did you mean Deployment?")
        )
    }

    @Test func `every mistake of every document is told at once`() throws {
        let bad = Self.deployment.replacingOccurrences(of: "replicas", with: "replica")
        let folder = try ManifestFolder(["a.yaml": bad + "---\n" + bad, "b.yaml": bad])
        #expect(folder.problem("").split(separator: "\n").count == 3)
    }

    @Test func `directories are read in order, deeper ones when asked for`() throws {
        func map(_ name: String) -> String { "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \(name)}\n" }
        let folder = try ManifestFolder([
            "b.yml": map("b"), "a.yaml": map("a"), "c.json": "{\"apiVersion\":\"v1\",\"kind\":\"ConfigMap\",\"metadata\":{\"name\":\"c\"}}",
            "notes.txt": "nothing", "deeper/d.yaml": map("d"),
        ])
        #expect(try Manifests.load([folder.path], recursive: false).map(\.key.name) == ["a", "b", "c"])
        #expect(try Manifests.load([folder.path], recursive: true).map(\.key.name) == ["a", "b", "c", "d"])
        #expect(try Manifests.load([folder.path + "/b.yml", folder.path + "/a.yaml"], recursive: false).map(\.key.name) == ["b", "a"])
    }

    @Test func `a List is its items, and empty documents are nothing`() throws {
        let folder = try ManifestFolder([
            "a.yaml": """
            ---
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: ConfigMap, metadata: {name: a}}
            - {apiVersion: v1, kind: Secret, metadata: {name: b}}
            ---
            # nothing
            """,
            "empty.yaml": "", "notes/readme.txt": "",
        ])
        #expect(try Manifests.load([folder.path + "/a.yaml"], recursive: false).map(\.type) == [.configMaps, .secrets])
        #expect(folder.problem("empty.yaml") == "no objects passed to apply: the files hold no document")
        #expect(
            folder.problem("notes")
                == "notes holds no manifest: files that end in .yaml, .yml or .json (-R also looks into its folders)")
    }

    @Test func `unknown fields are errors, warnings or nothing, as asked`() throws {
        let folder = try ManifestFolder(["a.yaml": Self.deployment.replacingOccurrences(of: "replicas", with: "replica")])
        for validation in [FieldValidation.warn, .ignore] {
            let quiet = open("/dev/null", O_WRONLY)
            defer { close(quiet) }
            let found = try Manifests.load(
                [folder.path], recursive: false, validation: validation, terminal: Terminal(output: quiet, error: quiet))
            #expect(found.count == 1)
        }
    }

    @Test func `an image's program is found from the manifest's folder, or said to be missing`() throws {
        func image(_ program: String) -> String {
            "apiVersion: steady.dev/v1\nkind: Image\nmetadata: {name: i}\nspec:\n  reference: i\n  command: [\(program)]\n"
        }
        let folder = try ManifestFolder([
            "bin/run": "#!/bin/sh\n", "a.yaml": image("bin/run"), "b.yaml": image("./nothing"), "c.yaml": image("nosuchprogram"),
            "d.yaml": image("sh"),
        ])
        #expect(folder.problem("a.yaml").hasPrefix("a.yaml:6:13: spec.command[0]: bin/run may not be executed; try: chmod +x "))
        chmod(folder.path + "/bin/run", 0o755)
        let found = try Manifests.load([folder.path + "/a.yaml"], recursive: false)
        #expect(found[0].value["spec"]["command"] == [.string(folder.path + "/bin/run")])
        #expect(folder.problem("b.yaml").hasPrefix("b.yaml:6:13: spec.command[0]: nothing does not exist; build it first"))
        #expect(folder.problem("c.yaml").hasPrefix("c.yaml:6:13: spec.command[0]: \"nosuchprogram\" is not found in PATH"))
        #expect(
            try Manifests.load([folder.path + "/d.yaml"], recursive: false)[0].value["spec"]["command"].elements[0].string?.hasSuffix("/sh")
                == true)
    }

    @Test func `a field path is read as it is written`() {
        #expect(
            Manifest.path("spec.containers[0].ports[12].name") == [
                .key("spec"), .key("containers"), .index(0), .key("ports"), .index(12), .key("name"),
            ])
    }
}
