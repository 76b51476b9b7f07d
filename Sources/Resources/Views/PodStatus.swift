import Formats
import Timing

/// What is known of a pod; all but two conditions are written by its node's agent.
package struct PodStatus: Hashable, Sendable {
    /// Where a pod is in its life.
    package enum Phase: String, Sendable {
        case pending = "Pending"
        case running = "Running"
        case succeeded = "Succeeded"
        case failed = "Failed"
        case unknown = "Unknown"
    }

    package var phase: Phase
    package var reason: String
    package var message: String
    package var podIP: String
    package var hostIP: String
    package var startTime: Timestamp?
    package var conditions: [Condition]
    package var initContainerStatuses: [ContainerStatus]
    package var containerStatuses: [ContainerStatus]
    package var qosClass: String
    package var nominatedNodeName: String

    package init(_ value: Value) {
        phase = value["phase"].string.flatMap(Phase.init(rawValue:)) ?? .pending
        reason = value["reason"].string ?? ""
        message = value["message"].string ?? ""
        podIP = value["podIP"].string ?? ""
        hostIP = value["hostIP"].string ?? ""
        startTime = value["startTime"].timestamp
        conditions = [Condition](conditions: value["conditions"])
        initContainerStatuses = value["initContainerStatuses"].elements.map { ContainerStatus($0) }
        containerStatuses = value["containerStatuses"].elements.map { ContainerStatus($0) }
        qosClass = value["qosClass"].string ?? ""
        nominatedNodeName = value["nominatedNodeName"].string ?? ""
    }
}

/// One container's state; image, imageID, name, ready and restartCount are always written (clients demand them).
package struct ContainerStatus: Hashable, Sendable {
    package var name: String
    package var image: String
    package var imageID: String
    package var containerID: String
    package var isReady: Bool
    /// Nil: not said.
    package var isStarted: Bool?
    package var restartCount: Int
    package var state: ContainerState
    package var lastState: ContainerState

    package init(
        name: String, image: String, imageID: String = "", containerID: String = "", isReady: Bool = false, isStarted: Bool? = nil,
        restartCount: Int = 0, state: ContainerState = .none, lastState: ContainerState = .none
    ) {
        self.name = name
        self.image = image
        self.imageID = imageID
        self.containerID = containerID
        self.isReady = isReady
        self.isStarted = isStarted
        self.restartCount = restartCount
        self.state = state
        self.lastState = lastState
    }

    package init(_ value: Value) {
        self.init(
            name: value["name"].string ?? "", image: value["image"].string ?? "", imageID: value["imageID"].string ?? "",
            containerID: value["containerID"].string ?? "", isReady: value["ready"].bool ?? false, isStarted: value["started"].bool,
            restartCount: Int(value["restartCount"].int ?? 0), state: ContainerState(value["state"]),
            lastState: ContainerState(value["lastState"]))
    }

    package var value: Value {
        var out: Value = ["name": .string(name), "state": state.value, "lastState": lastState.value, "ready": .bool(isReady)]
        out["restartCount"] = .int(Int64(restartCount))
        out["image"] = .string(image)
        out["imageID"] = .string(imageID)
        if !containerID.isEmpty { out["containerID"] = .string(containerID) }
        if let isStarted { out["started"] = .bool(isStarted) }
        return out
    }
}

/// Waiting, running or terminated.
package enum ContainerState: Hashable, Sendable {
    case none
    case waiting(reason: String, message: String)
    case running(startedAt: Timestamp?)
    case terminated(Termination)

    /// How a container's process ended.
    package struct Termination: Hashable, Sendable {
        package var exitCode: Int
        /// 0: not by a signal.
        package var signal: Int
        package var reason: String
        package var message: String
        package var startedAt: Timestamp?
        package var finishedAt: Timestamp?
        package var containerID: String

        package init(
            exitCode: Int, signal: Int = 0, reason: String, message: String = "", startedAt: Timestamp? = nil, finishedAt: Timestamp? = nil,
            containerID: String = ""
        ) {
            self.exitCode = exitCode
            self.signal = signal
            self.reason = reason
            self.message = message
            self.startedAt = startedAt
            self.finishedAt = finishedAt
            self.containerID = containerID
        }
    }

    package init(_ value: Value) {
        if case .object = value["running"] {
            self = .running(startedAt: value["running"]["startedAt"].timestamp)
        } else if case .object = value["terminated"] {
            let end = value["terminated"]
            self = .terminated(
                Termination(
                    exitCode: Int(end["exitCode"].int ?? 0), signal: Int(end["signal"].int ?? 0), reason: end["reason"].string ?? "",
                    message: end["message"].string ?? "", startedAt: end["startedAt"].timestamp, finishedAt: end["finishedAt"].timestamp,
                    containerID: end["containerID"].string ?? ""))
        } else if case .object = value["waiting"] {
            self = .waiting(reason: value["waiting"]["reason"].string ?? "", message: value["waiting"]["message"].string ?? "")
        } else {
            self = .none
        }
    }

    package var value: Value {
        switch self {
        case .none: return [:]
        case .waiting(let reason, let message):
            var out: Value = [:]
            if !reason.isEmpty { out["reason"] = .string(reason) }
            if !message.isEmpty { out["message"] = .string(message) }
            return ["waiting": out]
        case .running(let startedAt): return ["running": startedAt.map { ["startedAt": .string($0.rfc3339)] } ?? [:]]
        case .terminated(let end):
            var out: Value = ["exitCode": .int(Int64(end.exitCode))]
            if end.signal != 0 { out["signal"] = .int(Int64(end.signal)) }
            if !end.reason.isEmpty { out["reason"] = .string(end.reason) }
            if !end.message.isEmpty { out["message"] = .string(end.message) }
            if let at = end.startedAt { out["startedAt"] = .string(at.rfc3339) }
            if let at = end.finishedAt { out["finishedAt"] = .string(at.rfc3339) }
            if !end.containerID.isEmpty { out["containerID"] = .string(end.containerID) }
            return ["terminated": out]
        }
    }

    package var isRunning: Bool { if case .running = self { true } else { false } }
    package var termination: Termination? { if case .terminated(let end) = self { end } else { nil } }
}
