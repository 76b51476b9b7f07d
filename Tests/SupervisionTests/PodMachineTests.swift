import Formats
import Testing
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

@Suite struct PodMachineTests {
    let plain = ContainerPolicy(name: "web")

    private func stage(_ containers: ContainerPolicy..., policy: ContainerPolicy.RestartPolicy = .always, grace: Duration = .seconds(30))
        -> Stage
    {
        var stage = Stage(PodPolicy(containers: containers, gracePeriod: grace, restartPolicy: policy))
        stage.send(.prepared)
        return stage
    }

    @Test func `a pod waits for its preparation, runs, and is ready`() {
        var stage = Stage(PodPolicy(containers: [plain]))
        #expect(stage.machine.begin() == [.prepare])
        stage.send(.preparationFailed(reason: "FailedMount", message: "configmap \"x\" not found"))
        #expect(stage.status()["phase"] == "Pending")
        stage.advance(by: .seconds(2))
        stage.send(.prepared)
        stage.run("web")
        #expect(stage.taken() == ["2.0 prepare", "2.0 launch web"])
        #expect(stage.status()["phase"] == "Running" && stage.condition("Ready") == "True")
    }

    @Test func `init containers run one after the other, each to its success`() {
        var stage = stage(
            ContainerPolicy(name: "one", role: .initial, restartPolicy: .onFailure),
            ContainerPolicy(name: "two", role: .initial, restartPolicy: .onFailure),
            plain)
        #expect(stage.status()["containerStatuses"][0]["state"]["waiting"]["reason"] == "PodInitializing")
        stage.run("one")
        stage.end("one", code: 1, after: .seconds(1))
        stage.run("one")
        stage.end("one", code: 0, after: .seconds(1))
        stage.run("two")
        #expect(stage.condition("Initialized") == "False" && stage.status()["phase"] == "Pending")
        stage.end("two", code: 0, after: .seconds(1))
        #expect(
            stage.taken() == [
                "0.0 launch one", "1.0 clear one within 0.0", "1.0 launch one", "2.0 clear one within 0.0", "2.0 launch two",
                "3.0 clear two within 0.0",
                "3.0 launch web",
            ])
        #expect(stage.condition("Initialized") == "True")
    }

    @Test func `a container that never runs well waits ever longer and is shown as CrashLoopBackOff from one second on`() {
        var stage = stage(plain)
        var launches: [Double] = []
        for _ in 0..<8 {
            launches.append((stage.now - Instant.zero).inSeconds)
            stage.run("web")
            stage.end("web", code: 1)
            if case .launching = stage.machine["web"]?.state { continue }
            let shown = stage.status()["containerStatuses"][0]["state"]
            if case .backingOff(let until, let delay, _) = stage.machine["web"]?.state {
                #expect((shown["waiting"]["reason"] == "CrashLoopBackOff") == (delay >= .seconds(1)), "\(delay)")
                stage.advance(by: until - stage.now)
            }
        }
        #expect(launches == [0, 0, 0.1, 0.3, 0.7, 1.5, 3.1, 6.3])
        #expect(stage.machine["web"]?.restartCount == 8)
    }

    @Test func `a kill of a healthy container is healed at once`() {
        var stage = stage(plain)
        stage.run("web")
        _ = stage.taken()
        stage.end("web", code: 137, after: .seconds(5))
        #expect(stage.taken() == ["5.0 clear web within 0.0", "5.0 launch web"])
        #expect(stage.status()["phase"] == "Running" && stage.condition("Ready") == "False")
    }

    @Test func `restart policies`() {
        for (policy, code, isRestarted, phase) in [
            (ContainerPolicy.RestartPolicy.always, 0, true, "Running"), (.always, 1, true, "Running"), (.onFailure, 0, false, "Succeeded"),
            (.onFailure, 1, true, "Running"), (.never, 0, false, "Succeeded"), (.never, 1, false, "Failed"),
        ] {
            var stage = stage(ContainerPolicy(name: "web", restartPolicy: policy), policy: policy)
            stage.run("web")
            _ = stage.taken()
            stage.end("web", code: code, after: .seconds(2))
            #expect(stage.taken().contains("2.0 launch web") == isRestarted, "\(policy) \(code)")
            #expect(stage.status()["phase"].string == phase, "\(policy) \(code)")
        }
    }

    @Test func `startup gates the other probes; readiness decides; liveness restarts`() {
        let container = ContainerPolicy(
            name: "web", startup: ProbePolicy(), liveness: ProbePolicy(failureThreshold: 1),
            readiness: ProbePolicy(initialDelay: .seconds(1)))
        var stage = stage(container)
        stage.run("web")
        #expect(stage.taken() == ["0.0 launch web", "0.0 probe web startup"])
        #expect(stage.status()["containerStatuses"][0]["started"] == false)
        stage.send(.container("web", .probed(.startup, succeeded: true, message: "")))
        #expect(stage.taken() == ["0.0 probe web liveness"])
        stage.advance(by: .seconds(1))
        #expect(stage.taken() == ["1.0 probe web readiness"] && stage.condition("Ready") == "False")
        stage.send(.container("web", .probed(.readiness, succeeded: true, message: "")))
        #expect(stage.condition("Ready") == "True")
        // It hangs: the traffic is led away first, for at most a second.
        stage.send(.container("web", .probed(.liveness, succeeded: false, message: "timeout")))
        #expect(stage.condition("Ready") == "False")
        stage.advance(by: .seconds(1))
        #expect(stage.taken() == ["1.0 await withdrawal for web", "2.0 TERM web"])
        stage.end("web", code: 143)
        stage.run("web")
        #expect(stage.taken() == ["2.0 clear web within 29.0", "2.0 launch web", "2.0 probe web startup"])
        #expect(stage.status()["containerStatuses"][0]["restartCount"] == 1)
    }

    private var served: [ContainerPolicy] {
        [ContainerPolicy(name: "mesh", role: .sidecar), ContainerPolicy(name: "logs", role: .sidecar, hasPreStop: true), plain]
    }

    private func servedStage() -> Stage {
        var stage = Stage(PodPolicy(containers: served))
        stage.send(.prepared)
        for name in ["mesh", "logs", "web"] { stage.run(name) }
        _ = stage.taken()
        return stage
    }

    @Test func `sidecars end after the containers that they serve, the last one first`() {
        var stage = servedStage()
        stage.send(.delete(within: .seconds(30)))
        stage.send(.drained)
        stage.send(.container("logs", .hookFinished(.preStop, failure: nil)))
        #expect(stage.taken() == ["0.0 await drain", "0.0 hook logs preStop", "0.0 TERM web"])
        // Longer than half of the grace period, which is for drain and preStop.
        stage.end("web", code: 0, after: .seconds(20))
        #expect(stage.taken() == ["20.0 clear web within 10.0", "20.0 TERM logs"])
        stage.end("logs", code: 0, after: .seconds(1))
        #expect(stage.taken() == ["21.0 clear logs within 9.0", "21.0 TERM mesh"])
        stage.end("mesh", code: 0, after: .seconds(1))
        #expect(stage.taken() == ["22.0 clear mesh within 8.0", "22.0 finished"])
    }

    @Test func `sidecars have a last moment of their own when those whom they serve do not end`() {
        var stage = servedStage()
        stage.send(.delete(within: .seconds(30)))
        stage.send(.drained)
        stage.advance(by: .seconds(30))
        #expect(
            stage.taken() == [
                "0.0 await drain", "0.0 hook logs preStop", "0.0 TERM web", "28.0 TERM mesh", "28.0 TERM logs", "30.0 KILL mesh",
                "30.0 KILL logs", "30.0 KILL web",
            ])
    }

    @Test func `when all is done, sidecars end, the last one first, and the pod has succeeded`() {
        var containers = served
        containers[2] = ContainerPolicy(name: "web", restartPolicy: .never)
        var stage = Stage(PodPolicy(containers: containers, restartPolicy: .never))
        stage.send(.prepared)
        for name in ["mesh", "logs", "web"] { stage.run(name) }
        stage.end("web", code: 0, after: .seconds(5))
        stage.send(.container("logs", .hookFinished(.preStop, failure: nil)))
        stage.end("logs", code: 0, after: .seconds(1))
        stage.end("mesh", code: 0, after: .seconds(1))
        #expect(
            stage.taken().suffix(6) == [
                "5.0 clear web within 0.0", "5.0 hook logs preStop", "5.0 TERM logs", "6.0 clear logs within 29.0", "6.0 TERM mesh",
                "7.0 clear mesh within 29.0",
            ])
        #expect(stage.status()["phase"] == "Succeeded")
    }

    @Test func `readiness gates hold a pod back until others say that they are met`() {
        var stage = stage(plain)
        stage.run("web")
        func gates(_ conditions: Value) -> [String] {
            PodStatusReport.unmetGates(
                of: ["spec": ["readinessGates": [["conditionType": "x.io/up"]]], "status": ["conditions": conditions]])
        }
        #expect(gates([]) == ["corresponding condition of pod readiness gate \"x.io/up\" does not exist."])
        let unmet = gates([["type": "x.io/up", "status": "False"]])
        #expect(unmet == ["the status of pod readiness gate \"x.io/up\" is not \"True\", but False"])
        #expect(gates([["type": "x.io/up", "status": "True"]]) == [])
        var surroundings = PodStatusReport.Surroundings(podIP: nil, hostIP: "127.16.0.1", startTime: nil)
        surroundings.unmetGates = unmet
        var report = PodStatusReport()
        let conditions = report.status(of: stage.machine, in: surroundings, at: stage.wall)["conditions"].elements
        #expect(conditions.first { $0["type"] == "ContainersReady" }?["status"] == "True")
        let ready = conditions.first { $0["type"] == "Ready" }
        #expect(ready?["status"] == "False" && ready?["reason"] == "ReadinessGatesNotReady")
    }

    @Test func `a pod that runs longer than it may is ended and has failed`() {
        var stage = stage(plain, ContainerPolicy(name: "other", restartPolicy: .onFailure))
        stage.run("web")
        stage.run("other")
        stage.end("other", code: 0, after: .seconds(5))
        _ = stage.taken()
        stage.send(.deadlineExceeded, after: .seconds(5))
        #expect(stage.status()["phase"] == "Running")
        stage.end("web", code: 143, after: .seconds(1))
        stage.advance(by: .seconds(100))
        #expect(stage.taken() == ["10.0 TERM web", "11.0 clear web within 29.0"])
        let status = stage.status()
        #expect(status["phase"] == "Failed" && status["reason"] == "DeadlineExceeded")
        stage.send(.delete(within: .seconds(30)))
        #expect(stage.taken() == ["111.0 finished"])
    }

    @Test func `TERM comes after the acknowledged drain`() {
        var stage = stage(plain)
        stage.run("web")
        _ = stage.taken()
        stage.send(.delete(within: .seconds(30)), after: .seconds(10))
        #expect(stage.taken() == ["10.0 await drain"] && stage.condition("Ready") == "True")
        stage.send(.drained, after: .milliseconds(250))
        stage.end("web", code: 0, after: .seconds(1))
        #expect(stage.taken() == ["10.25 TERM web", "11.25 clear web within 28.75", "11.25 finished"])
    }

    @Test func `drain and preStop together take half of the grace period at most; then TERM, then KILL`() {
        var stage = stage(ContainerPolicy(name: "web", hasPreStop: true))
        stage.run("web")
        _ = stage.taken()
        stage.send(.delete(within: .seconds(30)))
        stage.send(.drained, after: .seconds(1))
        stage.advance(by: .seconds(60))
        #expect(stage.taken() == ["0.0 await drain", "0.0 hook web preStop", "15.0 TERM web", "30.0 KILL web"])
        stage.end("web", code: 137)
        #expect(stage.taken() == ["61.0 clear web within 0.0", "61.0 finished"])
    }

    @Test func `preStop runs beside the drain: TERM waits for the later of the two`() {
        for drainFirst in [true, false] {
            var stage = stage(ContainerPolicy(name: "web", hasPreStop: true))
            stage.run("web")
            stage.send(.delete(within: .seconds(30)))
            _ = stage.taken()
            let hook = PodEvent.container("web", .hookFinished(.preStop, failure: nil))
            stage.send(drainFirst ? .drained : hook, after: .seconds(1))
            #expect(stage.taken() == [])
            stage.send(drainFirst ? hook : .drained, after: .seconds(1))
            #expect(stage.taken() == ["2.0 TERM web"])
        }
    }

    @Test func `no grace means KILL at once, and a shorter grace overtakes a longer one`() {
        var stage = stage(plain)
        stage.run("web")
        stage.send(.delete(within: .seconds(30)))
        _ = stage.taken()
        stage.send(.delete(within: .zero), after: .seconds(1))
        #expect(stage.taken() == ["1.0 KILL web"])
    }

    @Test func `a pod that is deleted before it ran goes at once`() {
        var stage = Stage(PodPolicy(containers: [plain]))
        stage.send(.delete(within: .seconds(30)))
        #expect(stage.taken() == ["0.0 finished"])
        stage.send(.prepared)
        #expect(stage.taken() == [])
    }

    @Test func `a stop is over only when every container is gone`() {
        var stage = stage(plain, ContainerPolicy(name: "other"))
        stage.run("web")
        stage.run("other")
        stage.send(.delete(within: .seconds(10)))
        stage.send(.drained)
        stage.end("web", code: 0)
        #expect(!stage.taken().contains("0.0 finished"))
        stage.end("other", code: 0, after: .seconds(1))
        #expect(stage.taken().last == "1.0 finished")
    }

    @Test func `what cannot be launched is tried again and keeps saying why`() {
        var stage = stage(plain)
        stage.send(.container("web", .launchFailed(reason: "RunContainerError", message: "exec /x: no such file")))
        #expect(stage.status()["containerStatuses"][0]["state"]["waiting"]["message"] == "exec /x: no such file")
        #expect(stage.status()["phase"] == "Pending")
        _ = stage.taken()
        stage.send(.container("web", .retry))
        stage.run("web")
        #expect(stage.taken() == ["0.0 launch web"])
        #expect(stage.machine["web"]?.restartCount == 0)
    }

    @Test func `what cannot be executed, and is not to be tried again, has failed`() {
        let container = ContainerPolicy(name: "web", restartPolicy: .never)
        var stage = Stage(PodPolicy(containers: [container], restartPolicy: .never))
        stage.send(.prepared)
        stage.send(.container("web", .launchFailed(reason: "RunContainerError", message: "exec /x: no such file")))
        let ended = stage.status()["containerStatuses"][0]["state"]["terminated"]
        #expect(ended["reason"] == "StartError" && ended["exitCode"] == 128)
        #expect(stage.status()["phase"] == "Failed")
    }

    @Test func `a failed postStart kills the container, which restarts`() {
        var stage = stage(ContainerPolicy(name: "web", hasPostStart: true))
        stage.run("web")
        #expect(stage.condition("Ready") == "False")
        stage.send(.container("web", .hookFinished(.postStart, failure: "exit 1")))
        #expect(stage.taken() == ["0.0 launch web", "0.0 hook web postStart", "0.0 TERM web"])
    }

    @Test func `what an earlier agent left is taken over as it was`() {
        var stage = Stage(PodPolicy(containers: [ContainerPolicy(name: "web", readiness: ProbePolicy())]))
        stage.now = .zero + .seconds(100)
        let remains = Remains(.running(since: Stage.begin + .seconds(10), containerID: "steady://9", isReady: true), restartCount: 3)
        stage.send(.found("web", remains))
        stage.send(.prepared)
        #expect(stage.taken() == ["100.0 probe web readiness"])
        #expect(stage.condition("Ready") == "True" && stage.status()["containerStatuses"][0]["restartCount"] == 3)
    }

    @Test func `an exit that nobody saw is ContainerStatusUnknown, and is restarted`() {
        var stage = Stage(PodPolicy(containers: [plain]))
        stage.send(.found("web", Remains(.ended(.unseen(startedAt: Stage.begin)), restartCount: 0)))
        stage.send(.prepared)
        stage.send(.container("web", .cleared))
        stage.run("web")
        #expect(stage.taken() == ["0.0 clear web within 0.0", "0.0 launch web"])
        let last = stage.status()["containerStatuses"][0]["lastState"]["terminated"]
        #expect(last["reason"] == "ContainerStatusUnknown" && last["exitCode"] == 137)
    }

    @Test func `conditions keep the time of their last change and say what is missing`() {
        var stage = stage(ContainerPolicy(name: "web", readiness: ProbePolicy()))
        stage.run("web")
        var report = PodStatusReport()
        let around = PodStatusReport.Surroundings(podIP: nil, hostIP: "127.16.0.1", startTime: nil)
        let first = report.status(of: stage.machine, in: around, at: Stage.begin)["conditions"]
        let ready = first.elements.first { $0["type"] == "Ready" } ?? .null
        #expect(ready["reason"] == "ContainersNotReady" && ready["message"] == "containers with unready status: [web]")
        stage.send(.container("web", .probed(.readiness, succeeded: true, message: "")))
        let later = report.status(of: stage.machine, in: around, at: Stage.begin + .seconds(9))["conditions"]
        #expect(later.elements.first { $0["type"] == "Ready" }?["lastTransitionTime"] == "2026-01-01T00:00:09Z")
        #expect(later.elements.first { $0["type"] == "Initialized" }?["lastTransitionTime"] == "2026-01-01T00:00:00Z")
    }
}
