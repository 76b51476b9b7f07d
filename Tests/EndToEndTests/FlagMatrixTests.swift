import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

/// The flags that Steady's verbs share with kubectl, against an instance that runs.
extension Transcripts {
    @Suite(.serialized) struct FlagMatrixTests {
        /// One command, split at spaces outside of single quotes, and what must and must not be seen.
        struct Row {
            var command: String
            var shows: [String]
            var hides: [String]
            var code: Int32
            var input: String?

            init(_ command: String, _ shows: String..., hides: [String] = [], code: Int32 = 0, input: String? = nil) {
                self.command = command
                self.shows = shows
                self.hides = hides
                self.code = code
                self.input = input
            }
        }

        private static let settled = Row("rollout status deployment/web --timeout 90s", "rolled out")

        /// In this order, on one instance; `DIR` stands for its directory, `NODE` for the node of one of the pods.
        static let rows: [Row] = [
            Row("get pods --show-kind", "pod/web-"), Row("get deployment web --subresource scale", "DESIRED", "AVAILABLE"),
            Row("get deployment web --subresource=scale -o name", "scale.autoscaling/web"),
            Row("get pods -o 'go-template={{range .items}}{{.metadata.labels.app}} {{end}}'", "web web web "),
            Row("get deployment web --template={{.spec.replicas}}", "3"),
            Row("get pods -o jsonpath-as-json={.items[*].metadata.labels.app}", "[\n    \"web\",\n    \"web\",\n    \"web\"\n]\n"),
            Row("get --raw /readyz?verbose", "[+]ping ok\n[+]journal ok\nreadyz check passed\n"), Row("get --raw /livez", "ok"),
            Row("get --raw /nothing", "could not find the requested resource", code: 1),
            Row("get pods --sort-by=.metadata.labels.nope", "couldn't find any field with path", code: 1),
            Row("create configmap lonely --from-literal a=b", "created"), Row("create configmap ranked --from-literal a=b", "created"),
            Row("label configmap ranked rank=1", "labeled"),
            Row("get cm --sort-by=.metadata.labels.rank -o jsonpath={.items[*].metadata.name}", "lonely ranked"),
            Row("get cm,pods --sort-by=.metadata.name -o name", "configmap/lonely\nconfigmap/ranked\npod/web-"),
            Row("delete cm lonely ranked", "configmap \"lonely\" deleted from default namespace"),
            Row("get events --template='{{(index .items 0).kind}}'", "Event"),

            Row("scale deployment/web --replicas=4 --timeout 90s -o jsonpath={.spec.replicas}", "4"),
            Row("scale deployment/web --replicas=3 -o name", "deployment.apps/web"),
            Row("scale deployment/web --replicas=9 --dry-run=server", "scaled (server dry run)"),
            Row("scale deployment/web --replicas=9 --dry-run=client", "scaled (dry run)"),
            Row("scale deployment -l nope=x --replicas=2", "no objects passed to scale", code: 1),
            Row("set image deployment/web web=web:v2 --dry-run=server", "image updated (server dry run)"),
            Row("set image deployment/web web=web:v2 -o name", "deployment.apps/web"), settled,
            Row("rollout history deployment/web -o name", "replicaset.apps/web-"),
            Row(
                "rollout history deployment/web --revision=1 -o jsonpath={.kind}/{.spec.template.spec.containers[0].image}",
                "ReplicaSet/web:v1"),
            Row("rollout history deployment/web --revision=99 -o yaml", "unable to find the specified revision", code: 1),
            Row("rollout undo deployment/web --dry-run=client", "deployment.apps/web Pod Template:", "web:v1"),
            Row("rollout undo deployment/web --dry-run=server", "rolled back (server dry run)"),
            Row("rollout undo deployment/web -o jsonpath={.spec.template.spec.containers[0].image}", "web:v1"), settled,
            Row("rollout pause deployment/web -o jsonpath={.spec.paused}", "true"),
            Row("rollout resume deployment/web -o name", "deployment.apps/web"),
            Row("rollout restart deployment/web -o yaml", "kubectl.kubernetes.io/restartedAt"), settled,
            Row("wait deployment/web --for=condition=Available -o name", "deployment.apps/web", hides: ["condition met"]),

            Row("logs deployment/web --all-pods --tail=1", "[pod/web-"),
            Row("logs -f -l app=web --max-log-requests=1", "maximum allowed concurrency is 1", code: 1),
            Row("logs -l app=web --previous --ignore-errors", "previous terminated container"),
            Row("logs -l app=web --previous", "previous terminated container", code: 1),

            Row("cordon a1 --dry-run", "node/a1 cordoned (dry run)"), Row("get node a1", hides: ["SchedulingDisabled"]),
            Row("uncordon a1 --dry-run=server", "node/a1 already uncordoned (server dry run)"),
            Row("drain NODE --dry-run", "node/NODE cordoned (dry run)", "evicting pod default/web-", "node/NODE drained (dry run)"),
            Row("drain NODE --pod-selector=app=none", "node/NODE drained", hides: ["evicting"]),
            Row("uncordon NODE", "node/NODE uncordoned"),
            Row(
                "drain NODE --disable-eviction --grace-period=-1 --timeout 90s", "deleting pod default/web-", "deleted", "node/NODE drained"
            ),
            Row("uncordon NODE", "node/NODE uncordoned"), settled,

            Row("create -f DIR/maps.yaml -l app=none", "no objects passed to create", code: 1),
            Row("create -f DIR/maps.yaml -l part=one --save-config", "configmap/one created", hides: ["two"]),
            Row("apply -f DIR/maps.yaml", "configmap/one unchanged", "configmap/two created"),
            Row("label configmap one c-", "label \"c\" not found.", "configmap/one not labeled"),
            Row("annotate configmap one c-", "configmap/one annotated"),
            Row("create configmap three --from-literal a=b", "configmap/three created"),
            Row("label cm three app=p", "configmap/three labeled"),
            Row("apply -f DIR/maps.yaml --prune -l part=one --dry-run=server", hides: ["pruned"]),
            Row("apply -f DIR/one.yaml --prune -l app=p --dry-run", "configmap/two pruned (dry run)", hides: ["three"]),
            Row("get configmap two", "two"),
            Row("apply -f DIR/one.yaml --prune -l app=p --prune-allowlist core/v1/Secret", hides: ["pruned"]),
            Row("apply -f DIR/one.yaml --prune -l app=p", "configmap/one unchanged", "configmap/two pruned", hides: ["three pruned"]),
            Row("get configmap two", "not found", code: 1), Row("get configmap three", "three"),
            Row("apply -f DIR/one.yaml --prune --all --prune-allowlist core/v1/ConfigMap", hides: ["pruned"]),

            Row("delete configmap one three -i", "configmap/one\nconfigmap/three\n", "deletion is cancelled", input: "n\n"),
            Row("delete configmap one three -i", "configmap \"three\" deleted from default namespace", input: "y\n"),
            Row("describe deployment web --show-events=false", "Pod Template:", hides: ["Events:"]),
            Row("describe lease a1 -n kube-node-lease", "Lease Duration Seconds:", "API Version:  coordination.k8s.io/v1"),
            Row("describe endpointslices", "TargetRef:", "AddressType:  IPv4"),
            Row("apply -f DIR/image.yaml", "image.steady.dev/web-v1 configured", "steady rollout restart deployment/web"),
            Row("apply -f DIR/image.yaml", "image.steady.dev/web-v1 unchanged", hides: ["restart"]),
        ]

