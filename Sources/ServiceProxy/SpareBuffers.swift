import Wire

/// The memory of queues that are empty, for those that fill: a connection at rest keeps none, and one that wakes allocates none.
final class SpareBuffers {
    /// How many are kept, each of one typical request or answer: 1 MB at most.
    static let limit = 256

    private var spares: [ByteQueue] = []

    /// BEFORE something is put into the queue.
    @inline(__always)
    func lend(to queue: inout ByteQueue) { if !queue.hasRoom, let spare = spares.popLast() { queue = spare } }

    /// From a queue that is empty; another one is left as it is.
    func takeBack(from queue: inout ByteQueue) {
        guard queue.isEmpty, queue.hasRoom else { return }
        var spare = ByteQueue()
        swap(&spare, &queue)
        if spares.count < Self.limit { spares.append(spare) }
    }
}
