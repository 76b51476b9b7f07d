import Formats
import Linux
import Resources

@testable import APIClient

/// An API whose answers and watches the test makes.
final class ScriptedAPI: ResourceAPI {
    let loop: EventLoop
    /// What was asked, with the way to answer.
    var requests: [(request: Request, answer: (Result<Reply, StatusError>) -> Void)] = []
    var watches: [(from: Revision?, send: (WatchSignal) -> Void)] = []
    var cancelledCount = 0

    init() throws { loop = try EventLoop() }

    func perform(_ request: Request, _ done: @escaping (Result<Reply, StatusError>) -> Void) { requests.append((request, done)) }

    func watch(_ list: ListRequest, from: Revision?, _ onEvent: @escaping (WatchSignal) -> Void) -> Cancellation {
        watches.append((from, onEvent))
        return Cancellation { self.cancelledCount += 1 }
    }

    func until(_ done: () -> Bool) -> Bool { loop.runUntil(within: .seconds(60), done) }
}

func configMap(_ name: String, at revision: UInt64, _ data: String = "") -> Value {
    [
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": ["name": .string(name), "namespace": "default", "resourceVersion": .string(String(revision))],
        "data": ["x": .string(data)],
    ]
}

func signal(_ kind: WatchEvent.Kind, _ name: String, _ revision: UInt64, _ data: String = "") -> WatchSignal {
    .event(WatchEvent(kind, configMap(name, at: revision, data), at: Revision(revision)))
}
