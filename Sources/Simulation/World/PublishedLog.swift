import Registry
import Resources

/// What was published of each kind lately: what every watch of it has to tell, in this order and without gaps.
struct PublishedLog {
    /// Events of one kind that are kept; older ones are checked by nobody.
    private static let limit = 4096
    private var byKind: [String: [PublishedEvent]] = [:]

    mutating func add(_ event: PublishedEvent) {
        byKind[event.type.plural, default: []].append(event)
        if let count = byKind[event.type.plural]?.count, count > 2 * Self.limit { byKind[event.type.plural]?.removeFirst(Self.limit) }
    }

    /// The first event that a watch of the list must have told between two revisions that it did tell.
    func missed(by list: ListRequest, after: Revision, before: Revision) -> PublishedEvent? {
        guard let events = byKind[list.type.plural] else { return nil }
        var found: PublishedEvent?
        for event in events.reversed() {
            if event.revision <= after { break }
            if event.revision < before, event.watchEvent(for: list) != nil { found = event }
        }
        return found
    }
}
