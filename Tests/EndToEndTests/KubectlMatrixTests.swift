import Foundation
import Testing

/// Every verb of kubectl that is promised, against an instance that really runs pods.
extension KubectlTranscripts {
    @Suite(.serialized) struct KubectlMatrixTests {
        /// One command, in words without spaces, and what must be seen.
        struct Row {
            var command: String
            var shows: [String]
            var code: Int32 = 0
            /// The first kubectl that has it.
            var since = 0

            init(_ command: String, _ shows: String..., code: Int32 = 0, since: Int = 0) {
                self.command = command
                self.shows = shows
                self.code = code
                self.since = since
            }
        }

        static let kinds = [
            "pods", "deployments", "replicasets", "services", "configmaps", "secrets", "events", "endpointslices", "endpoints",
            "leases", "poddisruptionbudgets", "nodes", "namespaces", "images", "proxystatuses",
        ]

        /// Every kind alone, and every kind in every form: together, since most of such a command is the start of kubectl.
        static let listings: [Row] =
            kinds.map { Row("get \($0)") }
            + ["wide", "yaml", "json", "name"].map { Row("get \(kinds.joined(separator: ",")) -o \($0)") }
            + [Row("get \(kinds.joined(separator: ",")) -A")]

        /// In this order, on one instance; `DIR` stands for its directory.
        static let play: [Row] = [
            Row("get pods -A --sort-by=.metadata.name --show-labels", "NAMESPACE", "app=web"),
            Row("get pods -l app=web --no-headers -o custom-columns=N:.metadata.name,I:.status.podIP", "web-", "127."),
            Row("get pods --field-selector=status.phase=Running -L app", "web-", "APP"),
            Row("get pods --chunk-size=1", "web-"),
            Row("describe pods -l app=web", "Started", "Ready"),
            Row("describe deployment web", "3 desired", "ScalingReplicaSet"),
            Row("describe service web", "TargetPort:"),
            Row("get endpoints web", ":8080"),
            Row("describe replicasets", "Controlled By"),
            Row("describe node a1", "Allocatable", "Non-terminated Pods"),
            Row("describe namespace default", "Active"),
            Row("create namespace blue", "namespace/blue created"),
            Row("create configmap c --from-literal=a=b --from-file=DIR/web.yaml", "configmap/c created"),
            Row("describe configmap c", "web.yaml"),
            Row("create secret generic s --from-literal=p=hunter2", "secret/s created"),
            Row("describe secret s", "7 bytes"),
            Row("create deployment d --image=web:v1", "deployment.apps/d created"),
            Row("rollout status deployment/d --timeout=90s", "rolled out"),
            Row("create service clusterip e --tcp=80:8080", "service/e created"),
            Row("expose deployment web --name=f --port=81 --target-port=8080", "service/f exposed"),
            Row("set selector service e app=web", "selector updated"),
            Row("run r --image=web:v1 --restart=Never", "pod/r created"),
            Row("wait --for=condition=Ready pod/r --timeout=90s", "condition met"),
            Row("wait --for=jsonpath={.status.phase}=Running pod/r --timeout=90s", "condition met", since: 23),
            Row("wait --for=delete pod/r --timeout=1s", "timed out", code: 1),
            Row("label pod r x=y", "labeled"),
            Row("label pod r x=z", "already has a value", code: 1),
            Row("label pod r x=z --overwrite", "labeled"),
            Row("annotate deployment --all k=v", "annotate"),
            Row("scale deployment/web --replicas=2", "scaled"),
            Row("scale deployment/web --current-replicas=9 --replicas=3", "Expected replicas to be 9", code: 1),
            Row("set image deployment/web web=web:v2", "image updated"),
            Row("rollout status deployment/web --timeout=90s", "rolled out"),
            Row("set env deployment/web A=b", "env updated"),
            Row("set env deployment/web --list", "A=b"),
            Row("set resources deployment/web --requests=cpu=10m", "resource requirements updated"),
            Row("rollout status deployment/web --timeout=90s", "rolled out"),
            Row("rollout history deployment/web", "REVISION"),
            Row("rollout history deployment/web --revision=1", "web:v1"),
            Row("rollout undo deployment/web --to-revision=1", "rolled back"),
            Row("rollout pause deployment/web", "paused"),
            Row("rollout undo deployment/web", "paused", code: 1),
            Row("rollout resume deployment/web", "resumed"),
            Row("rollout status deployment/web --timeout=90s", "rolled out"),
            Row("rollout restart deployment/web", "restarted"),
            Row("rollout status deployment/web --timeout=90s", "rolled out"),
            Row("patch deployment web --type=merge -p {\"spec\":{\"revisionHistoryLimit\":5}}", "patched"),
            Row("patch deployment web -p {\"spec\":{\"minReadySeconds\":0}}", "patched"),
            Row(
                "patch deployment web --type=json -p [{\"op\":\"replace\",\"path\":\"/spec/replicas\",\"value\":3}]", "patched"),
            Row("rollout status deployment/web --timeout=90s", "rolled out"),
            Row("logs r", "listens on"),
            Row("logs -l app=web --tail=5 --prefix", "[pod/web-"),
            Row("logs r --timestamps --since=1h", "listens on"),
            Row("logs r --previous", "previous terminated container", code: 1),
            Row("diff -f DIR/deployment.yaml", code: 0, since: 27),
            Row("apply -f DIR/deployment.yaml", "deployment.apps/web"),
            Row("apply --server-side -f DIR/deployment.yaml", "erver-side", code: 1),
            Row("create -f DIR/deployment.yaml", "AlreadyExists", code: 1),
            Row("replace -f DIR/deployment.yaml", "replaced"),
            Row("explain pod.spec.containers", "livenessProbe", since: 27),
            Row("api-resources", "steady.dev/v1"),
            Row("version", "33"),
            Row("cluster-info", "running at"),
            Row("auth can-i create pods", "yes"),
            Row("auth whoami", "Username", since: 28),
            Row("create poddisruptionbudget web --selector=app=web --max-unavailable=1", "created", since: 27),
            Row("get pdb", "ALLOWED DISRUPTIONS", since: 27),
            Row("describe pdb web", "Allowed disruptions:", "Max unavailable:  1", since: 27),
            Row("cordon b1", "cordoned"),
            // 1.20 calls a node that it has drained deleted.
            Row("drain b1 --ignore-daemonsets --force --timeout=90s", "node/b1 "),
            Row("uncordon b1", "uncordoned"),
            Row("taint nodes c1 k=v:NoSchedule", "tainted"),
            Row("taint nodes c1 k-", "untainted"),
            Row("top pods", "Metrics API not available", code: 1),
            Row("get --raw /readyz?verbose", "ok"),
            Row("get nothing", "doesn't have a resource type", code: 1),
            Row("get events --sort-by=.lastTimestamp", "Started"),
            Row("events --for deployment/web", "ScalingReplicaSet", since: 26),
            Row("delete pod r --now --ignore-not-found"),
            Row("delete deployment d --cascade=foreground", "deleted"),
            Row("delete pods -l app=web --grace-period=0 --force", "deleted"),
            Row("rollout status deployment/web --timeout=90s", "rolled out"),
            Row("delete deployment web --cascade=orphan", "deleted"),
            Row("get replicasets", "web-"),
            Row("delete replicasets --all", "deleted"),
            Row("delete namespace blue --timeout=90s", "deleted"),
            Row("get namespace blue", "NotFound", code: 1),
        ]

