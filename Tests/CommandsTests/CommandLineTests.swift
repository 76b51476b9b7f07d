import Formats
import Testing
import Timing

@testable import Commands

struct CommandLineTests {
    private func parse(_ line: String) throws(CommandError) -> Invocation? {
        let words = line.split(separator: " ").map(String.init)
        guard case .run(let invocation) = try CommandLineParser(verbs: Verb.all).parse(words, terminal: Terminal()) else { return nil }
        return invocation
    }

    @Test(arguments: [
        ("get pods", "get"), ("--data-dir /x get pods", "get"), ("-s 127.0.0.1:1 get pods", "get"), ("--data-dir=/x get pods", "get"),
        ("rollout status deployment/web", "rollout status"), ("rollout status -n x deployment/web", "rollout status"),
        ("create -f x.yaml", "create"), ("create configmap x", "create configmap"), ("create cm x", "create configmap"),
        ("create ns x", "create namespace"), ("create secret generic x", "create secret"), ("set image deployment/web a=b", "set image"),
        ("zone fail b", "zone fail"),
    ])
    func `the verb is found, of one word or two`(line: String, verb: String) throws {
        #expect(try parse(line)?.verb.name == verb)
    }

    @Test(arguments: ["a,,b", ",", "a,a", "A", "-a", "a_b"]) func `zones are distinct names, and none is empty`(zones: String) throws {
        #expect(try parse("simulate -f x.yaml --zones a,b-2,3")?.zones() == ["a", "b-2", "3"])
        let invocation = try #require(try parse("simulate -f x.yaml --zones=\(zones)"))
        #expect(throws: CommandError.self) { try invocation.zones() }
    }

    @Test func `flags stand anywhere, with their values beside or behind`() throws {
        let invocation = try #require(try parse("get -owide pods -n=x --selector app=web web -Aw --show-labels=false -- --rest"))
        #expect(invocation.words == ["pods", "web"])
        #expect(invocation.value("output") == "wide")
        #expect(invocation.namespace == "x")
        #expect(invocation.value("selector") == "app=web")
        #expect(invocation.isSet("all-namespaces") && invocation.isSet("watch"))
        #expect(!invocation.isSet("show-labels") && invocation.isGiven("show-labels"))
        #expect(invocation.rest == ["--rest"])
    }

    @Test func `a repeating flag keeps all values, another the last`() throws {
        let invocation = try #require(try parse("apply -f a -f b -n x -n y"))
        #expect(invocation.all("filename") == ["a", "b"])
        #expect(invocation.namespace == "y")
    }

    @Test(arguments: [
        ("gt pods", "unknown command \"gt\"; did you mean \"get\"?\nsteady --help lists all commands"),
        ("rollout stat", "unknown command \"rollout stat\"; did you mean \"rollout status\"?\nsteady --help lists all commands"),
        ("get pods --wach", "unknown flag --wach; did you mean --watch?\nsteady get --help lists all flags"),
        ("get pods -Z", "unknown flag -Z\nsteady get --help lists all flags"),
        ("get pods -o", "-o needs a value: -o FORMAT"),
        ("--data-dir /x", "which command? found only --data-dir /x\nsteady --help lists all commands"),
    ])
    func `a mistake is named, with the nearest right word`(line: String, message: String) {
        let error = #expect(throws: CommandError.self) { try parse(line) }
        #expect(error?.message == message)
        #expect(error?.exitCode == 2)
    }

    @Test(arguments: [
        ("30s", Duration.seconds(30)), ("1m30s", .seconds(90)), ("500ms", .milliseconds(500)), ("1.5h", .seconds(5400)), ("0", .zero),
        ("-1s", .seconds(-1)), ("10", .seconds(10)), ("2us", .microseconds(2)),
    ])
    func `lengths of time are read as Go writes them`(text: String, duration: Duration) {
        #expect(Duration(goText: text) == duration)
    }

