import Formats
import Resources
import Timing

/// `pod.status` as Kubernetes words it, made from a pod's machine. Remembers only when conditions changed.
package struct PodStatusReport: Sendable {
    /// What the machine does not know.
    package struct Surroundings: Hashable, Sendable {
        package var podIP: String?
        package var hostIP: String
        package var startTime: Timestamp?
        /// The hash of the image's content, by container.
        package var imageIDs: [String: String]
        /// Which of the pod's readiness gates do not hold, each as a sentence (see `unmetGates`).
        package var unmetGates: [String] = []
        /// As whom programs run, by container.
        package var users: [String: User] = [:]
        /// Why a restart that a liveness probe asks for is not carried out; nil: none is held back.
        package var heldBack: String?
        package init(podIP: String?, hostIP: String, startTime: Timestamp?, imageIDs: [String: String] = [:]) {
            self.podIP = podIP
            self.hostIP = hostIP
            self.startTime = startTime
            self.imageIDs = imageIDs
        }
    }

    /// As whom a container's program is started, and who may listen at its address.
    package struct User: Hashable, Sendable {
        package var user: UInt32
        package var group: UInt32
        package var groups: [UInt32]
        /// Nil: it cannot be told.
        package var listeners: ListenerUsers?
        package init(user: UInt32, group: UInt32, groups: [UInt32] = [], listeners: ListenerUsers? = nil) {
            self.user = user
            self.group = group
            self.groups = groups
            self.listeners = listeners
        }

        /// Kubernetes' `user.linux`, and beside it our own word.
        var value: Value {
            var linux: Value = ["uid": .int(Int64(user)), "gid": .int(Int64(group))]
            if !groups.isEmpty { linux["supplementalGroups"] = .array(groups.map { .int(Int64($0)) }) }
            return ["linux": linux, ListenerUsers.statusField: listeners?.statusValue ?? .null]
        }
    }

    /// What keeps a pod from being ready though its containers are: conditions that others write, in the kubelet's words.
    package static func unmetGates(of pod: Value) -> [String] {
        pod["spec"]["readinessGates"].elements.compactMap { gate in
            guard let type = gate["conditionType"].string else { return nil }
            guard let condition = pod["status"]["conditions"].elements.first(where: { $0["type"].string == type }) else {
                return "corresponding condition of pod readiness gate \"\(type)\" does not exist."
            }
            let status = condition["status"].string ?? ""
            return status == "True" ? nil : "the status of pod readiness gate \"\(type)\" is not \"True\", but \(status)"
        }
    }

    private var transitions: [String: (status: String, at: String)] = [:]

    package init() {}

    /// Takes over when the conditions of a stored status changed.
    package init(stored status: Value) {
        for condition in status["conditions"].elements {
            if let type = condition["type"].string, let value = condition["status"].string, let at = condition["lastTransitionTime"].string
            {
                transitions[type] = (value, at)
            }
        }
    }

    /// The phase, as the kubelet's getPhase decides it.
    package static func phase(of machine: PodMachine) -> String {
        // AFTER its last process, since others take this as its end.
        if machine.isExpired, !machine.containers.contains(where: \.hasProcess) { return "Failed" }
        if machine.containers.contains(where: { $0.policy.role == .initial && $0.isTerminated && !$0.isInitialized }) { return "Failed" }
        if !machine.isInitialized && !machine.isDeleting { return "Pending" }
        let regular = machine.containers.filter { $0.policy.role == .regular }
        var hasWaiting = false
        var isAllTerminated = true
        var hasFailure = false
        for container in regular {
            switch container.state {
            case .waiting, .launching:
                isAllTerminated = false
                // One that ran before counts as stopped, not as waiting.
                if container.lastTermination == nil { hasWaiting = true }
            case .running, .clearing, .backingOff: isAllTerminated = false
            case .terminated(let how): if how.exitCode != 0 { hasFailure = true }
            }
        }
        if isAllTerminated {
            return machine.policy.restartPolicy == .always && !machine.isDeleting ? "Running" : hasFailure ? "Failed" : "Succeeded"
        }
        return hasWaiting ? "Pending" : "Running"
    }

    /// The fields that the node's agent writes; conditions of other writers are not in it. `at` stamps what changed.
    package mutating func status(of machine: PodMachine, in surroundings: Surroundings, at: Timestamp) -> Value {
        var out: Value = ["phase": .string(Self.phase(of: machine))]
        if machine.isExpired {
            out["reason"] = "DeadlineExceeded"
            out["message"] = .string(PodMachine.deadlineMessage)
        }
        var conditions = conditions(of: machine, unmetGates: surroundings.unmetGates, at: at)
        if let why = surroundings.heldBack {
            conditions.append(condition(Condition.restartHeldBack, true, reason: "LivenessHeldBack", message: why, at: at))
        } else if transitions[Condition.restartHeldBack] != nil {
            conditions.append(condition(Condition.restartHeldBack, false, at: at))
        }
        out["conditions"] = .array(conditions)
        out["hostIP"] = .string(surroundings.hostIP)
        out["hostIPs"] = [["ip": .string(surroundings.hostIP)]]
        if let ip = surroundings.podIP {
            out["podIP"] = .string(ip)
            out["podIPs"] = [["ip": .string(ip)]]
        }
        if let start = surroundings.startTime { out["startTime"] = .string(start.rfc3339) }
        let initial = machine.containers.filter { $0.policy.role != .regular }
        if !initial.isEmpty { out["initContainerStatuses"] = .array(initial.map { status(of: $0, in: machine, surroundings) }) }
        out["containerStatuses"] = .array(
            machine.containers.filter { $0.policy.role == .regular }.map { status(of: $0, in: machine, surroundings) })
        return out
    }

    // MARK: - Conditions

    private mutating func conditions(of machine: PodMachine, unmetGates: [String], at: Timestamp) -> [Value] {
        let isCompleted = Self.phase(of: machine) == "Succeeded"
        let uninitialized = machine.containers.filter { $0.policy.role != .regular && !$0.isInitialized }.map(\.policy.name)
        let unready = machine.containers.filter { $0.policy.role != .initial && !$0.isReady }.map(\.policy.name)
        var out: [Value] = []
        if uninitialized.isEmpty || isCompleted {
            out.append(condition("Initialized", true, reason: isCompleted ? "PodCompleted" : nil, at: at))
        } else {
            let message = "containers with incomplete status: \(bracketed(uninitialized))"
            out.append(condition("Initialized", false, reason: "ContainersNotInitialized", message: message, at: at))
        }
        for type in ["Ready", "ContainersReady"] {
            if isCompleted {
                out.append(condition(type, false, reason: "PodCompleted", at: at))
            } else if type == "Ready", unready.isEmpty, uninitialized.isEmpty, !unmetGates.isEmpty {
                out.append(
                    condition(type, false, reason: "ReadinessGatesNotReady", message: unmetGates.joined(separator: ", "), at: at))
            } else if unready.isEmpty && uninitialized.isEmpty {
                out.append(condition(type, true, at: at))
            } else {
                let message = "containers with unready status: \(bracketed(unready.isEmpty ? uninitialized : unready))"
                out.append(condition(type, false, reason: "ContainersNotReady", message: message, at: at))
            }
        }
        return out
    }

    private func bracketed(_ names: [String]) -> String { "[" + names.joined(separator: " ") + "]" }

    private mutating func condition(_ type: String, _ holds: Bool, reason: String? = nil, message: String? = nil, at: Timestamp) -> Value {
        let status = holds ? "True" : "False"
        if transitions[type]?.status != status { transitions[type] = (status, at.rfc3339) }
        var out: Value = ["type": .string(type), "status": .string(status), "lastProbeTime": .null]
        out["lastTransitionTime"] = .string(transitions[type]!.at)
        // Null removes what an earlier state had said.
        out.setMember("reason", reason.map { .string($0) } ?? .null)
        out.setMember("message", message.map { .string($0) } ?? .null)
        return out
    }

    // MARK: - Containers

    private func status(of container: ContainerMachine, in machine: PodMachine, _ surroundings: Surroundings) -> Value {
        let policy = container.policy
        var state: Value
        var last = container.lastTermination
        var id = ""
        var isStarted = false
        switch container.state {
        case .waiting(let reason, let message, _): state = waiting(reason, message)
        case .launching:
            state = waiting("ContainerCreating", "")
        case .running(let run), .clearing(let run, _):
            state = ["running": ["startedAt": .string(run.startedAt.rfc3339)]]
            id = run.containerID
            isStarted = run.isStarted
        case .backingOff(_, let delay, let how):
            id = how.containerID
            if delay >= RestartBackoff.shownFrom {
                let pod = "\(machine.policy.name)_\(machine.policy.namespace)(\(machine.policy.uid))"
                state = waiting("CrashLoopBackOff", "back-off \(text(delay)) restarting failed container=\(policy.name) pod=\(pod)")
            } else {
                state = ["terminated": terminated(how)]
                last = nil
            }
        case .terminated(let how):
            state = ["terminated": terminated(how)]
            id = how.containerID
        }
        var out: Value = ["name": .string(policy.name)]
        out["state"] = state
        out["lastState"] = last.map { ["terminated": terminated($0)] } ?? .object([:])
        out["ready"] = .bool(policy.role == .initial ? container.isInitialized : container.isReady)
        out["restartCount"] = .int(Int64(container.restartCount))
        out["image"] = .string(policy.image)
        out["imageID"] = .string(surroundings.imageIDs[policy.name] ?? "")
        if !id.isEmpty { out["containerID"] = .string(id) }
        out["started"] = .bool(isStarted)
        if let user = surroundings.users[policy.name] { out["user"] = user.value }
        return out
    }

    private func waiting(_ reason: String, _ message: String) -> Value {
        message.isEmpty ? ["waiting": ["reason": .string(reason)]] : ["waiting": ["reason": .string(reason), "message": .string(message)]]
    }

    private func terminated(_ how: Termination) -> Value {
        var out: Value = ["exitCode": .int(Int64(how.exitCode)), "reason": .string(how.reason)]
        if !how.message.isEmpty { out["message"] = .string(how.message) }
        out["startedAt"] = how.startedAt.map { .string($0.rfc3339) } ?? .null
        out["finishedAt"] = how.finishedAt.map { .string($0.rfc3339) } ?? .null
        if !how.containerID.isEmpty { out["containerID"] = .string(how.containerID) }
        return out
    }

    /// As Go prints durations of whole seconds: `10s`, `2m40s`, `5m0s`.
    private func text(_ delay: Duration) -> String {
        let tenths = delay.nanoseconds / 100_000_000
        let seconds = tenths / 10
        if seconds >= 60 { return "\(seconds / 60)m\(seconds % 60)s" }
        return tenths % 10 == 0 ? "\(seconds)s" : "\(seconds).\(tenths % 10)s"
    }
}

extension Value {
    /// Keeps an explicit null, which a patch needs to remove a member.
    fileprivate mutating func setMember(_ key: String, _ value: Value) {
        guard case .object(var object) = self else { return }
        object[key] = value
        self = .object(object)
    }
}