        static var rows: [Row] { listings + play }

        /// What is promised of clients older than those for which `since` is written down.
        static let oldestWithAll = 27

        @Test(arguments: Kubectl.found) func `kubectl has every verb that is promised`(kubectl: Kubectl) throws {
            let instance = try Instance()
            defer { instance.stop() }
            try instance.up()
            try instance.write(
                Instance.example("web.yaml").components(separatedBy: "\n---\n")[0], to: instance.directory + "/deployment.yaml")
            let minor = kubectl.minor
            var count = 0
            for (index, row) in Self.rows.enumerated() where minor >= row.since {
                let command = row.command.replacingOccurrences(of: "DIR", with: instance.directory)
                let output = try instance.kubectl(kubectl, command, code: row.code, line: index)
                if command.hasPrefix("rollout status deployment/web ") { try instance.waitUntilOldPodsAreGone() }
                for text in row.shows where !output.contains(text) {
                    Issue.record("row \(index), kubectl 1.\(minor) \(command) does not show \(text): \(output)")
                }
                count += 1
            }
            print("kubectl 1.\(minor) (\(kubectl.path)): ran \(count) of \(Self.rows.count) rows")
        }

        @Test func `which clients are not here is said`() {
            let present = Set(Kubectl.found.map(\.minor))
            let absent = ([20] + Array(Self.oldestWithAll...37)).filter { !present.contains($0) }
            if !absent.isEmpty {
                print("kubectl \(absent.map { "1.\($0)" }.joined(separator: ", ")): not tested (STEADY_KUBECTL=PATH:PATH names more)")
            }
        }
    }
}
