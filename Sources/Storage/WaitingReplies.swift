import Resources

/// Answers that wait until a revision is durable, in the order of their revisions.
struct WaitingReplies {
    private var entries: [(revision: Revision, result: Result<Reply, StatusError>, done: (Result<Reply, StatusError>) -> Void)] = []
    private var start = 0

    /// Revisions only grow, so appending keeps the order.
    mutating func add(_ revision: Revision, _ result: Result<Reply, StatusError>, _ done: @escaping (Result<Reply, StatusError>) -> Void) {
        entries.append((revision, result, done))
    }

    /// Takes out those whose revision is reached; calling each gives its answer.
    mutating func take(through revision: Revision) -> [() -> Void] {
        var ready: [() -> Void] = []
        while start < entries.count, entries[start].revision <= revision {
            let entry = entries[start]
            ready.append { entry.done(entry.result) }
            start += 1
        }
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
