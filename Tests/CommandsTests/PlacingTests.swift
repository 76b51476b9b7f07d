import Foundation
import Resources
import Testing

@testable import Commands

struct PlacingTests {
    private static let map = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n  labels: {app: web}\n"
    private static let placed = map + "  namespace: default\n"
    private static let refusal =
        #"error: X:6:3: the namespace from the provided object "default" does not match the namespace "foo". You must pass '--namespace=default' to perform this operation."#
        + "\n"

    /// What is refused is refused before the server is asked: there is none.
    private func run(_ words: [String], _ text: String) throws -> String {
        let folder = try ManifestFolder(["x.yaml": text])
        let run = try Capture(words + ["-f", folder.path + "/x.yaml", "--data-dir", "/nonexistent"])
        return run.error.replacingOccurrences(of: folder.path + "/x.yaml", with: "X")
    }

    @Test(arguments: [
        ["apply"], ["create"], ["delete"], ["get"], ["describe"], ["scale", "--replicas", "1"], ["label", "a=b"], ["annotate", "a=b"],
        ["wait", "--for=delete"],
        ["rollout", "restart"],
    ])
    func `a namespace that the command line contradicts is refused`(words: [String]) throws {
        #expect(try run(words + ["-n", "foo"], Self.placed) == Self.refusal)
        for fitting in [["-n", "default"], []] {
            #expect(try !run(words + fitting, Self.placed).contains("does not match"))
        }
        #expect(try !run(words + ["-n", "foo"], Self.map).contains("does not match"))
    }

    @Test func `labels choose among the objects of a file`() throws {
        #expect(try run(["apply", "-l", "app=db"], Self.map) == "error: no objects passed to apply: none has labels that app=db selects\n")
        #expect(try run(["apply", "-l", "app=web"], Self.map).contains("no instance runs on"))
    }

    @Test func `a file and names do not go together, and a kind alone is not all of it`() throws {
        #expect(try run(["get", "pods"], Self.map) == "error: found pods beside -f: name objects, or a manifest of them\n")
        for words in [["scale", "deployment", "--replicas", "1"], ["label", "pods", "a=b"], ["set", "image", "deployment", "a=b"]] {
            let run = try Capture(words + ["--server", "unix:/nonexistent"])
            #expect(run.error == "error: which ones? name them, choose by -l QUERY, or say --all\n")
            #expect(run.exitCode == 2)
        }
    }

    @Test func `what apply cannot do yet it says`() throws {
        let run = try Capture(["apply", "--server-side", "-f", "x.yaml"])
        #expect(run.exitCode == 2)
        #expect(run.error.contains("server-side apply is not there yet"))
        #expect(try Capture(["apply", "-f", "/dev/null", "-o", "wide"]).exitCode != 0)
    }

    @Test(arguments: ["label", "annotate", "apply"]) func `an unknown output format is answered with those there are`(verb: String) throws {
        let run = try self.run([verb, "a=b", "-o", "wide"].filter { verb != "apply" || $0 != "a=b" }, Self.map)
        #expect(run == "error: --output: found \"wide\", allowed are yaml, json, name, go-template=…, jsonpath=…\n")
    }
}
