import Formats
import Timing

/// A pod's row: READY, STATUS and RESTARTS as kubectl's users know them.
package enum PodPrinting {
    /// What the columns READY, STATUS and RESTARTS of a pod are made of.
    package struct Summary: Hashable, Sendable {
        package var ready: String
        /// One word: `Running`, `CrashLoopBackOff`, `Init:1/2`, `Terminating`.
        package var status: String
        package var restarts: String
    }

    static func cells(_ pod: Pod, age: String, now: Timestamp) -> [Value] {
        let summary = summary(pod, now: now)
        let gates = pod.spec.readinessGates
        let passed = gates.count { pod.status.conditions.isTrue($0) }
        return [
            .string(summary.ready), .string(summary.status), .string(summary.restarts), .string(age),
            .string(Printing.orNone(pod.status.podIP)), .string(Printing.orNone(pod.spec.nodeName)),
            .string(Printing.orNone(pod.status.nominatedNodeName)), .string(gates.isEmpty ? "<none>" : "\(passed)/\(gates.count)"),
        ]
    }

    /// Kubernetes' rule for the one word: the first init container that is not done, else the first container that is not well (looked at from
    /// the last one on), else the phase; a deletion overrides.
    package static func summary(_ pod: Pod, now: Timestamp) -> Summary {
        let sidecars = Set(pod.spec.initContainers.filter(\.isSidecar).map(\.name))
        let totalCount = pod.spec.containers.count + sidecars.count
        var readyCount = 0
        var restarts = Restarts()
        var reason = pod.status.reason.isEmpty ? pod.status.phase.rawValue : pod.status.reason
        if pod.status.conditions[Condition.podScheduled]?.reason == "SchedulingGated" { reason = "SchedulingGated" }

        var sidecarRestarts = Restarts()
        var isInitializing = false
        for (index, status) in pod.status.initContainerStatuses.enumerated() {
            restarts.add(status)
            let isSidecar = sidecars.contains(status.name)
            if isSidecar { sidecarRestarts.add(status) }
            if let end = status.state.termination, end.exitCode == 0 { continue }
            if isSidecar, status.isStarted == true {
                if status.isReady { readyCount += 1 }
                continue
            }
            switch status.state {
            case .terminated(let end): reason = "Init:" + word(of: end)
            case .waiting(let why, _) where !why.isEmpty && why != "PodInitializing": reason = "Init:\(why)"
            default: reason = "Init:\(index)/\(pod.spec.initContainers.count)"
            }
            isInitializing = true
            break
        }

        if !isInitializing || pod.status.conditions.isTrue(Condition.initialized) {
            restarts = sidecarRestarts
            var isAnyRunning = false
            for status in pod.status.containerStatuses.reversed() {
                restarts.add(status)
                switch status.state {
                case .waiting(let why, _) where !why.isEmpty: reason = why
                case .terminated(let end): reason = word(of: end)
                case .running where status.isReady:
                    isAnyRunning = true
                    readyCount += 1
                default: break
                }
            }
            if reason == "Completed", isAnyRunning { reason = pod.isReady ? "Running" : "NotReady" }
        }
        if pod.isTerminating {
            if pod.status.reason == "NodeLost" {
                reason = "Unknown"
            } else if !pod.isFinished {
                reason = "Terminating"
            }
        }
        return Summary(ready: "\(readyCount)/\(totalCount)", status: reason, restarts: restarts.text(now: now))
    }

    private static func word(of end: ContainerState.Termination) -> String {
        if !end.reason.isEmpty { return end.reason }
        return end.signal != 0 ? "Signal:\(end.signal)" : "ExitCode:\(end.exitCode)"
    }

    /// How often containers were restarted, and when last.
    private struct Restarts {
        var count = 0
        var last: Timestamp?

        mutating func add(_ status: ContainerStatus) {
            count += status.restartCount
            if let end = status.lastState.termination?.finishedAt { last = max(last ?? end, end) }
        }

        func text(now: Timestamp) -> String {
            guard count > 0, let last else { return "\(count)" }
            return "\(count) (\(HumanDuration.text(now - last)) ago)"
        }
    }
}
