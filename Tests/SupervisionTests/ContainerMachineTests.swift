import Testing
import Timing

@testable import Supervision

@Suite struct ContainerMachineTests {
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

    @Test(arguments: [
        // The grace period, when nothing new comes, when nothing is open, and when TERM comes.
        (30, 0.5, 0.7, 0.7), (30, 0.5, nil, 2.5), (2, 0.5, nil, 1.25), (30, nil, nil, 1.0),
    ])
    func `a restart by liveness waits for the requests that are open, but not for long`(
        grace: Int64, withdrawn: Double?, idle: Double?, told: Double
    ) {
        var stage = Stage(
            PodPolicy(containers: [ContainerPolicy(name: "web", liveness: ProbePolicy(failureThreshold: 1))], gracePeriod: .seconds(grace)))
        stage.send(.prepared)
        stage.run("web")
        stage.advance(by: .seconds(1))
        _ = stage.taken()
        stage.send(.container("web", .probed(.liveness, succeeded: false, message: "500")))
        let start = stage.now
        for (time, event) in [(withdrawn, ContainerEvent.withdrawn), (idle, .drained)] {
            if let time { stage.send(.container("web", event), after: start + .milliseconds(Int64(time * 1000)) - stage.now) }
        }
        stage.advance(by: .seconds(5))
        #expect(stage.taken().first { $0.contains("TERM") } == "\((start - .zero).inSeconds + told) TERM web")
    }

    @Test func `a launch that is put off for a moment is no failure, and may be overtaken by a deletion`() {
        var stage = stage(plain)
        _ = stage.taken()
        stage.send(.container("web", .launchPostponed))
        #expect(stage.status()["containerStatuses"][0]["state"]["waiting"]["reason"] == "ContainerCreating")
        stage.advance(by: .milliseconds(6))
        #expect(stage.taken() == ["0.005 launch web"])
        stage.send(.container("web", .launchPostponed))
        stage.send(.delete(within: .seconds(10)))
        stage.send(.drained)
        stage.advance(by: .seconds(1))
        #expect(!stage.taken().contains { $0.hasSuffix("launch web") })
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
}
