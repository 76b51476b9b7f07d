import APIClient
import Formats
import Linux
import Resources
import Timing

/// `steady node fail|recover` and `steady zone fail|recover`.
enum DrillVerbs {
    static let all = [drill("node", fail: true), drill("node", fail: false), drill("zone", fail: true), drill("zone", fail: false)]

    private static func drill(_ what: String, fail: Bool) -> Verb {
        Verb(
            "\(what) \(fail ? "fail" : "recover")", group: .nodes,
            summary: fail ? "Drill: kill a \(what)'s agents and processes, as a power cut would" : "End the drill: start its agents again",
            usage: what == "node" ? "NODE" : "ZONE",
            notes: fail
                ? """
                The control plane is told nothing but what is taken off the disruption budgets: it has to find out. It stays down until: steady \(what)
                recover. Refused while a PodDisruptionBudget allows less than would be lost, or a workload without one misses replicas already; --force
                does it all the same, and asks no server.
                """ : "",
            examples: [(fail ? "lose it" : "bring it back", "steady \(what) \(fail ? "fail" : "recover") \(what == "node" ? "b1" : "b")")],
            flags: fail ? [Flag("force", nil, .toggle, "whatever the budgets say")] : [],
            run: { invocation in
                guard invocation.words.count == 1 else { throw CommandError.usage("name one \(what)") }
                let name = invocation.words[0]
                let answer =
                    fail && !invocation.isSet("force")
                    ? try failWithinBudgets(what, name, invocation)
                    : try Instance.askHost(invocation, ["op": fail ? "fail" : "recover", what: .string(name)])
                for node in answer["nodes"].elements.compactMap(\.string) {
                    invocation.terminal.line("node/\(node) \(fail ? "failed" : "recovered")")
                }
                return 0
            })
    }

    /// How often a drill is judged anew because somebody else was faster.
    private static let attemptLimit = 10

    /// Judges, takes what the drill will cost off the budgets, and only then fails the nodes, so that of two drills, or of a drill and an eviction, at
    /// most one uses an allowance: a budget that changed meanwhile refuses the write, and `up` refuses when other nodes have failed since.
    ///
    /// What is unknown here it leaves to `up`, which knows every node. What is taken off for a drill that is refused after all comes back after
    /// `DisruptionBudget.Status.disruptionTimeout`, as for an eviction that nobody carries out.
    private static func failWithinBudgets(_ what: String, _ name: String, _ invocation: Invocation) throws(CommandError) -> Value {
        let api = try Instance.connect(invocation)
        for _ in 0..<attemptLimit {
            let drill = try budget(what, name, api, invocation)
            let refusals = drill.refusals
            guard refusals.isEmpty else {
                throw CommandError("\(refusals.joined(separator: "; ")): wait until they are replaced, or use --force")
            }
            guard try reserve(drill, api) else { continue }
            let failed = Value.array(drill.lost.sorted().map { .string($0) })
            let answer = try Instance.askHost(invocation, ["op": "fail", what: .string(name), "failed": failed])
            if answer["changed"].bool != true { return answer }
        }
        throw CommandError("budgets and nodes change all the time: nothing was done; try again, or use --force")
    }

    private static func budget(_ what: String, _ name: String, _ api: BlockingAPI, _ invocation: Invocation) throws(CommandError)
        -> DrillBudget
    {
        let nodes = try api.all(ListRequest(.nodes)).filter {
            what == "node" ? $0.name == name : $0["metadata"]["labels"]["topology.kubernetes.io/zone"].string == name
        }
        let roles = try Instance.askHost(invocation, ["op": "status"])["roles"].elements
        let failed = roles.filter { $0["state"].string == "Failed" }.compactMap { $0["name"].string.flatMap { RoleName.node(ofAgent: $0) } }
        return DrillBudget(
            nodes: Set(nodes.map(\.name)), lost: Set(failed),
            pods: try api.all(ListRequest(.pods)), sets: try api.all(ListRequest(.replicaSets)),
            deployments: try api.all(ListRequest(.deployments)), budgets: try api.all(ListRequest(.disruptionBudgets)))
    }

    /// False: a budget is not any more as it was judged. What is taken off others by then is known to the next judgement.
    private static func reserve(_ drill: DrillBudget, _ api: BlockingAPI) throws(CommandError) -> Bool {
        for request in drill.reservations(now: Clock.realtime()) {
            do throws(StatusError) { _ = try api.perform(request) } catch {
                if error.code == 409 || error.code == 404 { return false }
                throw CommandError(error)
            }
        }
        return true
    }
}
