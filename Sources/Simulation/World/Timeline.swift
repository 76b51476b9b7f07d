import Timing

/// What is going to happen, ordered by time and, at one time, by when it was arranged: the same arrangements happen in the same order.
///
/// Nothing in a world waits in any other way, so a world without anything to do costs nothing until the next event.
struct Timeline {
    /// Names one arranged event, to call it off.
    struct Appointment: Equatable {
        fileprivate var slot: Int
        fileprivate var sequence: UInt64
    }

    private struct Entry {
        var at: Int64
        var sequence: UInt64
        var slot: Int
        static func < (a: Entry, b: Entry) -> Bool { (a.at, a.sequence) < (b.at, b.sequence) }
    }

    private struct Slot {
        var sequence: UInt64
        var life: Life?
        var body: (() -> Void)?
    }

    /// A binary heap of numbers; what is referred to lies in `slots`, so that sifting counts no references.
    private var heap: [Entry] = []
    private var slots: [Slot] = []
    private var free: [Int] = []
    private var sequence: UInt64 = 0

    /// When the next event is due; called-off ones count until they come up.
    var next: Instant? { heap.first.map { Instant(nanoseconds: $0.at) } }

    mutating func arrange(at: Instant, for life: Life?, _ body: @escaping () -> Void) -> Appointment {
        sequence += 1
        let slot: Int
        if let reused = free.popLast() {
            slot = reused
            slots[slot] = Slot(sequence: sequence, life: life, body: body)
        } else {
            slot = slots.count
            slots.append(Slot(sequence: sequence, life: life, body: body))
        }
        heap.append(Entry(at: at.nanoseconds, sequence: sequence, slot: slot))
        siftUp(heap.count - 1)
        return Appointment(slot: slot, sequence: sequence)
    }

    mutating func callOff(_ appointment: Appointment) {
        guard slots[appointment.slot].sequence == appointment.sequence else { return }
        slots[appointment.slot].body = nil
        slots[appointment.slot].life = nil
    }

    func isPending(_ appointment: Appointment) -> Bool {
        slots[appointment.slot].sequence == appointment.sequence && slots[appointment.slot].body != nil
    }

    /// Takes the next event out; its body is nil when it was called off.
    mutating func take() -> (at: Instant, life: Life?, body: (() -> Void)?)? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if !heap.isEmpty {
            heap[0] = last
            siftDown(0)
        }
        let slot = slots[first.slot]
        slots[first.slot] = Slot(sequence: 0, life: nil, body: nil)
        free.append(first.slot)
        return (Instant(nanoseconds: first.at), slot.life, slot.body)
    }

    mutating func clear() {
        heap = []
        slots = []
        free = []
    }

    private mutating func siftUp(_ start: Int) {
        var at = start
        let entry = heap[at]
        while at > 0 {
            let parent = (at - 1) / 2
            guard entry < heap[parent] else { break }
            heap[at] = heap[parent]
            at = parent
        }
        heap[at] = entry
    }

    private mutating func siftDown(_ start: Int) {
        var at = start
        let entry = heap[at]
        while true {
            var child = 2 * at + 1
            guard child < heap.count else { break }
            if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
            guard heap[child] < entry else { break }
            heap[at] = heap[child]
            at = child
        }
        heap[at] = entry
    }
}
