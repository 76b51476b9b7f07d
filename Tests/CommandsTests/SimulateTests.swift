import Formats
import Foundation
import Simulation
import Testing
import Timing

@testable import Commands

struct SimulateTests {
    private static func manifest(replicas: Int = 3, extra: String = "") -> String {
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata: { name: web }
        spec:
          replicas: \(replicas)
          selector: { matchLabels: { app: web } }
          \(extra)
          template:
            metadata: { labels: { app: web } }
            spec:
              containers:
                - name: web
                  image: web:v1
                  ports: [{ containerPort: 8080 }]
                  readinessProbe: { httpGet: { path: /ready, port: 8080 }, periodSeconds: 1 }
        ---
        apiVersion: v1
        kind: Service
        metadata: { name: web }
        spec: { selector: { app: web }, ports: [{ port: 80, targetPort: 8080 }] }
        """
    }

    private func run(_ manifest: String, _ words: String) throws -> Capture {
        let folder = try ManifestFolder(["app.yaml": manifest])
        return try Capture(["simulate", "-f", folder.path + "/app.yaml"] + words.split(separator: " ").map(String.init))
    }

    @Test func `what is survived says so, with code 0, and the same seed says the same`() throws {
        let folder = try ManifestFolder(["app.yaml": Self.manifest()])
        let words = [
            "simulate", "-f", folder.path + "/app.yaml", "--faults", "crash", "--during", "rollout", "--seeds", "2", "--seed", "7",
        ]
        let first = try Capture(words)
        #expect(first.exitCode == 0, "\(first.error)")
        #expect(first.output.hasPrefix("web x3 on 3 nodes in 3 zones, 50 requests a second, 2 seeds each\n\nSCENARIO "))
        #expect(first.output.contains("\ncrash during rollout   survived   2/2 "))
        #expect(first.output.hasSuffix("\nIt is survived.\n"))
        #expect(try Capture(words).output == first.output)
    }

    @Test func `what is not survived comes with its story, what would help, and code 1`() throws {
        let run = try run(Self.manifest(extra: "strategy: { type: Recreate }"), "--faults none --during rollout --seeds 2 --start-time 4s")
        #expect(run.exitCode == 1)
        #expect(run.output.contains("\nrollout    LOST REQUESTS   0/2     0 of 3 "))
        #expect(run.output.contains(" user: rolls web\n"))
        #expect(run.output.contains(" requests are lost within "))
        #expect(run.output.contains("deployment/web: spec.strategy: Recreate -> RollingUpdate\n"))
        #expect(run.output.contains("    with it: rollout survived (2 of 2 seeds), lost 0 of "))
        #expect(run.output.contains("  With all of it: 1 of 1 scenarios that were not survived now are\n"))
        #expect(run.output.contains(" --start-time 4s --faults none --during rollout --seed "))
        #expect(run.output.hasSuffix("\n1 of 1 scenarios not survived.\n"))
    }

    @Test func `what was never there to fail gives no verdict, and code 1`() throws {
        let run = try run(Self.manifest(replicas: 0), "--faults crash --during steady --seeds 3 --time 5s --load 0")
        #expect(run.exitCode == 1)
        #expect(
            run.output.contains("\ncrash      not reached in 3 of 3 seeds   -       -             -      -                -\n"),
            "\(run.output)")
        #expect(run.output.hasSuffix("\n1 of 1 scenarios not reached: what was to fail was never there.\n"))
        let loaded = try self.run(Self.manifest(replicas: 0), "--faults crash --during steady --seeds 1 --time 5s")
        #expect(loaded.exitCode == 1 && loaded.output.contains("\ncrash      LOST REQUESTS   0/1 "), "\(loaded.output)")
    }

    @Test func `a fault of which nothing came is told from one that was survived`() throws {
        let run = try run(Self.manifest(), "--faults liveness-failure --during steady --seeds 2")
        #expect(run.exitCode == 0)
        #expect(run.output.contains("\nliveness-failure   survived, no effect in 2 of 2 seeds   2/2 "), "\(run.output)")
    }

    @Test func `a fault that is not over when the time is is said, in the table and in json`() throws {
        let probe = "livenessProbe: { httpGet: { path: /health, port: 8080 } }"
        let text = Self.manifest().replacing("readinessProbe:", with: probe + "\n          readinessProbe:")
        let run = try run(text, "--faults liveness-failure --during steady --seeds 2 --time 5s")
        #expect(run.exitCode == 0)
        #expect(run.output.contains("\nliveness-failure   survived, fault not over in 2 of 2 seeds   2/2 "), "\(run.output)")
        let value = try JSON.parse(
            Array(try self.run(text, "--faults liveness-failure --during steady --seeds 2 --time 5s -o json").output.utf8))
        #expect(value["scenarios"][0]["unfinishedSeeds"].int == 2 && value["scenarios"][0]["effectlessSeeds"].int == 0)
    }

    @Test func `a run has as long as the manifest's own probe and grace period take, and who says less is told`() throws {
        let probe = "livenessProbe: { httpGet: { path: /health, port: 8080 }, initialDelaySeconds: 30 }"
        let text = Self.manifest().replacing("readinessProbe:", with: probe + "\n          readinessProbe:")
        let run = try run(text, "--faults hang --during steady --seeds 1")
        #expect(run.exitCode == 0, "\(run.error)\(run.output)")
        let hasty = try self.run(text, "--faults hang --during steady --seeds 1 --time 50s")
        #expect(hasty.exitCode == 1)
        #expect(hasty.output.contains("whether hang recovers after all is seen with --time 120s.\n"), "\(hasty.output)")
    }

    @Test(arguments: [
        ("replicas: -3", "", ":5:"),
        ("replicas: 3", "{ metadata: { name: a }, spec: { type: NodePort, ports: [{ port: 80, nodePort: 30123 }] } }", ":24:"),
    ])
    func `what a server refuses is a mistake of the manifest, with its place`(replicas: String, service: String, place: String) throws {
        var text = Self.manifest().replacing("replicas: 3", with: replicas)
        if !service.isEmpty {
            for name in ["a", "b"] {
                text +=
                    "\n---\n"
                    + service.replacing("name: a", with: "name: \(name)").replacing(
                        "{ metadata", with: "{ apiVersion: v1, kind: Service, metadata")
            }
        }
        let run = try run(text, "--faults none --during scale --seeds 1")
        #expect(run.exitCode == 1 && run.output.isEmpty)
        #expect(run.error.contains("app.yaml" + place), "\(run.error)")
    }

    @Test func `what get prints is a manifest, and what is only named or without effect is said`() throws {
        let text = Self.manifest().replacing(
            "metadata: { name: web }\nspec",
            with:
                "metadata: { name: web, uid: u, resourceVersion: \"7\", generation: 2, creationTimestamp: 2026-01-01T00:00:00Z }\nstatus: {}\nspec"
        ).replacing("- name: web\n", with: "- name: web\n          envFrom: [{ secretRef: { name: db } }]\n")
            .replacing("    spec:\n", with: "    spec:\n      shareProcessNamespace: true\n")
        let run = try run(text, "--faults none --during scale --seeds 1")
        #expect(run.exitCode == 0, "\(run.error)\(run.output)")
        #expect(
            run.error.contains(
                "Warning: not in these manifests, and taken to be there, as real pods wait for them: an Image for web:v1, secret/db\n"),
            "\(run.error)")
        #expect(run.error.contains("kept, but without effect here yet: "), "\(run.error)")
    }

    @Test func `a folder of examples is simulated, alternatives and programs that are not built and all`() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent().path
        let words = ["-f", root + "/examples/resilience", "--faults", "none", "--during", "steady", "--seeds", "1", "--time", "5s"]
        let run = try Capture(["simulate"] + words)
        #expect(run.error.contains("Warning: in several files, of which the last is taken"))
        #expect(run.output.contains("SCENARIO ") && !run.output.contains("PROMISE BROKEN"), "\(run.error)\(run.output)")
    }

    @Test func `without load a forecast counts time`() throws {
        let run = try run(Self.manifest(replicas: 1), "--mtbf node=60d --mttr node=20m --years 1 --load 0")
        #expect(run.exitCode == 0, "\(run.error)")
        #expect(
            run.output.contains(" of the time") && run.output.contains("  nobody serves for ") && !run.output.contains("requests a year"))
    }

    @Test func `the command that shows a run again can be pasted, whatever the file is called`() throws {
        let folder = try ManifestFolder(["it's my app.yaml": Self.manifest()])
        let path = folder.path + "/it's my app.yaml"
        let run = try Capture(["simulate", "-f", path, "--zones", "a,b", "--faults", "none", "--during", "scale", "--seeds", "1"])
        let command = run.output.split(separator: "\n").first { $0.contains("again: ") }.map { String($0.drop { $0 != ":" }.dropFirst(2)) }
        let quoted = "'\(folder.path)/it'\\''s my app.yaml'"
        #expect(command == "steady simulate -f \(quoted) --zones a,b --faults none --during scale --seed 1", "\(run.output)")
        for (word, text) in [("", "''"), ("a b", "'a b'"), ("$HOME", "'$HOME'"), ("-f=/x_1,%@:+.y", "-f=/x_1,%@:+.y"), ("~", "'~'")] {
            #expect(ShellWord.quoted(word) == text)
        }
    }

    @Test func `json has every number`() throws {
        let run = try run(Self.manifest(replicas: 1), "--faults node-loss --during steady --seeds 2 --start-time 4s -o json")
        let value = try JSON.parse(Array(run.output.utf8))
        #expect(run.exitCode == 1)
        #expect(value["survived"].bool == false)
        let scenario = value["scenarios"][0]
        #expect(scenario["fault"].string == "node-loss" && scenario["verdict"].string == "lost requests")
        #expect(scenario["leastReady"]["ready"].int == 0 && scenario["leastReady"]["wanted"].int == 1)
        #expect((scenario["lost"]["nobody ready"].int ?? 0) > 0)
        #expect(
            value["suggestions"].elements.contains { $0["field"].string == "deployment/web: spec.replicas" && $0["helps"].bool == true })
    }

    @Test func `a forecast that was cut short says how far it came, and why`() throws {
        var forecast = Forecast(FailureRates(meanTimes: [.crash: .seconds(60)]), of: Scenario("busy", objects: []), stepLimit: 1000)
        let report = ForecastReport(forecast: forecast, wantedYearCount: 10, target: nil)
        #expect(report.years == "0 of 10 simulated years")
        #expect(report.cut?.hasPrefix("Stopped after 1,000 steps of work: things fail so often that ") == true)
        #expect(report.value["wantedYears"].int == 10 && report.value["years"].int == 0)
        #expect(report.value["worstYear"].isNull && report.value["bestYear"].isNull)
        forecast = Forecast(FailureRates(meanTimes: [:]), of: Scenario("calm", objects: []))
        #expect(forecast.addYear(seed: 1) == nil)
        let whole = ForecastReport(forecast: forecast, wantedYearCount: 1, target: nil)
        #expect(whole.years == "1 simulated year" && whole.cut == nil)
        #expect(whole.value["years"].int == 1 && whole.value["simulatedYears"] == .double(1))
        #expect(whole.value["worstYear"] == .double(1) && whole.value["bestYear"] == .double(1))
        // One calm year of two says nothing about the other.
        let half = ForecastReport(forecast: forecast, wantedYearCount: 2, target: 99.9)
        #expect(!half.isReached && half.value["targetReached"].isNull)
        #expect(half.targetWords == "Whether the target of 99.9 % is reached is not known: 1.0 of 2 simulated years are too few to tell.")
        let reached = ForecastReport(forecast: forecast, wantedYearCount: 1, target: 99.9)
        #expect(reached.isReached && reached.value["targetReached"].bool == true)
        #expect(reached.targetWords == "The target of 99.9 % is reached.")
    }

    @Test func `a forecast says its rates, and fails below its target`() throws {
        let words = "--mtbf node=60d,crash=60d --mttr node=20m --years 1 --start-time 10s --target"
        let run = try run(Self.manifest(replicas: 1), words + " 99.99999")
        #expect(run.exitCode == 1, "\(run.error)")
        for part in [
            "Forecast from 1 simulated year: 99.99", " nines\n", "node              60 d for each of 3 nodes     after 20 min",
            "crash             60 d for each of 1 replica   by itself", "The target of 99.99999 % is missed.\n",
        ] {
            #expect(run.output.contains(part), "\(part) is not in\n\(run.output)")
        }
        #expect(try self.run(Self.manifest(), words + " 99").exitCode == 0)
    }

    @Test func `the page for a browser is whole and asks nobody`() throws {
        let folder = try ManifestFolder(["app.yaml": Self.manifest()])
        let page = folder.path + "/report.html"
        let run = try Capture(
            [
                "simulate", "-f", folder.path + "/app.yaml", "--faults", "zone-loss", "--seeds", "2", "--html", page, "--mtbf", "node=90d",
                "--years", "1",
            ])
        #expect(run.exitCode == 0, "\(run.error)")
        let text = try String(contentsOfFile: page, encoding: .utf8)
        #expect(text.hasPrefix("<!doctype html>") && text.hasSuffix("</html>\n"))
        for part in ["<h3>zone-loss during rollout, seed ", "<path d=\"M", "class=\"fault\"", "<h2>Forecast: "] {
            #expect(text.contains(part), "\(part)")
        }
        for part in ["http://", "https://", "src=", "url(", "<script"] { #expect(!text.contains(part), "\(part)") }
        for tag in ["table", "svg", "section", "pre", "tr", "td"] {
            #expect(text.components(separatedBy: "<\(tag)").count == text.components(separatedBy: "</\(tag)>").count, "\(tag)")
        }
    }

    @Test(arguments: [
        ("--faults zone-los", "did you mean zone-loss?"), ("--during rolout", "did you mean rollout?"),
        ("--faults ,", "--faults: found nothing, allowed are none, crash, "),
        ("--seeds 0", "--seeds: found \"0\", allowed is a whole number from 1 to 100000"),
        ("--zones a,a", "--zones: found \"a,a\", allowed are distinct names of lower-case letters, digits and -, comma-separated: a,b,c"),
        ("--time 1s", "--time: found 1s, allowed is 5.0 s to 86400 s"),
        (
            "--mtbf zon=1y",
            "--mtbf: found \"zon\", allowed are crash, hang, node, zone, server, agent, proxy, up, rollout; did you mean zone?"
        ),
        ("--mtbf node", "--mtbf: found \"node\", allowed is NAME=TIME, such as node=90d"),
        ("--mtbf node=90", "--mtbf: found \"node=90\", allowed is a length of time such as 90m, 12h, 30d, 2w or 1y"),
        ("--mtbf node=1y --mttr crash=1h", "--mttr: found \"crash\", allowed are hang, node, zone"),
        ("--mtbf node=1y --target 100", "--target: found \"100\", allowed is an availability in percent such as 99.95"),
        ("--target 99", "--target is about a forecast: say how often things fail, such as --mtbf crash=30d,node=90d,zone=1y"),
        ("-o yaml", "--output: found \"yaml\", allowed are text, json"), ("--fault crash", "unknown flag --fault; did you mean --faults?"),
    ])
    func `a mistake is named before anything runs`(words: String, message: String) throws {
        let run = try run(Self.manifest(), words)
        #expect(run.error.contains(message), "\(run.error)")
        #expect(run.exitCode == 2)
        #expect(run.output.isEmpty)
    }

    @Test func `without a Deployment there is nothing to simulate`() throws {
        let run = try run("apiVersion: v1\nkind: Namespace\nmetadata: { name: x }\n", "")
        #expect(run.exitCode == 1)
        #expect(run.error.hasSuffix("there is no Deployment, so there is nothing to keep running\n"))
        #expect(try Capture(["simulate"]).error == "error: name the manifests: steady simulate -f FILE\n")
    }

    @Test(
        arguments: [
            (0.0, "100 %", nil), (0.5, "50.0 %", "0.3"), (0.002, "99.80 %", "2.6"), (0.00051, "99.949 %", "3.2"),
            (1.3e-7, "99.999987 %", "6.8"),
            (1, "0.0 %", "0.0"),
        ] as [(Double, String, String?)])
    func `availability is never rounded up`(lostShare: Double, text: String, nines: String?) {
        #expect(ForecastReport.percent(lostShare) == text)
        #expect(ForecastReport.nines(lostShare) == nines)
    }
}
