import APIClient
import Formats
import Linux
import Resources
import Supervision
import Timing

/// Tells people what happened, as Event objects: paced, behind the writes that matter, and repeated ones counted instead of written anew.
final class EventWriter {
    private let api: any ResourceAPI
    private let node: String
    private var queue: [Value] = []
    private var isScheduled = false
    /// By object, reason and message.
    private var known: [String: (name: String, namespace: String, count: Int64)] = [:]

    /// Events that wait; beyond it the newest are dropped.
    private static let queueLimit = 4096
    /// Beyond it everything is forgotten, and repeated events begin at one again.
    private static let knownLimit = 2048
    private static let batchSize = 16
    private static let pace = Duration.milliseconds(50)

    init(api: any ResourceAPI, node: String) {
        self.api = api
        self.node = node
    }

    func record(_ note: PodNote, about object: Value) {
        guard queue.count < Self.queueLimit else { return }
        let field = note.container.map { "spec.containers{\($0)}" } ?? ""
        queue.append(
            Event.make(
                about: object, note.isWarning ? .warning : .normal, reason: note.reason, message: note.message, component: "steady-agent",
                host: node,
                fieldPath: field, at: Clock.realtime()))
        schedule()
    }

    private func schedule() {
        guard !isScheduled, !queue.isEmpty else { return }
        isScheduled = true
        api.loop.schedule(after: Self.pace) { [weak self] in self?.send() }
    }

    private func send() {
        isScheduled = false
        let batch = queue.prefix(Self.batchSize)
        queue.removeFirst(batch.count)
        for event in batch { send(event) }
        schedule()
    }

    private func send(_ event: Value) {
        let involved = event["involvedObject"]
        let parts = [involved["uid"], involved["fieldPath"], event["reason"], event["message"]].map { $0.string ?? "" }
        let identity = parts.joined(separator: "\u{0}")
        let namespace = event["metadata"]["namespace"].string ?? "default"
        if let (name, space, count) = known[identity] {
            known[identity] = (name, space, count + 1)
            let patch: Value = ["count": .int(count + 1), "lastTimestamp": event["lastTimestamp"]]
            api.perform(.patch(ObjectKey(.events, namespace: space, name: name), .merge(patch))) { _ in }
            return
        }
        if known.count >= Self.knownLimit { known = [:] }
        known[identity] = (event["metadata"]["name"].string ?? "", namespace, 1)
        // A lost event is no harm.
        api.perform(.create(event, type: .events, namespace: namespace)) { _ in }
    }
}
