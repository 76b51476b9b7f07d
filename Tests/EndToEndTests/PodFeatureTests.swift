import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension Transcripts {
    /// What a pod's manifest may say, sentence by sentence, with unmodified programs. One instance serves each test: it starts in milliseconds.
    @Suite(.serialized) struct PodFeatureTests {
        private func apply(_ manifest: String, to instance: Instance) throws {
            let path = instance.directory + "/features.yaml"
            try instance.write(manifest, to: path)
            try instance.steady("apply -f \(path)")
        }

        private func json(_ instance: Instance, _ command: String) throws -> [String: Any] {
            try JSONSerialization.jsonObject(with: Data(try instance.start(command).finish().out.utf8)) as? [String: Any] ?? [:]
        }

        /// The reason and message of a pod's first container.
        private func trouble(of pod: String, in instance: Instance) throws -> (reason: String, message: String, exitCode: Int?) {
            let status = try json(instance, "get pod \(pod) -o json")["status"] as? [String: Any]
            let container = (status?["containerStatuses"] as? [[String: Any]])?.first
            let state = container?["state"] as? [String: [String: Any]] ?? [:]
            let shown = state["waiting"] ?? state["terminated"]
            return (shown?["reason"] as? String ?? "", shown?["message"] as? String ?? "", shown?["exitCode"] as? Int)
        }

        @Test(arguments: Account.available) func `An unmodified server runs in any number of replicas, each at its own address`(
            account: Account
        ) throws {
            let instance = try Instance(as: account)
            defer { instance.stop() }
            try instance.steady("up --detach")
            try apply(PodFeatureManifests.servers + PodFeatureManifests.company, to: instance)
            try instance.steady("rollout status deployment/py --timeout 90s")
            // Containers of one pod meet on 127.0.0.1, each replica for itself.
            try instance.steady("rollout status deployment/company --timeout 90s")
            let items = try json(instance, "get pods -l app=py -o json")["items"] as? [[String: Any]] ?? []
            let addresses = items.compactMap { ($0["status"] as? [String: Any])?["podIP"] as? String }
            #expect(Set(addresses).count == 5)

            // Agents killed while all this runs: nothing is restarted.
            for node in ["a1", "b1", "c1"] {
                let lock = try String(contentsOfFile: instance.dataDirectory + "/roles/agent-\(node).lock", encoding: .utf8)
                let pid = try #require(Int32(lock.trimmingCharacters(in: .whitespacesAndNewlines)))
                #expect(kill(pid, SIGKILL) == 0)
            }
            try instance.steady("scale deployment/py --replicas 7")
            try instance.steady("rollout status deployment/py --timeout 90s")
            let after = try json(instance, "get pods -o json")["items"] as? [[String: Any]] ?? []
            #expect(after.count == 10)
            let restarts = after.flatMap { pod in
                ((pod["status"] as? [String: Any])?["containerStatuses"] as? [[String: Any]] ?? []).map { $0["restartCount"] as? Int }
            }
            #expect(restarts.allSatisfy { $0 == 0 })
        }

        @Test(arguments: Account.available)
        func `Variables, volumes and init containers are as the manifest says, and files follow a change`(
            account: Account
        ) throws {
            let instance = try Instance(as: account)
            defer { instance.stop() }
            try instance.steady("up --detach")
            try apply(
                PodFeatureManifests.objects + PodFeatureManifests.environment + PodFeatureManifests.initOrder + PodFeatureManifests.live,
                to: instance)
            try instance.steady("wait pod/env --for=jsonpath={.status.phase}=Succeeded --timeout 90s")
            let printed = try instance.start("logs env").finish().out
            #expect(printed == "red s3cret red env-$(NAME)-$(UNKNOWN) 500 back 5432 /tmp\n")

            try instance.steady("wait pod/order pod/live --for=condition=Ready --timeout 90s")
            try instance.wait("the init containers ran in order") { try instance.start("logs order").finish().out == "one\ntwo\n" }
            try instance.wait("the files are there") { try instance.steady("logs live").contains("red\n") }
            #expect(try instance.steady("logs live").hasPrefix("s3cretapp=\"live\"\ntier=\"back\""))
            try apply(PodFeatureManifests.objects.replacingOccurrences(of: "color: red", with: "color: green"), to: instance)
            try instance.wait("the file follows") { try instance.steady("logs live --tail 1") == "green\n" }
        }

        @Test func `What cannot run says why, in the words of Kubernetes`() throws {
            let instance = try Instance()
            defer { instance.stop() }
            try instance.steady("up --detach")
            try apply(
                PodFeatureManifests.objects + PodFeatureManifests.unschedulable
                    + PodFeatureManifests.troubled.map(\.manifest).joined(), to: instance)
            for (_, name, reason, message) in PodFeatureManifests.troubled {
                try instance.wait("\(name) shows \(reason)") {
                    let found = try trouble(of: name, in: instance)
                    return found.reason == reason && (message.isEmpty || found.message.contains(message))
                }
            }
            #expect(try trouble(of: "failed", in: instance).exitCode == 7)
            try instance.wait("the scheduler says why") {
                try instance.steady("get events").contains(
                    "0/3 nodes are available: 3 node(s) didn't match Pod's node affinity/selector.")
            }
            // Who is held back runs again between two looks, and fails.
            for (name, status) in [("failed", "Error"), ("done", "Completed"), ("crashing", "CrashLoopBackOff"), ("nowhere", "Pending")] {
                try instance.wait("the table shows \(name): \(status)") {
                    try instance.steady("get pods").split(separator: "\n").contains { $0.hasPrefix(name) && $0.contains(status) }
                }
            }
        }

        @Test func `A long log is read by a slow reader to its end, and its agent goes on`() throws {
            let instance = try Instance()
            defer { instance.stop() }
            try instance.steady("up --detach")
            let lines = 200_000
            try apply(
                Workload.pod(
                    "long", "restartPolicy: Never\n",
                    containers: "- {name: main, image: none, command: [/usr/bin/seq, \"\(lines)\"]}"), to: instance)
            try instance.steady("wait pod/long --for=jsonpath={.status.phase}=Succeeded --timeout 90s")
            let lock = instance.dataDirectory + "/roles"
            let before = try agents(lock)
            #expect(try instance.start("logs long").finish(within: 120).out.split(separator: "\n").count == lines)
            #expect(try instance.steady("logs long --tail 1") == "\(lines)\n")
            #expect(try agents(lock) == before, "no agent was replaced")
        }

        @Test func `Who follows a log ends with its reader, also where SIGPIPE is ignored`() throws {
            let instance = try Instance()
            defer { instance.stop() }
            try instance.steady("up --detach")
            try apply(
                Workload.pod(
                    "chatter", "restartPolicy: Never\n",
                    containers: "- {name: main, image: none, command: [/bin/sh, -c, 'while echo word; do sleep 0.05; done']}"), to: instance
            )
            try instance.steady("wait pod/chatter --for=condition=Ready --timeout 60s")
            let line = "trap '' PIPE; timeout 90 \(Instance.products)/steady logs chatter -f | head -n 1; exit ${PIPESTATUS[0]}"
            let end = try Command(
                "/bin/bash", ["-c", line], environment: ["PATH": "/usr/bin:/bin", "STEADY_DATA_DIR": instance.dataDirectory]
            ).finish(within: 120)
            #expect(end.out == "word\n" && end.code == 128 + SIGPIPE, "\(end.text)")
        }

        private func agents(_ roles: String) throws -> [String] {
            try ["a1", "b1", "c1"].map { try String(contentsOfFile: "\(roles)/agent-\($0).lock", encoding: .utf8) }
        }
    }
}
