import Timing

/// How a container's program ended, in Kubernetes' words.
package struct Termination: Hashable, Sendable {
    package var exitCode: Int
    /// `Completed`, `Error`, `OOMKilled`, `ContainerStatusUnknown` …
    package var reason: String
    package var message: String
    /// Nil when nobody knows.
    package var startedAt: Timestamp?
    package var finishedAt: Timestamp?
    /// The process that it was.
    package var containerID: String

    package init(
        exitCode: Int, reason: String? = nil, message: String = "", startedAt: Timestamp? = nil, finishedAt: Timestamp? = nil,
        containerID: String = ""
    ) {
        self.exitCode = exitCode
        self.reason = reason ?? (exitCode == 0 ? "Completed" : "Error")
        self.message = message
        self.startedAt = startedAt
        self.finishedAt = finishedAt
        self.containerID = containerID
    }

    /// An exit that nobody saw: it counts as killed.
    package static func unseen(startedAt: Timestamp?, containerID: String = "") -> Termination {
        Termination(
            exitCode: 137, reason: "ContainerStatusUnknown", message: "The container could not be located when its agent came back",
            startedAt: startedAt, containerID: containerID)
    }
}

/// What was left of a container when an agent began to look after it again.
package struct Remains: Hashable, Sendable {
    /// What happens to a container's process.
    package enum Process: Hashable, Sendable {
        /// It runs; since when, and how far it had come.
        case running(since: Timestamp, containerID: String, Progress)
        case ended(Termination)
        case none
    }
    /// How far a running program had come when it was last reported.
    package enum Progress: Hashable, Sendable {
        /// Its startup probe has not passed yet.
        case starting
        case started
        case ready

        /// As a stored containerStatus has it.
        package init(isStarted: Bool, isReady: Bool) { self = isReady ? .ready : isStarted ? .started : .starting }
    }
    package var process: Process
    package var restartCount: Int
    package var lastTermination: Termination?

    package init(_ process: Process, restartCount: Int, lastTermination: Termination? = nil) {
        self.process = process
        self.restartCount = restartCount
        self.lastTermination = lastTermination
    }
}

/// When a hook runs.
package enum HookKind: String, Hashable, Sendable { case postStart, preStop }

/// What happens to a container.
package enum ContainerEvent: Hashable, Sendable {
    /// It is its turn: all that it needs is there.
    case start
    case launched(containerID: String)
    /// It could not be started: Kubernetes' reason and the remedy.
    case launchFailed(reason: String, message: String)
    /// It cannot be started at this moment, for no reason of its own: it is tried again soon.
    case launchPostponed
    /// Its first process has ended.
    case ended(Termination)
    /// No process of it is left.
    case cleared
    case probed(ProbeKind, succeeded: Bool, message: String)
    case probeSkipped(ProbeKind)
    case hookFinished(HookKind, failure: String?)
    /// Nothing new is sent to a container that is to be restarted.
    case withdrawn
    /// And it has no request left.
    case drained
    /// Something that a failed launch missed may be there now.
    case retry
}

/// What happens to a pod.
package enum PodEvent: Hashable, Sendable {
    /// Its directories, its address and its volumes are there.
    case prepared
    /// They are not: it is tried again, with this to show meanwhile.
    case preparationFailed(reason: String, message: String)
    case container(String, ContainerEvent)
    /// Found after a restart of the agent. BEFORE `prepared`.
    case found(String, Remains)
    /// It is to go within this time; a shorter one may follow.
    case delete(within: Duration)
    /// Every proxy has acknowledged that the pod is withdrawn: nothing new comes.
    case withdrawn
    /// And has no exchange with it.
    case drained
    /// It has run for longer than it may.
    case deadlineExceeded
    /// A deadline has come (see `nextDeadline`).
    case tick
}

/// What the driver is to do.
package enum PodAction: Hashable, Sendable {
    case prepare
    case launch(String)
    /// A try of a probe; answered with `probed` or `probeSkipped`.
    case probe(String, ProbeKind)
    /// Answered with `hookFinished`, unless the container ends before.
    case runHook(String, HookKind)
    /// SIGTERM to the container's first process group.
    case terminate(String)
    /// SIGKILL to everything in the container.
    case kill(String)
    /// The first process has ended: the others get this long to end by themselves. Answered with `cleared` when none is left.
    case clear(String, within: Duration)
    /// Answered with `withdrawn` for the container once no proxy routes to the pod, and with `drained` once none has an exchange with it.
    case awaitWithdrawal(String)
    /// Answered with `withdrawn`, and with `drained` once the acknowledged drain is complete.
    case awaitDrain
    case record(PodNote)
    /// Nothing of the pod is left: it may be removed. Emitted once, after a `delete`.
    case finished
}

/// Something to tell people, as an Event object.
package struct PodNote: Hashable, Sendable {
    package var isWarning: Bool
    package var reason: String
    package var message: String
    /// Nil for the pod as a whole.
    package var container: String?
    package init(_ reason: String, _ message: String, container: String? = nil, isWarning: Bool = false) {
        self.isWarning = isWarning
        self.reason = reason
        self.message = message
        self.container = container
    }
}
