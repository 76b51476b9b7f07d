import Formats
import Linux
import Resources
import Testing
import Timing

@testable import APIClient

@Suite struct `A lease` {
    private let key = ObjectKey(.leases, namespace: "kube-node-lease", name: "a1")

    private func start(_ api: ScriptedAPI) -> (renewal: LeaseRenewal, epochs: () -> [Int64]) {
        let renewal = LeaseRenewal(
            api: api, namespace: "kube-node-lease", name: "a1", holder: "me", duration: .seconds(10), period: .milliseconds(1))
        var epochs: [Int64] = []
        renewal.onEpoch = { epochs.append($0) }
        renewal.start()
        return (renewal, { epochs })
    }

    /// Answers the oldest request; returns what it was.
    private func answer(_ api: ScriptedAPI, _ result: (Value) -> Result<Value, StatusError>) -> String {
        #expect(api.until { !api.requests.isEmpty })
        guard !api.requests.isEmpty else { return "nothing" }
        let (request, done) = api.requests.removeFirst()
        let (name, body): (String, Value) =
            switch request {
            case .get: ("get", .null)
            case .create(let value, _, _, _): ("create", value)
            case .update(_, let value, _, _): ("update", value)
            default: ("other", .null)
            }
        done(result(body).map { Reply(.object($0)) })
        let spec = body["spec"]
        return body.isNull ? name : "\(name) \(spec["holderIdentity"].string ?? "") \(spec["leaseTransitions"].int ?? -1)"
    }

    private func lease(_ holder: String, _ transitions: Int64) -> Value {
        [
            "metadata": ["name": "a1", "resourceVersion": "1"],
            "spec": ["holderIdentity": .string(holder), "leaseTransitions": .int(transitions)],
        ]
    }

    @Test func `is made where there is none, then renewed`() throws {
        let api = try ScriptedAPI()
        let (renewal, epochs) = start(api)
        #expect(answer(api) { _ in .failure(.notFound(key)) } == "get")
        #expect(answer(api) { .success($0) } == "create me 0")
        #expect(epochs() == [0])
        for _ in 0..<3 { #expect(answer(api) { .success($0) } == "update me 0") }
        #expect(epochs() == [0])
        #expect(renewal.renewedAt != nil)
    }

    @Test func `of an earlier holder is taken over under the next epoch`() throws {
        let api = try ScriptedAPI()
        let (_, epochs) = start(api)
        #expect(answer(api) { _ in .success(lease("other", 4)) } == "get")
        #expect(answer(api) { .success($0) } == "update me 5")
        #expect(epochs() == [5])
    }

    @Test func `that was taken away is taken again under the next epoch`() throws {
        let api = try ScriptedAPI()
        let (_, epochs) = start(api)
        _ = answer(api) { _ in .success(lease("me", 4)) }
        _ = answer(api) { .success($0) }
        #expect(answer(api) { _ in .failure(.conflict(key, "changed")) } == "update me 4")
        #expect(answer(api) { _ in .success(lease("", 5)) } == "get")
        #expect(answer(api) { .success($0) } == "update me 6")
        #expect(epochs() == [4, 6])
    }

    @Test func `that the server forgot is made again under the same epoch`() throws {
        let api = try ScriptedAPI()
        let (_, epochs) = start(api)
        _ = answer(api) { _ in .success(lease("me", 4)) }
        _ = answer(api) { .success($0) }
        #expect(answer(api) { _ in .failure(.notFound(key)) } == "update me 4")
        #expect(answer(api) { .success($0) } == "create me 4")
        #expect(epochs() == [4])
    }

    @Test func `is tried again after any other failure, and not without a pause after two`() throws {
        let api = try ScriptedAPI()
        let (renewal, epochs) = start(api)
        var failures: [String] = []
        renewal.onFailure = { failures.append($0.reason) }
        #expect(answer(api) { _ in .failure(.unavailable("away")) } == "get")
        #expect(answer(api) { _ in .success(lease("me", 1)) } == "get")
        #expect(answer(api) { _ in .failure(.conflict(key, "changed")) } == "update me 1")
        #expect(answer(api) { _ in .success(lease("me", 1)) } == "get")
        #expect(answer(api) { _ in .failure(.conflict(key, "changed")) } == "update me 1")
        #expect(failures == ["ServiceUnavailable", "Conflict"])
        #expect(epochs() == [])
        renewal.stop()
    }
}
