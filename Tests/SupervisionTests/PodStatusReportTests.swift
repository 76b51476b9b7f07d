import Formats
import Testing
import Timing

@testable import Supervision

@Suite struct PodStatusReportTests {
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
