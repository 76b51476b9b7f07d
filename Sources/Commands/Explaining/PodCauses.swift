import Formats
import Resources
import Timing

/// Why a pod is ready or not, was restarted, and is where it is.
extension Scene {
    /// - Parameter isSubject: it was asked about: then also why it is on its node, and what had it restarted.
    func pod(_ pod: Value, isSubject: Bool) -> Cause {
        let name = "pod/\(pod.name)"
        if !pod["metadata"]["deletionTimestamp"].isNull {
            return Cause("\(name) is being deleted", because: machine(pod) + (isSubject ? history(pod) : []))
        }
        let phase = pod["status"]["phase"].string ?? "Pending"
        let why = isSubject ? placement(pod) + history(pod) : []
        if pod["spec"]["nodeName"].string ?? "" == "" { return Cause("\(name) waits for a node", because: unscheduled(pod)) }
        if phase == "Succeeded" || phase == "Failed" {
            let words = [pod["status"]["reason"].string, pod["status"]["message"].string].compactMap { $0 }
            return Cause(
                "\(name) has ended: \(phase)\(words.isEmpty ? "" : " (\(words.joined(separator: ": ")))")", because: machine(pod) + why)
        }
        let ready = condition("Ready", of: pod)
        if ready["status"].string == "True" { return Cause("\(name) is ready\(since(ready))", because: heldBack(pod) + machine(pod) + why) }
        return Cause("\(name) is not ready\(since(ready))", because: heldBack(pod) + unready(pod) + why)
    }

    private func since(_ condition: Value) -> String { age(condition["lastTransitionTime"]).map { " since \($0)" } ?? "" }

    /// A restart that was asked for and would do more harm than good now.
    private func heldBack(_ pod: Value) -> [Cause] {
        let held = condition(Condition.restartHeldBack, of: pod)
        guard held["status"].string == "True" else { return [] }
        return [Cause("its restart is held back\(since(held)): \(held["message"].plainText)")]
    }

    private func unscheduled(_ pod: Value) -> [Cause] {
        let scheduled = condition("PodScheduled", of: pod)
        guard let message = scheduled["message"].string, !message.isEmpty else {
            let gates = pod["spec"]["schedulingGates"].elements.compactMap { $0["name"].string }
            if !gates.isEmpty { return [Cause("its scheduling gates hold it back: \(gates.joined(separator: ", "))")] }
            return [Cause("the scheduler has not come to it yet")]
        }
        return [Cause(message, because: [Cause("it is tried again whenever a node or a pod changes")])]
    }

    private func unready(_ pod: Value) -> [Cause] {
        var out = machine(pod)
        let gates = pod["spec"]["readinessGates"].elements.compactMap { $0["conditionType"].string }
        for gate in gates where condition(gate, of: pod)["status"].string != "True" {
            out.append(Cause("its readiness gate \(gate) does not hold: whoever writes this condition has not set it to True"))
        }
        if out.isEmpty, let message = condition("Ready", of: pod)["message"].string, !message.isEmpty { out.append(Cause(message)) }
        return out
    }

    /// What its agent says; what the stored status says where the agent does not answer.
    private func machine(_ pod: Value) -> [Cause] {
        if let sentences = machines[pod.name] {
            return sentences.map { sentence in
                Cause((sentence["container"].string.map { "container \($0): " } ?? "it ") + (sentence["text"].string ?? ""))
            }
        }
        var out: [Cause] = []
        if let why = silences[pod.name] { out.append(Cause("its agent was not reached (\(why)); what it last reported:")) }
        for status in pod["status"]["containerStatuses"].elements where status["ready"].bool != true {
            let state = status["state"]
            let told = [state["waiting"], state["terminated"]].first { !$0.isNull } ?? .null
            let text = [told["reason"].string, told["message"].string].compactMap { $0 }.joined(separator: ": ")
            out.append(Cause("container \(status["name"].plainText) is not ready\(text.isEmpty ? "" : ": \(text)")"))
        }
        return out
    }

    private func placement(_ pod: Value) -> [Cause] {
        guard let node = pod["spec"]["nodeName"].string else { return [] }
        let choice = decisions.last { $0["component"].string == "default-scheduler" && $0["reason"].isNull }?["message"].string
        let why = choice.map { [Cause("the scheduler chose \($0)")] } ?? []
        return [Cause("it is on node \(node)", because: why)]
    }

    /// Why its containers were restarted.
    private func history(_ pod: Value) -> [Cause] {
        pod["status"]["containerStatuses"].elements.compactMap { status in
            guard let count = status["restartCount"].int, count > 0 else { return nil }
            let name = status["name"].plainText
            let end = status["lastState"]["terminated"]
            var text = "container \(name) was restarted \(count == 1 ? "once" : "\(count) times")"
            if !end.isNull {
                text += "; it last ended\(age(end["finishedAt"]).map { " \($0) ago" } ?? "") with exit code \(end["exitCode"].int ?? 0)"
                if let reason = end["reason"].string, reason != "Error", reason != "Completed" { text += " (\(reason))" }
            }
            var because: [Cause] = []
            if end["reason"].string == "OOMKilled" {
                let limit = pod["spec"]["containers"].elements.first { $0["name"].string == name }?["resources"]["limits"]["memory"].string
                because = [Cause("the kernel ended it: it wanted more memory than its limit\(limit.map { " of \($0)" } ?? "") allows")]
            } else if let failure = probeFailure(of: name, endedWith: end) {
                because = [failure]
            } else if let signal = end["signal"].int, signal > 0 {
                because = [Cause("signal \(signal) killed its program: no probe asked for it")]
            } else if !end.isNull {
                because = [Cause("its program ended by itself: nothing here asked it to")]
            }
            return Cause(text, because: because)
        }
    }

    /// The probe that had a container restarted whose last run ended so; nil when none had. Decisions are kept for days: only one that was made in that
    /// run, whose times are cut to seconds, tells of its end.
    private func probeFailure(of container: String, endedWith end: Value) -> Cause? {
        guard let finished = end["finishedAt"].timestamp.map({ $0 + .seconds(1) }) else { return nil }
        let began = end["startedAt"].timestamp
        for probe in ["liveness", "startup"] {
            let message = "Container \(container) failed \(probe) probe, will be restarted"
            let told = decisions.last { decision in
                guard decision["reason"].string == "Killing", decision["message"].string == message, let last = decision["last"].timestamp
                else { return false }
                // One record of every time: the last of them may be of the run after this one.
                return decision["first"].timestamp ?? last < finished && began.map { last >= $0 } ?? true
            }
            guard let told, let asked = told["last"].timestamp else { continue }
            let answer = decisions.last { decision in
                guard decision["reason"].string == "Unhealthy", let at = decision["last"].timestamp else { return false }
                let first = decision["first"].timestamp ?? at
                return (decision["message"].string ?? "").lowercased().hasPrefix(probe) && first <= asked && began.map { at >= $0 } ?? true
            }
            return Cause(message, because: answer?["message"].string.map { [Cause($0)] } ?? [])
        }
        return nil
    }
}
