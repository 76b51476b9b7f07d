import Timing

/// A binary heap of timers by time, then by order of making. Cancelled timers stay until they are due, or until a sweep when the heap has grown.
struct TimerQueue {
    private var heap: [(at: Instant, order: UInt64, timer: EventLoop.Timer)] = []
    private var made: UInt64 = 0
    private var sweepAt = 1024

    mutating func insert(_ timer: EventLoop.Timer) {
        if heap.count >= sweepAt { sweep() }
        made += 1
        heap.append((timer.at, made, timer))
        siftUp(heap.count - 1)
    }

    /// The time of the next timer that still waits.
    var nextTime: Instant? {
        mutating get {
            while let first = heap.first, !first.timer.isPending { removeFirst() }
            return heap.first?.at
        }
    }

    mutating func popDue(_ now: Instant) -> EventLoop.Timer? {
        while let first = heap.first, first.at <= now {
            removeFirst()
            if first.timer.isPending { return first.timer }
        }
        return nil
    }

    private mutating func sweep() {
        let live = heap.filter { $0.timer.isPending }
        heap.removeAll(keepingCapacity: true)
        for entry in live {
            heap.append(entry)
            siftUp(heap.count - 1)
        }
        sweepAt = max(1024, live.count * 2)
    }

    private func isBefore(_ a: Int, _ b: Int) -> Bool { (heap[a].at, heap[a].order) < (heap[b].at, heap[b].order) }

    private mutating func siftUp(_ start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            guard isBefore(child, parent) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    private mutating func removeFirst() {
        heap.swapAt(0, heap.count - 1)
        heap.removeLast()
        var parent = 0
        while true {
            let left = 2 * parent + 1
            guard left < heap.count else { return }
            var least = left
            if left + 1 < heap.count, isBefore(left + 1, left) { least = left + 1 }
            guard isBefore(least, parent) else { return }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
