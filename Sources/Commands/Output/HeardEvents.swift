import Formats

/// Which events a watch has told already, so that a list that is read again after a loss tells only the others.
struct HeardEvents {
    /// By uid: how often it had happened, and when last. As many as the server keeps.
    private var told: [String: String] = [:]

    /// Whether an event says something new; it counts as told from here on.
    mutating func isNews(_ event: Value) -> Bool {
        let state = "\(EventsVerb.time(event)) \(event["series"]["count"].int ?? event["count"].int ?? 1)"
        return told.updateValue(state, forKey: event["metadata"]["uid"].string ?? "") != state
    }

    /// The server has forgotten it.
    mutating func forget(_ event: Value) { told[event["metadata"]["uid"].string ?? ""] = nil }

    /// Forgets what the server does not have any more.
    mutating func keep(only events: [Value]) {
        let present = Set(events.compactMap { $0["metadata"]["uid"].string })
        told = told.filter { present.contains($0.key) }
    }
}
