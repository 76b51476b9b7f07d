import Formats
import Resources
import Timing

/// Writes down what happened, once: the same note again counts up, a flood about one object is cut, old notes are torn out.
package struct EventBook {
    /// How long an event is kept after it last happened (Kubernetes' default).
    package static let timeToLive: Duration = .seconds(3600)
    /// Events in the store, whoever wrote them. Beyond it the oldest go.
    package static let storedLimit = 10_000
    /// Notes about one object from one component: this many at once, then one in `refill` (client-go's limits). What exceeds it is dropped.
    package static let burst = 25
    package static let refill: Duration = .seconds(300)
    /// Deletions in one call of `expire`.
    package static let changeLimit = 500

    private struct Topic: Hashable {
        var regarding: String
        var kind: String
        var component: String
    }
    private struct Page {
        var key: ObjectKey
        var count: Int64
        var last: Timestamp
    }
    private struct Allowance {
        var tokens: Double
        var at: Timestamp
    }
    private var pages: [EventNote: Page] = [:]
    private var allowances: [Topic: Allowance] = [:]
    /// Last occurrence of every stored event.
    private var stored: [ObjectKey: (uid: String, last: Timestamp)] = [:]
    private var lastName: Int64 = 0

    package init() {}

    package var storedCount: Int { stored.count }

    /// The write for a note; nil when there were too many about this object.
    package mutating func record(_ note: EventNote, now: Timestamp) -> Change? {
        var same = note
        same.regarding.revision = .zero
        guard takeToken(note, now) else { return nil }
        // A page just written may not have come back from the store yet.
        if let page = pages[same], stored[page.key] != nil || now - page.last < .seconds(5) {
            pages[same] = Page(key: page.key, count: page.count + 1, last: now)
            return .patch(page.key, ["count": .int(page.count + 1), "lastTimestamp": .string(now.rfc3339)])
        }
        // Kubernetes names events by object and moment; two in one nanosecond must not collide.
        lastName = max(lastName + 1, now.nanosecondsSince1970)
        let namespace = note.regarding.namespace.isEmpty ? "default" : note.regarding.namespace
        let key = ObjectKey(.events, namespace: namespace, name: "\(note.regarding.name).\(String(lastName, radix: 16))")
        pages[same] = Page(key: key, count: 1, last: now)
        // Forgetting what was said costs no more than a second event that says the same.
        if pages.count > Self.storedLimit { pages.removeAll(keepingCapacity: true) }
        return Change(.create(Self.object(note, key, now), type: .events, namespace: namespace))
    }

    /// Notes an event that the store holds.
    package mutating func observe(_ key: ObjectKey, _ event: Value) {
        let last = event["lastTimestamp"].timestamp ?? event["eventTime"].timestamp ?? event["metadata"]["creationTimestamp"].timestamp
        stored[key] = (event["metadata"]["uid"].string ?? "", last ?? Timestamp(nanosecondsSince1970: 0))
    }

    /// The event is gone from the store.
    package mutating func forget(_ key: ObjectKey) { stored[key] = nil }

    /// The deletions that are due, and when the next will be.
    package mutating func expire(now: Timestamp) -> (changes: [Change], next: Duration?) {
        pages = pages.filter { now - $0.value.last < Self.timeToLive }
        allowances = allowances.filter { now - $0.value.at < Self.refill }
        let oldestFirst = stored.sorted { ($0.value.last, $0.key) < ($1.value.last, $1.key) }
        let surplus = max(0, oldestFirst.count - Self.storedLimit)
        let due = oldestFirst.enumerated().prefix { $0.offset < surplus || now - $0.element.value.last >= Self.timeToLive }.map(\.element)
        let changes = due.prefix(Self.changeLimit).map { Change.delete($0.key, uid: $0.value.uid) }
        let next =
            due.count > Self.changeLimit ? .zero : oldestFirst.dropFirst(due.count).first.map { $0.value.last + Self.timeToLive - now }
        return (changes, next)
    }

    private mutating func takeToken(_ note: EventNote, _ now: Timestamp) -> Bool {
        let topic = Topic(regarding: note.regarding.uid + note.regarding.name, kind: note.regarding.kind, component: note.component)
        var allowance = allowances[topic] ?? Allowance(tokens: Double(Self.burst), at: now)
        let gained = max(0, (now - allowance.at).inSeconds) / Self.refill.inSeconds
        allowance = Allowance(tokens: min(Double(Self.burst), allowance.tokens + gained), at: now)
        defer { allowances[topic] = allowance }
        if allowances.count > Self.storedLimit { allowances.removeAll(keepingCapacity: true) }
        guard allowance.tokens >= 1 else { return false }
        allowance.tokens -= 1
        return true
    }

    private static func object(_ note: EventNote, _ key: ObjectKey, _ now: Timestamp) -> Value {
        let about = note.regarding
        var involved: Value = ["kind": .string(about.kind)]
        if !about.namespace.isEmpty { involved["namespace"] = .string(about.namespace) }
        involved["name"] = .string(about.name)
        involved["uid"] = .string(about.uid)
        involved["apiVersion"] = .string(about.apiVersion)
        if about.revision > .zero { involved["resourceVersion"] = .string(about.revision.description) }
        return [
            "apiVersion": "v1", "kind": "Event", "metadata": ["name": .string(key.name), "namespace": .string(key.namespace)],
            "involvedObject": involved, "reason": .string(note.reason), "message": .string(note.message),
            "source": ["component": .string(note.component)], "firstTimestamp": .string(now.rfc3339), "lastTimestamp": .string(now.rfc3339),
            "count": 1, "type": .string(note.severity.rawValue), "eventTime": nil, "reportingComponent": .string(note.component),
            "reportingInstance": "",
        ]
    }
}
