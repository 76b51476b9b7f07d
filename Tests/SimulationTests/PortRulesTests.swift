import Formats
import Testing

@testable import Simulation

/// Which of several policies holds for a request: the one of its port, in its namespace.
@Suite struct PortRulesTests {
    /// Where two policies hold that ask for the opposite.
    enum Places: Sendable, CaseIterable {
        /// Two ports of one Service.
        case ports
        /// Two Services of one name.
        case namespaces
    }

    private static func policy(_ spec: Value, retry: Value, failBackDelay: String) -> Value {
        var spec = spec
        spec["retry"] = retry
        spec["retry"]["numRetries"] = 2
        spec["retry"]["retryOn"] = ["triggers": ["5xx", "reset"]]
        spec["backends"] = [
            ["selector": ["matchLabels": ["role": "main"]]], ["selector": ["matchLabels": ["role": "spare"]], "priority": 1],
        ]
        spec["failover"] = ["minHealthyPercent": 70, "failBackDelay": .string(failBackDelay)]
        return ["apiVersion": "steady.dev/v1", "kind": "TrafficPolicy", "metadata": ["name": "web"], "spec": spec]
    }

    /// Nothing is run twice, hardly anybody is ejected, no breaker opens soon, and traffic goes back late.
    private static let patient = policy(
        [
            "healthCheck": ["passive": ["consecutive5XxErrors": 3, "interval": "2s", "baseEjectionTime": "5s", "maxEjectionPercent": 10]],
            "circuitBreaker": ["trip": ["consecutiveErrors": 1000, "openTime": "2s"]],
        ], retry: [:], failBackDelay: "60s")

    /// The opposite of all of it.
    private static let hasty = policy(
        [
            "healthCheck": ["passive": ["consecutive5XxErrors": 3, "interval": "2s", "baseEjectionTime": "5s", "maxEjectionPercent": 100]],
            "circuitBreaker": ["trip": ["consecutiveErrors": 4, "openTime": "2s"]],
        ], retry: ["nonIdempotentRequests": "Always"], failBackDelay: "0s")

    /// - Parameter first: what stands first in the file.
    private func scenario(_ places: Places, first: Value, second: Value) -> Scenario {
        var applications = Array(Samples.standby().filter { $0["kind"].string != "TrafficPolicy" })
        var policies = [first, second]
        switch places {
        case .ports:
            for (index, port) in ["http", "admin"].enumerated() {
                policies[index]["metadata"]["name"] = .string(port)
                policies[index]["spec"]["targetRefs"] = [["kind": "Service", "name": "web", "sectionName": .string(port)]]
            }
            for index in applications.indices where applications[index]["kind"].string == "Service" {
                applications[index]["spec"]["ports"] = [
                    ["name": "http", "port": 80, "targetPort": 8080], ["name": "admin", "port": 81, "targetPort": 8080],
                ]
            }
        case .namespaces:
            for index in policies.indices { policies[index]["spec"]["targetRefs"] = [["kind": "Service", "name": "web"]] }
            policies[1]["metadata"]["namespace"] = "other"
            applications += applications.map { object in
                var object = object
                object["metadata"]["namespace"] = "other"
                return object
            }
        }
        var scenario = Scenario("ports", objects: policies + applications)
        scenario.requestsPerSecond = 40
        scenario.faults = [.errors, .processCrash]
        scenario.standardProgram.serviceTime = .milliseconds(50)...(.milliseconds(200))
        return scenario
    }

    @Test(arguments: Places.allCases) func `What a policy allows for one port is no offence though another port's forbids it`(
        places: Places
    ) {
        let wanted: Set<Mark> = [.endpointEjected, .breakerOpened, .failedBack, .answerRepeated]
        var marks: Set<Mark> = []
        for seed in 1...4 as ClosedRange<UInt64> where !marks.isSuperset(of: wanted) {
            let outcome = SimulationRun(scenario(places, first: Self.patient, second: Self.hasty), seed: seed).run()
            #expect(outcome.violation == nil, "\(explain(outcome))")
            marks.formUnion(outcome.marks)
        }
        #expect(marks.isSuperset(of: wanted), "\(wanted.subtracting(marks))")
    }

    /// Whether the checks look there at all: a bug is planted that only the second policy forbids.
    @Test(arguments: [(Places.ports, PlantedBug.postRepeated), (.ports, .failBackAtOnce), (.namespaces, .postRepeated)])
    func `What a policy forbids for one port is found though another port's allows it`(places: Places, bug: PlantedBug) {
        var scenario = scenario(places, first: Self.hasty, second: Self.patient)
        scenario.planted = bug
        let found = (1...20 as ClosedRange<UInt64>).lazy.compactMap { SimulationRun(scenario, seed: $0).run().violation }.first
        #expect(found?.check == (bug == .postRepeated ? "what may be run once is run once" : "traffic goes back after its delay"))
    }
}
