import Formats
import Resources

/// Why a workload is not as it is wanted.
extension Scene {
    /// A Deployment: how far its rollout is, and what holds it.
    var deployment: Cause {
        let (spec, status) = (object["spec"], object["status"])
        let wanted = spec["replicas"].int ?? 1
        let updated = status["updatedReplicas"].int ?? 0
        let available = status["availableReplicas"].int ?? 0
        let total = status["replicas"].int ?? 0
        let name = "deployment/\(object.name)"
        if status["observedGeneration"].int ?? 0 < object["metadata"]["generation"].int ?? 0 {
            return Cause("\(name) was changed, and its controller has not come to it yet")
        }
        let isDone = updated == wanted && available == wanted && total == wanted
        var because: [Cause] = []
        let rolledBack = condition(Condition.rolledBack, of: object)
        if rolledBack["status"].string == "True" {
            because.append(
                Cause(
                    "it went back by itself: \(rolledBack["message"].plainText)",
                    because: [Cause("it was told to by its annotation \(DeploymentRollback.annotation); a new template rolls forward")]))
        }
        because += failingAlike(object)
        if isDone {
            let words = "\(available) of \(wanted) replicas are available, all of \(because.isEmpty ? "the newest" : "one") version"
            // Those that are held back are ready, and worth a look all the same.
            let held = pods.filter { condition(Condition.restartHeldBack, of: $0)["status"].string == "True" }
            return Cause("\(name) is complete: \(words)", because: because + held.prefix(Self.podLimit).map { pod($0, isSubject: false) })
        }
        let progressing = condition("Progressing", of: object)
        if spec["paused"].bool == true { because.append(Cause("its rollout is paused; \"steady rollout resume\" goes on")) }
        if progressing["reason"].string == "ProgressDeadlineExceeded" {
            let limit = spec["progressDeadlineSeconds"].int ?? 600
            because.append(
                Cause(
                    "its rollout made no progress for \(limit) s: \(progressing["message"].plainText)",
                    because: [Cause("what serves goes on serving; \"steady rollout undo\" goes back, a new template rolls forward")]))
        }
        let failure = condition("ReplicaFailure", of: object)
        if failure["status"].string == "True" { because.append(Cause("pods cannot be made: \(failure["message"].plainText)")) }
        // With no version left but the newest, and as many as are wanted, there is nothing to plan: what was said last is of an earlier rollout.
        let isSettled = updated == wanted && total == wanted
        if !isSettled, let plan = lastPlan(by: "deployment-controller", called: "its last plan") { because.append(plan) }
        because += sets.filter { ($0["spec"]["replicas"].int ?? 0) > 0 || ($0["status"]["replicas"].int ?? 0) > 0 }.map(replicaSet)
        let figures = "\(updated) of \(wanted) replicas are of the newest version, \(available) are available, \(total) exist"
        return Cause("\(name) is not complete: \(figures)", because: because)
    }

    private func failingAlike(_ object: Value) -> [Cause] {
        let alike = condition(Condition.failingAlike, of: object)
        return alike["status"].string == "True" ? [Cause(alike["message"].plainText)] : []
    }

    /// How many of a set's pods are ready, and what keeps the others.
    func replicaSet(_ set: Value) -> Cause {
        let wanted = set["spec"]["replicas"].int ?? 1
        let ready = set["status"]["readyReplicas"].int ?? 0
        let total = set["status"]["replicas"].int ?? 0
        let revision = set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].string.map { " (revision \($0))" } ?? ""
        let own = pods.filter { pod in pod["metadata"]["ownerReferences"].elements.contains { $0["uid"] == set["metadata"]["uid"] } }
        var because: [Cause] = []
        let failure = condition("ReplicaFailure", of: set)
        if failure["status"].string == "True" { because.append(Cause("pods cannot be made: \(failure["message"].plainText)")) }
        because += failingAlike(set)
        let troubled = own.filter { pod in
            condition("Ready", of: pod)["status"].string != "True" && pod["status"]["phase"].string != "Succeeded"
                || condition(Condition.restartHeldBack, of: pod)["status"].string == "True"
        }
        because += troubled.prefix(Self.podLimit).map { pod($0, isSubject: false) }
        if troubled.count > Self.podLimit { because.append(Cause("\(troubled.count - Self.podLimit) more pods have trouble")) }
        return Cause("replicaset/\(set.name)\(revision): \(ready) of \(wanted) wanted pods are ready, \(total) exist", because: because)
    }

    /// Pods that are told of below one workload; beyond it they are counted.
    static var podLimit: Int { 5 }

    /// A node: whether it lives, takes pods, and which it has.
    var node: Cause {
        let ready = condition("Ready", of: object)
        let name = "node/\(object.name)"
        var because: [Cause] = []
        if object["spec"]["unschedulable"].bool == true {
            because.append(Cause("it is cordoned: it takes no new pods; \"steady uncordon \(object.name)\" ends that"))
        }
        for taint in object["spec"]["taints"].elements where taint["key"].string != "node.kubernetes.io/unschedulable" {
            let value = taint["value"].string.map { "=\($0)" } ?? ""
            because.append(Cause("it has the taint \(taint["key"].plainText)\(value):\(taint["effect"].plainText)"))
        }
        if isUnderDrill {
            let zone =
                object["metadata"]["labels"]["topology.kubernetes.io/zone"].string.map { " (or \"steady zone recover \($0)\")" } ?? ""
            because.append(
                Cause("a drill holds it: its agent stays away until \"steady node recover \(object.name)\"\(zone) ends that"))
        }
        because += drainObstacles
        if ready["status"].string != "True" {
            because.insert(Cause([ready["reason"].string, ready["message"].string].compactMap { $0 }.joined(separator: ": ")), at: 0)
            if let plan = lastPlan(by: "node-controller", called: "last decided") { because.append(plan) }
            return Cause("\(name) is not ready", because: because)
        }
        return Cause("\(name) is ready, with \(pods.count) pods", because: because)
    }
}
