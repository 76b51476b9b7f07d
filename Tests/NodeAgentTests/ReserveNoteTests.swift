import APIClient
import Linux
import Resources
import Supervision
import Testing
import Timing

@testable import NodeAgent

extension AgentTests {
    /// Which addresses an agent believes to be in no proxy's table.
    @Suite(.serialized) struct ReserveNoteTests {
        private func note(_ bench: AgentBench) -> ReserveNote? {
            (try? Files.text(bench.configuration.nodeDirectory + "/addresses.reserve")).flatMap { ReserveNote($0) }
        }
        private func cursor(_ bench: AgentBench) -> AddressPool.Address? {
            (try? Files.text(bench.configuration.nodeDirectory + "/addresses")).flatMap { AddressPool.parse($0) }
        }
        private func run(_ name: String, on bench: AgentBench) -> ObjectKey {
            let key = bench.pod(name, ["command": ["/bin/sleep", "1000"]])
            #expect(bench.wait(key) { !$0.main["state"]["running"].isNull })
            return key
        }

        @Test func `the next agent believes the note of the last one, and none of before an older version took an address`() throws {
            let bench = try AgentBench()
            _ = run("first", on: bench)
            let first = try #require(note(bench))
            #expect(first.reserve.count == 31 && first.cursor == cursor(bench))

            try bench.restartAgent()
            #expect(bench.loop.runUntil(within: patience) { bench.agent.podCount == 1 })
            #expect(note(bench) == first)

            // As the older one does with the first pod that it starts.
            try Files.replace(
                bench.configuration.nodeDirectory + "/addresses", with: AddressPool.text(first.cursor + 64).utf8)
            try bench.restartAgent()
            #expect(bench.loop.runUntil(within: patience) { bench.agent.podCount == 1 && note(bench)?.reserve == [] })
            #expect(note(bench)?.cursor == cursor(bench))
        }

        @Test func `a cursor behind the last address is brought back to it, so that an older version moves it again`() throws {
            let bench = try AgentBench()
            _ = run("first", on: bench)
            let end = try #require(AddressPool.parse("127.99.0.224"))
            try Files.replace(bench.configuration.nodeDirectory + "/addresses", with: AddressPool.text(end + 64).utf8)
            try bench.restartAgent()
            #expect(bench.loop.runUntil(within: patience) { cursor(bench) == end && note(bench)?.cursor == end })
        }

        @Test func `a note of a version that did not say for which cursor it holds is none`() {
            #expect(ReserveNote("127.64.0.9 127.64.0.10") == nil && ReserveNote("") == nil)
            let note = ReserveNote(cursor: 2_130_706_433, reserve: [2_130_706_434, 2_130_706_435])
            #expect(note.text == "cursor=127.0.0.1 127.0.0.2 127.0.0.3" && ReserveNote(note.text) == note)
            #expect(ReserveNote("cursor=127.0.0.1") == ReserveNote(cursor: 2_130_706_433, reserve: []))
        }
    }
}
