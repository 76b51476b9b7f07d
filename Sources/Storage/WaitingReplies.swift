import Resources

/// Answers that wait until a revision is durable, in the order of their revisions.
struct WaitingReplies {
    typealias Entry = (revision: Revision, result: Result<Reply, StatusError>, done: (Result<Reply, StatusError>) -> Void)

    private var entries: [Entry] = []
    private var start = 0

    /// Revisions only grow, so appending keeps the order.
    mutating func add(_ revision: Revision, _ result: Result<Reply, StatusError>, _ done: @escaping (Result<Reply, StatusError>) -> Void) {
        entries.append((revision, result, done))
    }

    /// Takes out those whose revision is reached: `done` of each is to be called with its result, in this order.
    mutating func take(through revision: Revision) -> [Entry] {
        let first = start
        while start < entries.count, entries[start].revision <= revision { start += 1 }
        let ready = Array(entries[first..<start])
        if start == entries.count {
            entries.removeAll(keepingCapacity: entries.count <= 256)
            start = 0
        } else if start > 1024 {
            entries.removeFirst(start)
            start = 0
        }
        return ready
    }

    /// Takes out all, to be given another answer.
    mutating func takeAll() -> [(Result<Reply, StatusError>) -> Void] {
        defer {
            entries = []
            start = 0
        }
        return entries[start...].map(\.done)
    }
}
