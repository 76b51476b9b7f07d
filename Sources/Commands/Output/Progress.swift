import APIClient
import Formats
import Linux
import Resources
import Timing

/// Rollouts as a person watches them.
enum Progress {
    /// Waits until every deployment is rolled out; says how it goes. Exit code 1 when one cannot make it in time.
    static func untilAvailable(_ keys: [ObjectKey], _ api: BlockingAPI, _ invocation: Invocation) throws(CommandError) -> Int32 {
        var exitCode: Int32 = 0
        for key in keys {
            if try !rollout(key, api, invocation, within: .seconds(600)) { exitCode = 1 }
        }
        return exitCode
    }

    /// Where a service can be reached from outside, in words.
    static func entrances(_ service: Value, expose: String) -> [String] {
        service["spec"]["ports"].elements.compactMap { port in
            guard let number = service["spec"]["type"].string == "LoadBalancer" ? port["port"].int : port["nodePort"].int else {
                return nil
            }
            let isHTTP = port["appProtocol"].string == "http" || port["name"].string?.hasPrefix("http") == true
            return "service/\(service.name) answers at \(isHTTP ? "http://\(expose):\(number)/" : "\(expose):\(number)")"
        }
    }

    /// A rollout in a few words, for a line of `status`; nil when there is none.
    static func brief(_ deployment: Value) -> (words: String, isFailure: Bool)? {
        let status = deployment["status"]
        let wanted = deployment["spec"]["replicas"].int ?? 1
        let (_, isDone, failure) = judge(deployment, nil)
        if failure != nil { return ("stalled: progress deadline exceeded", true) }
        if isDone { return nil }
        if deployment["spec"]["paused"].bool == true { return ("paused", false) }
        let updated = status["updatedReplicas"].int ?? 0
        let old = (status["replicas"].int ?? 0) - updated
        return (updated < wanted || old > 0 ? "rolling out: \(updated) of \(wanted) new\(old > 0 ? ", \(old) old" : "")" : "healing", false)
    }

    /// Follows one rollout with kubectl's sentences; false when it exceeded its deadline or the time was over.
    static func rollout(_ key: ObjectKey, _ api: BlockingAPI, _ invocation: Invocation, revision: String? = nil, within limit: Duration)
        throws(CommandError) -> Bool
    {
        let before = takenBack(try api.ask(.get(key)).object)
        var said = ""
        var verdict: Bool?
        var failure: String?
        var patience = WatchPatience()
        let list = ListRequest(
            key.type, namespace: key.namespace, fieldSelector: FieldSelector([.init(["metadata", "name"], key.name)]))
        let deadline = Clock.monotonic() + limit
        let hintAt = Clock.monotonic() + hintDelay
        var hintIsDue = true
        while verdict == nil, failure == nil {
            var hasEnded = false
            let left = deadline - Clock.monotonic()
            guard left > .zero else {
                failure = "timed out waiting for the condition"
                break
            }
            if hintIsDue, Clock.monotonic() >= hintAt {
                hintIsDue = false
                for line in try obstacles(key, api) { invocation.terminal.complain(line) }
            }
            // A start in good order is over before.
            api.watch(list, from: nil, within: hintIsDue ? min(left, max(.milliseconds(1), hintAt - Clock.monotonic())) : left) { signal in
                switch signal {
                case .event(let event) where event.kind == .deleted:
                    failure = "object has been deleted"
                    return true
                case .event(let event) where event.kind != .bookmark:
                    let (words, isDone, problem) = judge(event.object, revision)
                    let after = takenBack(event.object)
                    if let problem = after == before ? problem : after?.words ?? problem {
                        failure = problem
                        return true
                    }
                    if words != said { invocation.terminal.line(words) }
                    said = words
                    if isDone { verdict = true }
                    return isDone
                case .synced:
                    patience.renew()
                    return false
                case .ended:
                    hasEnded = true
                    return false
                default: return false
                }
            }
            guard hasEnded else { continue }
            if !patience.isLeft { failure = "the server is away" }
            api.loop.runUntil(within: WatchPatience.pause) { false }
        }
        if let failure {
            invocation.terminal.complain("error: \(failure)")
            if hintIsDue, let lines = try? obstacles(key, api) { for line in lines { invocation.terminal.complain(line) } }
        }
        return verdict ?? false
    }

