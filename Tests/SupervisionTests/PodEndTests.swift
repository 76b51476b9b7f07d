import Testing
import Timing

@testable import Supervision

@Suite struct PodEndTests {
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

    @Test
    func `TERM waits for requests for three quarters of the grace period, and for the acknowledgement and preStop to its last moments`() {
        // What never comes, and when TERM is sent although it has not: seconds of a grace period of 30, of 8, of 4.
        let rows: [(missing: String, at: [Double])] = [
            ("the end of the requests", [22.5, 6, 3]), ("the acknowledgement", [28, 6, 3]), ("the end of preStop", [28, 6, 3]),
        ]
        for (missing, moments) in rows {
            for (grace, at) in zip([30, 8, 4] as [Int64], moments) {
                var stage = stage(ContainerPolicy(name: "web", hasPreStop: true), grace: .seconds(grace))
                stage.run("web")
                stage.send(.delete(within: .seconds(grace)))
                _ = stage.taken()
                if missing != "the acknowledgement" { stage.send(.withdrawn) }
                if missing == "the end of preStop" {
                    stage.send(.drained)
                } else {
                    stage.send(.container("web", .hookFinished(.preStop, failure: nil)))
                }
                stage.advance(by: .seconds(60))
                #expect(stage.taken() == ["\(at) TERM web", "\(Double(grace)) KILL web"], "without \(missing) in \(grace) s")
            }
        }
    }

    @Test func `an acknowledgement that comes late leaves what is under way no more than it would have had`() {
        var stage = stage(plain)
        stage.run("web")
        stage.send(.delete(within: .seconds(30)))
        _ = stage.taken()
        stage.send(.withdrawn, after: .seconds(25))
        #expect(stage.taken() == ["25.0 TERM web"])
    }

    @Test func `a shorter grace period divides what is left anew`() {
        var stage = stage(plain)
        stage.run("web")
        stage.send(.delete(within: .seconds(30)))
        stage.send(.withdrawn)
        _ = stage.taken()
        stage.send(.delete(within: .seconds(4)), after: .seconds(1))
        stage.advance(by: .seconds(10))
        #expect(stage.taken() == ["4.0 TERM web", "5.0 KILL web"])
    }

    @Test func `after KILL only the clearing away is waited for`() {
        var stage = stage(ContainerPolicy(name: "web", hasPreStop: true))
        stage.run("web")
        _ = stage.taken()
        stage.send(.delete(within: .seconds(30)))
        stage.send(.drained, after: .seconds(1))
        stage.advance(by: .seconds(60))
        #expect(stage.taken() == ["0.0 await drain", "0.0 hook web preStop", "28.0 TERM web", "30.0 KILL web"])
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

    @Test func `sidecars end after the containers that they serve, the last one first`() {
        var stage = servedStage()
        stage.send(.delete(within: .seconds(30)))
        stage.send(.drained)
        stage.send(.container("logs", .hookFinished(.preStop, failure: nil)))
        #expect(stage.taken() == ["0.0 await drain", "0.0 hook logs preStop", "0.0 TERM web"])
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
}
