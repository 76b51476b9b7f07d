import Resources

/// The last published commits, for watchers that come back: a ring bounded by count.
struct WatchWindow: Sendable {
    /// Watches can begin here or later: everything after this revision is in the window.
    private(set) var start: Revision
    private var events: [PublishedEvent] = []
    /// Where the oldest event is once the ring is full.
    private var head = 0
    private let limit: Int

    init(start: Revision, limit: Int) {
        self.start = start
        self.limit = max(1, limit)
    }

    mutating func append(_ event: PublishedEvent) {
        if events.count < limit {
            events.append(event)
        } else {
            start = events[head].revision
            events[head] = event
            head = (head + 1) % limit
        }
    }

    /// The events after a revision, oldest first; nil when some of them are gone.
    func events(since revision: Revision) -> WatchWindow.Slice? {
        guard revision >= start else { return nil }
        // Revisions grow along the ring: binary search for the first one that is later.
        var low = 0
        var high = events.count
        while low < high {
            let middle = (low + high) / 2
            if self[middle].revision > revision { high = middle } else { low = middle + 1 }
        }
        return Slice(window: self, from: low)
    }

    private subscript(_ index: Int) -> PublishedEvent { events[(head + index) % events.count] }
    var count: Int { events.count }

    /// A run of events up to the newest.
    struct Slice: Sequence, IteratorProtocol {
        fileprivate let window: WatchWindow
        fileprivate var from: Int

        mutating func next() -> PublishedEvent? {
            guard from < window.count else { return nil }
            defer { from += 1 }
            return window[from]
        }
    }
}
