import Formats
import Resources
import Testing
import Timing

@testable import Supervision

/// A machine, and what it asked for, in words.
private struct Scene {
    var machine = PodStatusWriting<String>(node: "a1")
    private var writes: [PodStatusWriting<String>.Write] = []
    private var random = SeededRandom(seed: 1)

    init(epoch: Int64? = 1) {
        if let epoch { _ = machine.begin(epoch: epoch) }
    }

    static func key(_ name: String) -> ObjectKey { ObjectKey(.pods, namespace: "default", name: name) }

    /// `written 7` stores the write as revision 7; another word is the code of a failure.
    private enum Answer {
        static func result(_ text: String) -> Result<Reply, StatusError> {
            let words = text.split(separator: " ")
            if words[0] == "written" { return .success(Reply(.object(["metadata": ["resourceVersion": .string("\(words[1])")]]))) }
            return .failure(StatusError(code: Int(words[0]) ?? 0, reason: "", message: ""))
        }
    }

    mutating func begin(_ epoch: Int64) -> [String] { told(machine.begin(epoch: epoch)) }
    mutating func submit(_ status: Value, of name: String = "web", uid: String = "u") -> [String] {
        told(machine.submit(Self.key(name), uid: uid, status))
    }
    mutating func turn() -> [String] { told(machine.turn()) }
    mutating func wait(_ waiter: String) -> [String] { told(machine.whenWritten(Self.key("web"), waiter)) }
    mutating func forget(uid: String = "u") { machine.forget(Self.key("web"), uid: uid) }
    /// Answers the newest write, or an older one.
    mutating func answer(_ text: String, back: Int = 0) -> [String] {
        told(machine.answered(writes[writes.count - 1 - back], Answer.result(text), using: &random))
    }
    mutating func retry(back: Int = 0) -> [String] { told(machine.retry(writes[writes.count - 1 - back])) }

    /// Submits and lets the turn come.
    mutating func send(_ status: Value, uid: String = "u") -> [String] { submit(status, uid: uid) + turn() }

    private mutating func told(_ steps: [PodStatusWriting<String>.Step]) -> [String] {
        steps.map { step in
            switch step {
            case .plan: return "plan"
            case .write(let write):
                writes.append(write)
                return "write \(write.status.string ?? "") of \(write.key.name)/\(write.uid) under \(write.epoch.transitions)"
            case .wait(let pause, _):
                let full: Duration =
                    [.milliseconds(100), .milliseconds(200), .milliseconds(400), .seconds(5)].first { pause <= $0 } ?? .zero
                return "wait \(pause == full ? "" : "up to ")\(DurationText.short(full))"
            case .tell(let waiters, let revision): return "tell \(waiters.joined(separator: ", ")) of \(revision)"
            case .refused(let write, let error): return "refused \(write.status.string ?? ""): \(error.code)"
            }
        }
    }
}

@Suite struct PodStatusWritingTests {
    @Test func `what happens in one turn to a pod is one write, and pods follow each other as they were submitted`() {
        var scene = Scene()
        #expect(scene.submit("1", of: "web") == ["plan"])
        #expect(scene.submit("1", of: "db") == [])
        #expect(scene.submit("2", of: "web") == [])
        #expect(scene.turn() == ["write 2 of web/u under 1", "write 1 of db/u under 1"])
        #expect(scene.submit("1", of: "db") == [])
        #expect(scene.turn() == [])
    }

