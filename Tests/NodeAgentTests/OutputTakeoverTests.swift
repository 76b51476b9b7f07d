import Linux
import Testing
import Timing

@testable import NodeAgent

@Suite struct OutputTakeoverTests {
    /// An `up` that answers when it is told to.
    final class Bench {
        let loop: EventLoop
        var story: [String] = []
        var waiting: [() -> Void] = []
        var answersAtOnce = true
        private var takeover: OutputTakeover?

        init(_ pods: [String], answersAtOnce: Bool) throws {
            loop = try EventLoop()
            self.answersAtOnce = answersAtOnce
            takeover = OutputTakeover(
                loop: loop, pods: pods,
                ask: { [unowned self] pod, done in
                    story.append("asks for \(pod ?? "all")")
                    if self.answersAtOnce { done() } else { waiting.append(done) }
                },
                read: { [unowned self] in story.append("reads \($0)") }, done: { [unowned self] in story.append("done") })
            takeover?.start()
        }
    }

    @Test func `up reads a pod until the agent asks for it, and the agent asks for the next one once it reads`() throws {
        let bench = try Bench(["a", "b"], answersAtOnce: true)
        #expect(bench.story == ["asks for a", "reads a", "asks for b", "reads b", "asks for all", "done"])
    }

    @Test func `only one pod at a time is between two readers`() throws {
        let bench = try Bench(["a", "b"], answersAtOnce: false)
        #expect(bench.story == ["asks for a"])
        bench.waiting.removeFirst()()
        #expect(bench.story == ["asks for a", "reads a", "asks for b"])
    }

    @Test func `when up is silent the agent reads everything, and takes over what comes to light later`() throws {
        let bench = try Bench(["a", "b"], answersAtOnce: false)
        #expect(bench.loop.runUntil(within: .seconds(30)) { bench.story.last == "done" })
        #expect(bench.story == ["asks for a", "reads a", "reads b", "asks for all", "done"])
        for answer in bench.waiting { answer() }
        #expect(bench.story.suffix(2) == ["reads a", "reads b"])
    }

    @Test func `a silent up is waited for no longer than 20 ms, once for all pods together`() throws {
        #expect(OutputTakeover.patience == .milliseconds(20))
        let bench = try Bench((1...50).map { "pod-\($0)" }, answersAtOnce: false)
        #expect(bench.loop.runUntil(within: .seconds(30)) { bench.story.last == "done" })
        #expect(bench.story.count { $0.hasPrefix("asks for pod") } == 1)
        #expect(bench.story.count { $0.hasPrefix("reads pod") } == 50)
    }

    @Test func `a node without pods is taken over at once`() throws {
        #expect(try Bench([], answersAtOnce: true).story == ["asks for all", "done"])
    }
}
