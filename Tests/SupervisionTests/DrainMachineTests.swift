import Formats
import Resources
import Testing

@testable import Supervision

@Suite struct DrainMachineTests {
    private func status(_ revision: Int, _ active: [String: Int64] = [:]) -> ProxyStatus {
        let endpoints = active.sorted { $0.key < $1.key }.map { ["address": .string($0.key), "activeExchanges": .int($0.value)] as Value }
        return ProxyStatus(["status": ["routeRevision": .string("\(revision)"), "endpoints": .array(endpoints)]])
    }
    private let first = ObjectKey(.proxyStatuses, name: "proxy-1")
    private let second = ObjectKey(.proxyStatuses, name: "proxy-2")

    @Test func `an address is withdrawn when every proxy routes by the revision, and idle when none has an exchange there`() {
        var machine = DrainMachine(proxyCount: 2)
        #expect(machine.heard(status(5), of: first) == [])
        let wait = machine.wait(for: "127.64.0.1", from: Revision(7), until: .idle)
        #expect(wait.stage == .routed)
        // (who, what it says, how far the wait comes by it)
        let rows: [(ObjectKey, ProxyStatus?, DrainMachine.Stage?)] = [
            (first, status(7), nil), (second, status(6), nil), (second, status(8, ["127.64.0.1:80": 1]), .withdrawn),
            (first, status(9, ["127.64.0.1:81": 2]), nil), (second, status(9, ["127.64.0.1:80": 0]), nil),
            // Another pod's address that begins alike.
            (first, status(9, ["127.64.0.11:80": 4]), .idle), (second, status(10), nil),
        ]
        for (proxy, status, stage) in rows {
            #expect(machine.heard(status, of: proxy) == (stage.map { [.init(wait: wait.wait, stage: $0)] } ?? []))
        }
    }

    @Test func `a proxy that is silent has acknowledged nothing; one that is gone is not waited for`() {
        var machine = DrainMachine(proxyCount: 1)
        #expect(machine.acknowledged == .zero)
        let wait = machine.wait(for: "127.64.0.1", from: Revision(7), until: .withdrawn)
        #expect(wait.stage == .routed)
        #expect(machine.heard(status(6), of: second) == [])
        #expect(machine.heard(status(8), of: first) == [])
        #expect(machine.acknowledged == Revision(6))
        #expect(machine.heard(nil, of: second) == [.init(wait: wait.wait, stage: .withdrawn)])
        #expect(machine.heard(nil, of: first) == [] && machine.acknowledged == .zero)
    }

    @Test func `what no slice ever listed is idle at once, and what holds already is said at once`() {
        var machine = DrainMachine(proxyCount: 1)
        #expect(machine.wait(for: "127.64.0.1", from: .zero, until: .idle).stage == .idle)
        _ = machine.heard(status(7, ["127.64.0.2:80": 1]), of: first)
        #expect(machine.wait(for: "127.64.0.2", from: Revision(7), until: .withdrawn).stage == .withdrawn)
        #expect(machine.wait(for: "127.64.0.2", from: Revision(7), until: .idle).stage == .withdrawn)
        #expect(machine.wait(for: "127.64.0.3", from: Revision(7), until: .idle).stage == .idle)
    }

    @Test func `a wait that was called off is never answered`() {
        var machine = DrainMachine(proxyCount: 1)
        machine.callOff(machine.wait(for: "127.64.0.1", from: Revision(7), until: .idle).wait)
        #expect(machine.heard(status(7), of: first) == [])
    }

    @Test func `slices withdraw an address when none of them calls it ready`() {
        func slice(_ revision: Int, _ endpoints: [(String, Bool?)]) -> Value {
            [
                "metadata": ["resourceVersion": .string("\(revision)")],
                "endpoints": .array(
                    endpoints.map { address, isReady in
                        ["addresses": [.string(address)], "conditions": isReady.map { ["ready": .bool($0)] } ?? [:]]
                    }),
            ]
        }
        let address = "127.64.0.1"
        let rows: [([Value], Revision?)] = [
            ([], .zero), ([slice(5, [("127.64.0.2", true)])], .zero), ([slice(5, [(address, true)])], nil),
            ([slice(5, [(address, nil)])], nil),
            ([slice(5, [(address, false)]), slice(9, [("127.64.0.2", true)])], Revision(5)),
            ([slice(5, [(address, false)]), slice(4, [(address, false)])], Revision(5)),
            ([slice(5, [(address, false)]), slice(6, [(address, true)])], nil),
        ]
        for (slices, revision) in rows { #expect(Withdrawal.revision(of: address, in: slices) == revision) }
    }

    @Test func `a deleted pod is withdrawn when its condition says from which revision on`() {
        func pod(_ status: String, _ revision: String?) -> Value {
            var condition: Value = ["type": "steady.dev/Withdrawn", "status": .string(status)]
            if let revision { condition["observedRevision"] = .string(revision) }
            return ["status": ["conditions": [["type": "Ready", "status": "True"], condition]]]
        }
        #expect(Withdrawal.announced(by: pod("True", "12")) == Revision(12))
        for pod in [pod("False", "12"), pod("True", nil), pod("True", "x"), [:]] { #expect(Withdrawal.announced(by: pod) == nil) }
    }
}
