import Formats
import Resources
import Testing
import Timing

@testable import Traffic

@Suite struct StatusWritingTests {
    private func next(_ machine: inout StatusWriting) -> String? { machine.next({ [] }, { [] })?["routeRevision"].string }
    private func turn(_ machine: inout StatusWriting) -> String? { machine.turn({ [] }, { [] })?["routeRevision"].string }

    @Test func `one write is under way, and what happens meanwhile is in the next`() {
        var machine = StatusWriting(proxy: "p")
        #expect(machine.serverWasLost() == false)
        #expect(machine.routes(by: Revision(1)) == true)
        // Once for a turn.
        #expect(machine.report() == false)
        #expect(turn(&machine) == "1")
        #expect(machine.routes(by: Revision(2)) == false)
        #expect(machine.routes(by: Revision(3)) == false)
        #expect(next(&machine) == nil)
        machine.written(StatusWriting.status(Revision(1), []))
        #expect(next(&machine) == "3")
        machine.written(StatusWriting.status(Revision(3), []))
        #expect(next(&machine) == nil)
    }

    @Test func `what the server has already is not written again, until it may have forgotten`() {
        var machine = StatusWriting(proxy: "p")
        _ = machine.routes(by: Revision(1))
        _ = turn(&machine)
        machine.written(StatusWriting.status(Revision(1), []))
        #expect(machine.report() == true)
        #expect(turn(&machine) == nil)
        #expect(machine.serverWasLost() == true)
        #expect(turn(&machine) == "1")
    }

    @Test func `a write that fails is tried again, ever more rarely, and with the newest state`() {
        var machine = StatusWriting(proxy: "p")
        _ = machine.routes(by: Revision(1))
        _ = turn(&machine)
        var pauses: [Duration] = []
        for number in 2...8 {
            pauses.append(machine.failed())
            #expect(machine.routes(by: Revision(UInt64(number))) == false)
            machine.retry()
            #expect(next(&machine) == "\(number)")
        }
        #expect(pauses == [20, 40, 80, 160, 320, 640, 1000].map { .milliseconds($0) })
    }

    @Test func `one that is missing is made, and nothing is written after the end`() {
        var machine = StatusWriting(proxy: "p")
        guard case .create(let object, let type, _, _) = machine.request(["x": 1], isNew: true) else {
            Issue.record("not made")
            return
        }
        #expect(type == .proxyStatuses && object["metadata"]["name"] == "p" && object["status"]["x"] == 1)
        machine.stop()
        #expect(machine.routes(by: Revision(1)) == false)
        #expect(next(&machine) == nil)
    }
}
