import Formats
import Timing

@testable import Supervision

/// A pod with a clock: one line per action, with the time in seconds at which it came.
struct Stage {
    var machine: PodMachine
    var now = Instant.zero
    private(set) var lines: [String] = []
    static let begin = Timestamp(rfc3339: "2026-01-01T00:00:00Z")!

    init(_ policy: PodPolicy) { machine = PodMachine(policy) }

    var wall: Timestamp { Self.begin + (now - Instant.zero) }

    mutating func send(_ event: PodEvent, after delay: Duration = .zero) {
        advance(by: delay)
        note(machine.handle(event, now: now, at: wall))
    }

    /// Lets time pass; deadlines come when they are due.
    mutating func advance(by delay: Duration) {
        let end = now + delay
        while machine.nextDeadline <= end {
            now = max(now, machine.nextDeadline)
            note(machine.handle(.tick, now: now, at: wall))
        }
        now = end
    }

    private mutating func note(_ actions: [PodAction]) {
        for action in actions {
            if case .record = action { continue }
            lines.append("\((now - Instant.zero).inSeconds) \(Self.text(action))")
        }
    }

    static func text(_ action: PodAction) -> String {
        switch action {
        case .prepare: "prepare"
        case .launch(let name): "launch \(name)"
        case .probe(let name, let kind): "probe \(name) \(kind)"
        case .runHook(let name, let kind): "hook \(name) \(kind)"
        case .terminate(let name): "TERM \(name)"
        case .kill(let name): "KILL \(name)"
        case .clear(let name, let patience): "clear \(name) within \(patience.inSeconds)"
        case .awaitWithdrawal(let name): "await withdrawal for \(name)"
        case .awaitDrain: "await drain"
        case .record(let note): note.reason
        case .finished: "finished"
        }
    }

    /// What happened since the last look.
    mutating func taken() -> [String] {
        defer { lines = [] }
        return lines
    }

    mutating func run(_ name: String) { send(.container(name, .launched(containerID: "steady://1"))) }
    mutating func end(_ name: String, code: Int, after delay: Duration = .zero) {
        send(.container(name, .ended(Termination(exitCode: code, finishedAt: wall))), after: delay)
        send(.container(name, .cleared))
    }

    func status() -> Value {
        var report = PodStatusReport()
        return report.status(of: machine, in: .init(podIP: "127.64.0.1", hostIP: "127.16.0.1", startTime: Self.begin), at: wall)
    }
    func condition(_ type: String) -> String { status()["conditions"].elements.first { $0["type"].string == type }?["status"].string ?? "" }
}

let plain = ContainerPolicy(name: "web")

/// A pod that is prepared.
func stage(_ containers: ContainerPolicy..., policy: ContainerPolicy.RestartPolicy = .always, grace: Duration = .seconds(30)) -> Stage {
    var stage = Stage(PodPolicy(containers: containers, gracePeriod: grace, restartPolicy: policy))
    stage.send(.prepared)
    return stage
}
