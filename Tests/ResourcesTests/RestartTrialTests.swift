import Formats
import Resources
import Testing
import Timing

/// What the status of a pod that was restarted by leave says of that.
struct `A trial` {
    private static let permitted = Timestamp(secondsSince1970: 1_800_000_000)

    private func at(_ second: Int) -> Timestamp { Self.permitted + .seconds(second) }

    /// A pod whose restart was permitted at second 0, as its third; with a liveness probe that takes 31 s to fail.
    private func pod(
        restarts: Int64, startedAt: Int?, ready: Bool, since: Int, startupThreshold: Int64? = nil, heldSince: Int? = nil,
        permit: Bool = true
    ) -> Value {
        var container: Value = ["name": "c", "livenessProbe": ["tcpSocket": ["port": 80], "periodSeconds": 10, "failureThreshold": 3]]
        if let startupThreshold {
            container["startupProbe"] = ["tcpSocket": ["port": 80], "periodSeconds": 10, "failureThreshold": .int(startupThreshold)]
        }
        var status: Value = ["name": "c", "restartCount": .int(restarts)]
        if let startedAt { status["state"] = ["running": ["startedAt": .string(at(startedAt).rfc3339)]] }
        var conditions: [Value] = [
            ["type": "Ready", "status": ready ? "True" : "False", "lastTransitionTime": .string(at(since).rfc3339)]
        ]
        if let heldSince {
            conditions.append([
                "type": .string(Condition.restartHeldBack), "status": "True", "lastTransitionTime": .string(at(heldSince).rfc3339),
            ])
        }
        var metadata: Value = ["name": "web-1"]
        if permit {
            metadata["annotations"] = [.init(RestartPermit.annotation): .string(RestartPermit(at: Self.permitted, restartTotal: 2).text)]
        }
        return [
            "metadata": metadata, "spec": ["containers": [container]],
            "status": ["conditions": .array(conditions), "containerStatuses": [status]],
        ]
    }

    /// Each row: seconds from the container's start to Ready, what its startup probe allows in tens of seconds, and when it has proved itself.
    @Test(
        arguments: [(0, nil, 91), (45, nil, 136), (60, nil, 151), (300, nil, 151), (100, 30, 191), (400, 30, 392), (20, 1, 111)]
            as [(Int, Int64?, Int)])
    func `is counted from Ready, or from when the start has taken a minute or what its startup probe allows`(
        ready: Int, startupThreshold: Int64?, end: Int
    ) {
        let trial = RestartTrial(pod(restarts: 3, startedAt: 0, ready: true, since: ready, startupThreshold: startupThreshold))
        #expect(trial.stage(now: at(end - 1)) == .watched && trial.left(now: at(end - 1)) == .seconds(1))
        #expect(trial.stage(now: at(end)) == nil && trial.left(now: at(end)) == .zero)
    }

    @Test func `begins with the permit and ends when the pod has proved itself, and what becomes of it then has reasons of its own`() {
        // Permitted, and not carried out: until the permit is void.
        let waiting = RestartTrial(pod(restarts: 2, startedAt: -5000, ready: true, since: -5000))
        #expect(waiting.stage(now: at(59)) == .awaited && waiting.stage(now: at(60)) == nil)
        // Its program takes long to end.
        let stopping = RestartTrial(pod(restarts: 2, startedAt: -5000, ready: false, since: 5))
        #expect(stopping.stage(now: at(59)) == .awaited && stopping.stage(now: at(60)) == .down)
        // Not Ready for another reason, long after a permit that was never used.
        #expect(RestartTrial(pod(restarts: 2, startedAt: -5000, ready: false, since: 4000)).stage(now: at(4001)) == nil)
        // Restarted: never Ready again, Ready again and not any more, and not Ready after it had proved itself.
        let down = RestartTrial(pod(restarts: 3, startedAt: 2, ready: false, since: 1))
        #expect(down.stage(now: at(3)) == .down && down.stage(now: at(5000)) == .down)
        #expect(down.isAwaited(now: at(600)) && !down.isAwaited(now: at(601)))
        #expect(RestartTrial(pod(restarts: 3, startedAt: 2, ready: false, since: 80)).stage(now: at(5000)) == .down)
        #expect(RestartTrial(pod(restarts: 3, startedAt: 2, ready: false, since: 4000)).stage(now: at(5000)) == nil)
        // Ended by itself after that, Ready or not.
        for ready in [true, false] {
            #expect(RestartTrial(pod(restarts: 4, startedAt: 10, ready: ready, since: 10)).stage(now: at(11)) == nil)
        }
        // Never permitted.
        #expect(RestartTrial(pod(restarts: 0, startedAt: 0, ready: true, since: 0, permit: false)).stage(now: at(1)) == nil)
    }

    @Test func `is failed by what is held back again within it, of a run that a permit or a new pod began`() {
        func failedAgain(restarts: Int64, ready: Bool = true, heldSince: Int, permit: Bool = true) -> Bool {
            RestartTrial(pod(restarts: restarts, startedAt: 0, ready: ready, since: 0, heldSince: heldSince, permit: permit)).failedAgainAt
                != nil
        }
        #expect(failedAgain(restarts: 3, heldSince: 90) && !failedAgain(restarts: 3, heldSince: 91))
        #expect(failedAgain(restarts: 0, heldSince: 90, permit: false))
        #expect(!failedAgain(restarts: 1, heldSince: 90, permit: false) && !failedAgain(restarts: 4, heldSince: 90))
        #expect(!failedAgain(restarts: 3, ready: false, heldSince: 90))
    }
}