    @Test(arguments: ["", "s", "1x", "1m-3s", "m1"]) func `other lengths of time are refused`(text: String) {
        #expect(Duration(goText: text) == nil)
    }
}

struct HelpTests {
    @Test func `every listed verb has an example of its own`() throws {
        for verb in Verb.all where verb.group != .hidden {
            #expect(!verb.examples.isEmpty, "\(verb.name) has no example")
            #expect(verb.examples.first?.line.contains("steady \(verb.name)") == true, "\(verb.name)")
        }
    }

    @Test func `no verb has two flags of one name or letter`() {
        for verb in Verb.all {
            let names = verb.flags.map(\.name)
            #expect(Set(names).count == names.count, "\(verb.name)")
            let letters = verb.flags.compactMap(\.short)
            #expect(Set(letters).count == letters.count, "\(verb.name)")
        }
    }

    @Test func `the program lists every verb, a verb its flags, a first word its verbs`() throws {
        let whole = try Capture(["--help"])
        #expect(whole.exitCode == 0)
        for verb in Verb.all where verb.group != .hidden { #expect(whole.output.contains("  \(verb.name) "), "\(verb.name)") }
        let get = try Capture(["get", "--help"])
        for words in ["Usage:\n  steady get (KIND", "Examples:\n", "-o, --output FORMAT", "--data-dir DIR"] {
            #expect(get.output.contains(words))
        }
        #expect(try Capture(["help", "get"]).output == get.output)
        #expect(try Capture(["rollout"]).output.hasPrefix("Commands of steady rollout:\n  rollout status"))
        #expect(try Capture([]).output == whole.output)
    }
}

struct ExitCodeTests {
    @Test(arguments: [
        (["get", "pods", "--data-dir", "/nonexistent"], 1, "error: no instance runs on /nonexistent; start one with: steady up\n"),
        (
            ["get", "pods", "--server", "x"], 2,
            "error: --server: found \"x\", allowed is 127.0.0.1:PORT, http://127.0.0.1:PORT or unix:PATH\n"
        ),
        (
            ["get", "pods", "-o", "yml"], 2,
            "error: --output: found \"yml\", allowed are wide, yaml, json, name, go-template=…, jsonpath=…, custom-columns=…; did you mean yaml?\n"
        ),
        (["get"], 2, "error: name what: a kind (pods), or kind and name (pods/web, deployment web)\n"),
        (["get", "pod", "x", "-A"], 2, "error: a name cannot be looked for in all namespaces; name one with -n\n"),
        (["get", "podz"], 1, "error: the server doesn't have a resource type \"podz\"; did you mean \"pod\"?\n"),
        (["scale", "deployment/web"], 2, "error: --replicas is missing: steady scale deployment/web --replicas 3\n"),
        (
            ["scale", "deployment/web", "--replicas", "x"], 2,
            "error: --replicas: found \"x\", allowed is a whole number from 0 to 100000\n"
        ),
        (["apply"], 2, "error: what to apply? name a file: steady apply -f web.yaml\n"),
        (["apply", "-f", "/nonexistent.yaml"], 1, "error: the path \"/nonexistent.yaml\" does not exist\n"),
        (["down", "--data-dir", "/nonexistent"], 1, "error: no instance runs on /nonexistent\n"),
        (["kubeconfig", "--data-dir", "/nonexistent"], 1, "error: no instance is kept in /nonexistent; start one with: steady up\n"),
        (["set", "image", "deployment/web"], 2, "error: which image? write CONTAINER=IMAGE: steady set image deployment/web web=web:v2\n"),
        (["install", "--user", "--system"], 2, "error: --user and --system exclude each other\n"),
    ])
    func `what cannot be done says so once, with a code for scripts`(arguments: [String], code: Int32, message: String) throws {
        let run = try Capture(arguments)
        #expect(run.error == message)
        #expect(run.exitCode == code)
        #expect(run.output.isEmpty)
    }
}