    /// That the deployment went back by itself, and when; nil when it did not.
    private static func takenBack(_ deployment: Value) -> TakenBack? {
        let conditions = [Condition](conditions: deployment["status"]["conditions"])
        guard let condition = conditions[Condition.rolledBack], condition.isTrue else { return nil }
        return TakenBack(words: "deployment \"\(deployment.name)\" was taken back: \(condition.message)", at: condition.lastUpdateTime)
    }

    private struct TakenBack: Equatable {
        var words: String
        var at: Timestamp?
    }

    /// After this time without an end, what keeps pods from running is said, once.
    private static let hintDelay: Duration = .seconds(3)
    /// Reasons that are told; more pods than these seldom have more.
    private static let obstacleLimit = 3

    private static func obstacles(_ key: ObjectKey, _ api: BlockingAPI) throws(CommandError) -> [String] {
        guard let deployment = try api.find(key) else { return [] }
        return obstacles(
            try api.all(
                ListRequest(.pods, namespace: key.namespace, labelSelector: LabelSelector(object: deployment["spec"]["selector"]))))
    }

    /// What keeps pods from running, one line for each reason with the first pod that has it.
    static func obstacles(_ pods: [Value]) -> [String] {
        var told: Set<String> = []
        var out: [String] = []
        for pod in pods.sorted(by: { $0.name < $1.name }) where out.count < obstacleLimit {
            let status = pod["status"]
            var reasons = status["conditions"].elements.filter { $0["type"].string == "PodScheduled" && $0["status"].string == "False" }
            for container in status["initContainerStatuses"].elements + status["containerStatuses"].elements {
                reasons.append(container["state"]["waiting"])
            }
            for reason in reasons {
                guard let message = reason["message"].string, !message.isEmpty, told.insert(message).inserted else { continue }
                out.append("  pod/\(pod.name): \(reason["reason"].string.map { "\($0): " } ?? "")\(message)")
                break
            }
        }
        return out
    }

    /// kubectl's reading of a Deployment's status.
    static func judge(_ deployment: Value, _ revision: String?) -> (words: String, isDone: Bool, failure: String?) {
        let name = deployment.name
        let status = deployment["status"]
        let wanted = deployment["spec"]["replicas"].int ?? 1
        let updated = status["updatedReplicas"].int ?? 0
        let total = status["replicas"].int ?? 0
        let available = status["availableReplicas"].int ?? 0
        if let revision {
            let current = deployment["metadata"]["annotations"]["deployment.kubernetes.io/revision"].string ?? "0"
            if current != revision {
                return ("", false, "desired revision (\(revision)) is different from the running revision (\(current))")
            }
        }
        guard (deployment["metadata"]["generation"].int ?? 0) <= (status["observedGeneration"].int ?? 0) else {
            return ("Waiting for deployment spec update to be observed...", false, nil)
        }
        for condition in status["conditions"].elements
        where condition["type"].string == "Progressing" && condition["reason"].string == "ProgressDeadlineExceeded" {
            return ("", false, "deployment \"\(name)\" exceeded its progress deadline")
        }
        if updated < wanted {
            return (
                "Waiting for deployment \"\(name)\" rollout to finish: \(updated) out of \(wanted) new replicas have been updated...",
                false, nil
            )
        }
        if total > updated {
            return (
                "Waiting for deployment \"\(name)\" rollout to finish: \(total - updated) old replicas are pending termination...", false,
                nil
            )
        }
        if available < updated {
            return (
                "Waiting for deployment \"\(name)\" rollout to finish: \(available) of \(updated) updated replicas are available...", false,
                nil
            )
        }
        return ("deployment \"\(name)\" successfully rolled out", true, nil)
    }
}
