import Testing
import Timing

@testable import Supervision

@Suite struct PodMachineTests {
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

    @Test func `what an earlier agent left is taken over as it was`() {
        var stage = Stage(PodPolicy(containers: [ContainerPolicy(name: "web", readiness: ProbePolicy())]))
        stage.now = .zero + .seconds(100)
        let remains = Remains(.running(since: Stage.begin + .seconds(10), containerID: "steady://9", .ready), restartCount: 3)
        stage.send(.found("web", remains))
        stage.send(.prepared)
        #expect(stage.taken() == ["100.0 probe web readiness"])
        #expect(stage.condition("Ready") == "True" && stage.status()["containerStatuses"][0]["restartCount"] == 3)
    }

    @Test(arguments: [(Remains.Progress.starting, "startup"), (.started, "readiness")])
    func `a startup probe that has passed is not asked again by the next agent`(progress: Remains.Progress, asked: String) {
        var stage = Stage(PodPolicy(containers: [ContainerPolicy(name: "web", startup: ProbePolicy(), readiness: ProbePolicy())]))
        stage.now = .zero + .seconds(100)
        stage.send(.found("web", Remains(.running(since: Stage.begin, containerID: "steady://9", progress), restartCount: 0)))
        stage.send(.prepared)
        #expect(stage.taken() == ["100.0 probe web \(asked)"])
        #expect(stage.condition("Ready") == "False")
    }
}
