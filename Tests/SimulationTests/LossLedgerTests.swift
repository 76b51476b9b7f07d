import Resources
import Testing
import Timing
import Traffic

@testable import Simulation

/// Why requests were lost, told from what was seen of them alone.
@Suite struct LossLedgerTests {
    /// Objects come to lie where others have been.
    @Test func `What one process did is never held against another, wherever that lies`() {
        let world = World(Scenario("ledger", objects: []), seed: 1)
        defer { world.close() }
        let ledger = LossLedger()
        let proxy = SimulatedProxy(world: world, life: Life("proxy"))
        let backend = RouteTable.BackendName(.init("default", "web"), port: 80)
        var number = 0
        func answerWithError(_ process: SimulatedProcess) {
            number += 1
            let request = ClientRequest(
                world.clients, number: number, backend: backend, client: 1, isIdempotent: false, sentAt: world.now, token: nil)
            ledger.observe(.routed(request, EndpointAddress(host: 1, port: 8080), by: proxy), in: world)
            ledger.observe(.reached(request, process), in: world)
            world.run(until: world.now + .milliseconds(1))
            ledger.observe(.requestLost(request, "status 503"), in: world)
            world.run(until: world.now + .milliseconds(1))
        }
        for pid in 1...50 {
            let process = SimulatedProcess(
                world: world, pid: pid, node: "a1", podUID: "\(pid)", podName: "web-\(pid)", container: "web", address: 1, ports: [8080],
                program: world.scenario.standardProgram)
            for _ in 1...6 { answerWithError(process) }
        }
        let causes = ledger.losses.map(\.cause)
        #expect(causes.count { $0 == .erringAtFirst } == 250 && causes.count { $0 == .erring } == 50)
    }
}