        private static func words(_ command: String) -> [String] {
            command.split(separator: "'", omittingEmptySubsequences: false).enumerated().reduce(into: [""]) { words, part in
                if part.offset % 2 == 1 {
                    words[words.count - 1] += part.element
                } else {
                    let pieces = part.element.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
                    words[words.count - 1] += pieces[0]
                    words += pieces.dropFirst()
                }
            }.filter { !$0.isEmpty }
        }

        @Test func `The flags that kubectl has do here what they do there`() throws {
            let instance = try Instance()
            defer { instance.stop() }
            try instance.up()
            func map(_ name: String) -> String {
                "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: \(name), labels: {app: p, part: \(name)}}\ndata: {a: b}\n"
            }
            try instance.write(map("one") + "---\n" + map("two"), to: instance.directory + "/maps.yaml")
            try instance.write(map("one"), to: instance.directory + "/one.yaml")
            let image = "apiVersion: steady.dev/v1\nkind: Image\nmetadata: {name: web-v1}\nspec:\n  reference: web:v1\n  command: [./web]\n"
            try instance.write(image + "  env: [{name: VERSION, value: v1.1}]\n", to: instance.directory + "/image.yaml")
            var node = ""
            for (index, row) in Self.rows.enumerated() {
                func filled(_ text: String) -> String {
                    text.replacingOccurrences(of: "DIR", with: instance.directory).replacingOccurrences(of: "NODE", with: node)
                }
                // Where a roll leaves its pods is the scheduler's to say.
                if row.command.hasPrefix("drain NODE"), node.isEmpty { node = try #require(try instance.pods().first?.node) }
                let words = Self.words(filled(row.command))
                let output = try instance.start(words, input: row.input).finish(within: 60)
                let text = output.out + output.err
                #expect(output.code == row.code, "row \(index): steady \(row.command): \(output.text)")
                for part in row.shows.map(filled) {
                    #expect(text.contains(part), "row \(index): steady \(row.command) does not show \(part): \(text)")
                }
                for part in row.hides { #expect(!text.contains(part), "row \(index): steady \(row.command) shows \(part): \(text)") }
                if row.command == Self.settled.command { try instance.waitUntilOldPodsAreGone() }
            }
        }

        @Test(arguments: Account.available) func `Who asks who it is, is told its own name`(account: Account) throws {
            let instance = try Instance(as: account)
            defer { instance.stop() }
            try instance.steady("up --detach")
            guard let kubectl = Kubectl.found.first(where: { $0.minor >= 28 }) else { return print("no kubectl that has whoami") }
            let name = try instance.kubectl(kubectl, "auth whoami -o jsonpath={.status.userInfo.username}")
            let uid = account == .own ? getuid() : 65_534
            #expect(name == String(cString: getpwuid(uid).pointee.pw_name))
        }

        @Test func `A watch tells what happened to an object`() throws {
            let instance = try Instance()
            defer { instance.stop() }
            try instance.up()
            let table = try instance.start("get configmaps -w --output-watch-events")
            let json = try instance.start("get configmaps -w --output-watch-events -o jsonpath={.type}={.object.metadata.name}{\"\\n\"}")
            try instance.steady("create configmap one --from-literal a=b")
            #expect(table.waitForOutput("ADDED      one"))
            #expect(json.waitForOutput("ADDED=one"))
            try instance.steady("label configmap one x=y")
            #expect(table.waitForOutput("MODIFIED   one"))
            #expect(json.waitForOutput("MODIFIED=one"))
            try instance.steady("delete configmap one")
            #expect(table.waitForOutput("DELETED    one"))
            #expect(json.waitForOutput("DELETED=one"))
            table.end()
            json.end()
        }
    }
}
