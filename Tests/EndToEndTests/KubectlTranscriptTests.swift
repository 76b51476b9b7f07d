import Foundation
import Testing

/// Instances that are driven by kubectl, one test after the other; beside those of `Transcripts`, since kubectl takes its time.
@Suite(.serialized) enum KubectlTranscripts {}

/// The same day with the real kubectl instead of Steady's own verbs.
extension KubectlTranscripts {
    @Suite(.serialized) struct KubectlTranscriptTests {
        @Test(arguments: Kubectl.found) func `kubectl sees, scales, rolls and deletes what runs`(kubectl: Kubectl) throws {
            let instance = try Instance()
            defer { instance.stop() }
            try instance.up()
            func run(_ command: String, code: Int32 = 0, line: Int = #line) throws -> String {
                try instance.kubectl(kubectl, command, code: code, line: line)
            }
            #expect(try instance.steady("kubeconfig --path") == instance.dataDirectory + "/kubeconfig\n")

            let all = try run("get deploy,rs,pods,svc,endpointslices,nodes,events")
            for text in [
                "deployment.apps/web", "replicaset.apps/web-", "pod/web-", "service/web", "endpointslice.discovery.k8s.io/web-", "node/a1",
            ] {
                #expect(all.contains(text), "get does not show \(text): \(all)")
            }
            #expect(try run("get pods -o wide").contains("a1"))
            // The paths of Images are made absolute by `steady apply` alone; the rest of a manifest is everybody's.
            let deployment = instance.directory + "/deployment.yaml"
            try instance.write(Instance.example("web.yaml").components(separatedBy: "\n---\n")[0], to: deployment)
            #expect(try run("apply -f \(deployment)").contains("deployment.apps/web unchanged"))

            let load = Load(port: instance.port, keptConnections: 2, freshConnections: 1)
            #expect(try run("scale deployment/web --replicas=6").contains("scaled"))
            #expect(try run("rollout status deployment/web --timeout=90s").contains("successfully rolled out"))
            #expect(try run("set image deployment/web web=web:v2").contains("image updated"))
            #expect(try run("rollout status deployment/web --timeout=90s").contains("successfully rolled out"))
            #expect(try run("wait --for=condition=Available deployment/web --timeout=90s").contains("condition met"))
            #expect(try instance.ask().version == "v2")
            #expect(try run("rollout history deployment/web").contains("2"))
            _ = try run("rollout undo deployment/web")
            #expect(try run("rollout status deployment/web --timeout=90s").contains("successfully rolled out"))
            _ = try run("rollout restart deployment/web")
            #expect(try run("rollout status deployment/web --timeout=90s").contains("successfully rolled out"))
            #expect(load.waitForMore(20))
            let tally = load.stop()
            #expect(tally.failureCount == 0, "of \(tally.answeredCount) requests failed: \(tally.failures)")

            let pod = try #require(try instance.pods().first?.name)
            #expect(try run("logs \(pod)").contains("listens on"))
            // Events are written behind what matters.
            try instance.wait("its start is told") { try run("describe pod \(pod)").contains("Started") }
            #expect(try run("describe deployment web").contains("ScalingReplicaSet"))
            #expect(try run("delete pod \(pod)").contains("deleted"))
            try instance.wait("a deleted pod is replaced") { try instance.pods().filter(\.isReady).count == 6 }
            _ = try run("delete deployment web")
            try instance.wait("every pod of a deleted deployment is gone") { try instance.pods().isEmpty }
            print("kubectl 1.\(kubectl.minor) (\(kubectl.path)): ran the transcript")
        }
    }
}
