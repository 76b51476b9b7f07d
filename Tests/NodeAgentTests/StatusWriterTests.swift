import APIClient
import Formats
import Linux
import Resources
import Testing
import Timing

@testable import NodeAgent

/// A server that answers every write with what it is told to.
private final class RefusingAPI: ResourceAPI {
    let loop: EventLoop
    var error: StatusError?
    private(set) var statuses: [Value] = []

    init(loop: EventLoop) { self.loop = loop }

    func perform(_ request: Request, _ done: @escaping (Result<Reply, StatusError>) -> Void) {
        if case .patch(_, .strategic(let patch), _, _) = request { statuses.append(patch["status"]["phase"]) }
        let result: Result<Reply, StatusError> =
            error.map { .failure($0) } ?? .success(Reply(.object(["metadata": ["resourceVersion": "7"]])))
        loop.later { done(result) }
    }

    func watch(_ list: ListRequest, from: Revision?, _ onEvent: @escaping (WatchSignal) -> Void) -> Cancellation { .done }
}

struct `The writer of pod statuses` {
    private let loop: EventLoop
    private let api: RefusingAPI
    private let writer: StatusWriter
    private let key = ObjectKey(.pods, namespace: "default", name: "web")

    init() throws {
        loop = try EventLoop()
        api = RefusingAPI(loop: loop)
        writer = StatusWriter(api: api, node: "a1")
        writer.begin(epoch: 1)
    }

    /// Longer than the first pauses between attempts.
    private func runThroughFirstPauses() {
        var isOver = false
        loop.schedule(after: .milliseconds(500)) { isOver = true }
        #expect(loop.runUntil(within: patience) { isOver })
    }

    @Test(arguments: [400, 403, 422]) func `tells a refusal once and writes again when the status changes`(code: Int) throws {
        var refusals: [Int] = []
        writer.onRefusal = { _, _, error in refusals.append(error.code) }
        api.error = StatusError(code: code, reason: "Invalid", message: "no")
        writer.submit(key, uid: "u", ["phase": "Pending"])
        runThroughFirstPauses()
        #expect(api.statuses == ["Pending"])
        #expect(refusals == [code])

        api.error = nil
        var revision: Revision?
        writer.whenWritten(key) { revision = $0 }
        #expect(revision == nil)
        writer.submit(key, uid: "u", ["phase": "Running"])
        #expect(loop.runUntil(within: patience) { revision == Revision(7) })
        #expect(api.statuses == ["Pending", "Running"])
    }

    @Test func `waits for the next epoch when its own is stale`() throws {
        api.error = .conflict(key, "the node was fenced")
        writer.submit(key, uid: "u", ["phase": "Running"])
        runThroughFirstPauses()
        #expect(api.statuses == ["Running"])

        api.error = nil
        var isWritten = false
        writer.whenWritten(key) { _ in isWritten = true }
        writer.begin(epoch: 2)
        #expect(loop.runUntil(within: patience) { isWritten })
    }

    @Test func `tries again ever more rarely when the server cannot`() throws {
        api.error = .unavailable("away")
        writer.submit(key, uid: "u", ["phase": "Running"])
        runThroughFirstPauses()
        // At once, after 50 to 100 ms, then after 100 to 200 ms more, then after 200 to 400 ms more.
        #expect((3...4).contains(api.statuses.count))
        api.error = nil
        var isWritten = false
        writer.whenWritten(key) { _ in isWritten = true }
        #expect(loop.runUntil(within: patience) { isWritten })
    }
}