    @Test func `one write of a pod is under way, and only the newest state waits behind it`() {
        var scene = Scene()
        #expect(scene.send("1") == ["plan", "write 1 of web/u under 1"])
        for state in ["2", "3", "4"] as [Value] { #expect(scene.send(state) == ["plan"]) }
        #expect(scene.answer("written 7") == ["write 4 of web/u under 1"])
        #expect(scene.answer("written 8") == [])
        #expect(scene.send("4") == [])
    }

    @Test func `nothing is written before the lease is held, and then the newest state of all`() {
        var scene = Scene(epoch: nil)
        #expect(scene.submit("1", of: "web") == ["plan"])
        #expect(scene.turn() == [])
        #expect(scene.submit("1", of: "db") == ["plan"])
        #expect(scene.submit("2", of: "web") == [])
        #expect(scene.turn() == [])
        #expect(scene.begin(3) == ["plan"])
        #expect(scene.turn() == ["write 1 of db/u under 3", "write 2 of web/u under 3"])
        #expect(scene.begin(4) == [])
    }

    @Test func `a status is written under the lease, for this pod only`() {
        var scene = Scene()
        _ = scene.submit("1")
        guard case .write(let write)? = scene.machine.turn().first,
            case .patch(let key, .strategic(let patch), .status, let options) = write.request
        else {
            Issue.record("not written")
            return
        }
        #expect(key == Scene.key("web"))
        #expect(patch == ["status": "1", "metadata": ["uid": "u"]])
        #expect(options.leaseEpoch == LeaseEpoch(node: "a1", transitions: 1))
    }

    @Test func `who waits is told once the newest state is stored, and at once where it is`() {
        var scene = Scene()
        #expect(scene.wait("nobody") == [])
        _ = scene.submit("1")
        #expect(scene.wait("a") == [])
        _ = scene.turn()
        #expect(scene.wait("b") == [])
        _ = scene.send("2")
        #expect(scene.answer("written 7") == ["write 2 of web/u under 1"])
        #expect(scene.answer("500") == ["wait up to 100 ms"])
        #expect(scene.wait("c") == [])
        _ = scene.retry()
        #expect(scene.answer("written 9") == ["tell a, b, c of 9"])
        #expect(scene.wait("d") == ["tell d of 9"])
    }

    @Test func `while the server does not take writes they are tried again ever more rarely, a changed one at once`() {
        var scene = Scene()
        _ = scene.send("1")
        for pause in ["100 ms", "200 ms", "400 ms"] {
            #expect(scene.answer("503") == ["wait up to \(pause)"])
            #expect(scene.retry() == ["write 1 of web/u under 1"])
        }
        for _ in 1...10 {
            #expect(scene.answer("503") == ["wait up to 5.0 s"])
            _ = scene.retry()
        }
        _ = scene.answer("503")
        #expect(scene.send("2") == ["plan", "write 2 of web/u under 1"])
        // The pause from before is over, and somebody else's by now.
        #expect(scene.retry(back: 1) == [])
        _ = scene.answer("written 7")
        #expect(scene.retry(back: 1) == [] && scene.retry() == [])
        _ = scene.send("3")
        #expect(scene.answer("503") == ["wait up to 100 ms"])
    }

    @Test func `a stale epoch waits for the next one, and long where none comes`() {
        var scene = Scene()
        _ = scene.send("1")
        #expect(scene.answer("409") == ["wait 5.0 s"])
        #expect(scene.begin(2) == ["plan"])
        #expect(scene.turn() == ["write 1 of web/u under 2"])
        #expect(scene.retry(back: 1) == [])
        // The next epoch came while the write was under way.
        #expect(scene.begin(3) == [])
        #expect(scene.answer("409") == ["write 1 of web/u under 3"])
        #expect(scene.answer("409") == ["wait 5.0 s"])
        #expect(scene.retry() == ["write 1 of web/u under 3"])
        #expect(scene.answer("409") == ["wait 5.0 s"])
        // A conflict makes no other failure's pause longer.
        _ = scene.retry()
        #expect(scene.answer("500") == ["wait up to 100 ms"])
    }

    @Test(arguments: [400, 403, 422]) func `what is refused for what it says is not written again until it changes`(code: Int) {
        var scene = Scene()
        _ = scene.send("1")
        #expect(scene.wait("a") == [])
        #expect(scene.answer("\(code)") == ["refused 1: \(code)"])
        #expect(scene.retry() == [] && scene.turn() == [] && scene.begin(2) == [] && scene.send("1") == [])
        #expect(scene.wait("b") == [])
        #expect(scene.send("2") == ["plan", "write 2 of web/u under 2"])
        // What was submitted meanwhile may not be refused.
        _ = scene.send("3")
        #expect(scene.answer("\(code)") == ["refused 2: \(code)", "write 3 of web/u under 2"])
        #expect(scene.answer("written 7") == ["tell a, b of 7"])
    }

    @Test func `a pod that is gone is written no more, and one that has its name begins anew`() {
        var scene = Scene()
        _ = scene.send("1")
        #expect(scene.wait("a") == [])
        #expect(scene.answer("404") == [] && scene.retry() == [] && scene.begin(2) == [])
        _ = scene.send("2")
        // The next pod of this name, while a write for the one before is under way.
        #expect(scene.send("1", uid: "v") == ["plan", "write 1 of web/v under 2"])
        #expect(scene.answer("409", back: 1) == [])
        #expect(scene.wait("b") == [])
        scene.forget(uid: "u")
        #expect(scene.answer("written 9") == ["tell b of 9"])
    }

    @Test func `of a pod that is forgotten nothing is written, and no answer counts`() {
        var scene = Scene()
        _ = scene.submit("1")
        #expect(scene.wait("a") == [])
        scene.forget()
        #expect(scene.turn() == [])
        _ = scene.send("2")
        scene.forget()
        _ = scene.send("2")
        #expect(scene.wait("b") == [])
        #expect(scene.answer("written 7", back: 1) == [])
        #expect(scene.answer("503") == ["wait up to 100 ms"])
        scene.forget()
        #expect(scene.retry() == [])
    }

    /// Whatever is answered, and in whatever order: no pod has two writes under way, no older state follows a newer one, and the last one is stored in
    /// the end.
    @Test(arguments: 1...50 as ClosedRange<UInt64>) func `the last state of every pod is stored in the end`(seed: UInt64) {
        var random = SeededRandom(seed: seed)
        var machine = PodStatusWriting<Int>(node: "a1")
        var underWay: [PodStatusWriting<Int>.Write] = []
        var pauses: [PodStatusWriting<Int>.Write] = []
        var isPlanned = false
        var epoch: Int64 = 1
        var newest: [ObjectKey: Int64] = [:]
        var stored: [ObjectKey: Int64] = [:]
        var told = 0
        func perform(_ steps: [PodStatusWriting<Int>.Step]) {
            for step in steps {
                switch step {
                case .plan:
                    #expect(!isPlanned)
                    isPlanned = true
                case .write(let write):
                    #expect(!underWay.contains { $0.key == write.key })
                    underWay.append(write)
                case .wait(_, let write): pauses.append(write)
                case .tell(let waiters, _): told += waiters.count
                case .refused: Issue.record("refused")
                }
            }
        }
        func answer(_ index: Int, _ code: Int?) {
            let write = underWay.remove(at: index)
            let state = write.status.int ?? 0
            if code == nil {
                #expect(state >= stored[write.key] ?? 0)
                stored[write.key] = state
            }
            let result: Result<Reply, StatusError> =
                code.map { .failure(StatusError(code: $0, reason: "", message: "")) } ?? .success(Reply(.object([:])))
            perform(machine.answered(write, result, using: &random))
        }
        for step in 1...400 {
            let key = Scene.key("web-\(Int.random(in: 1...3, using: &random))")
            switch Int.random(in: 0...6, using: &random) {
            case 0, 1:
                newest[key] = Int64(step)
                perform(machine.submit(key, uid: "u", .int(Int64(step))))
            case 2 where isPlanned:
                isPlanned = false
                perform(machine.turn())
            case 3, 4:
                guard let index = underWay.indices.randomElement(using: &random) else { continue }
                answer(index, ([nil, 409, 500, 503] as [Int?]).randomElement(using: &random) ?? nil)
            case 5:
                guard let index = pauses.indices.randomElement(using: &random) else { continue }
                perform(machine.retry(pauses.remove(at: index)))
            default:
                epoch += 1
                perform(machine.begin(epoch: epoch))
            }
        }
        for key in newest.keys.sorted() { perform(machine.whenWritten(key, 1)) }
        for _ in 1...20 {
            if isPlanned {
                isPlanned = false
                perform(machine.turn())
            }
            while !underWay.isEmpty { answer(0, nil) }
            while !pauses.isEmpty { perform(machine.retry(pauses.removeFirst())) }
        }
        #expect(stored == newest)
        #expect(told == newest.count)
    }
}
