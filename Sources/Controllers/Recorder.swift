import APIClient
import Formats
import Linux
import Reconciling
import Resources

/// Writes events after everything else, and deletes them when they are old.
final class Recorder {
    /// Event writes under way at one time: events never crowd out the work they tell of.
    static let inFlightLimit = 64
    /// Notes that wait. Beyond it new ones are dropped: the objects themselves say the same.
    static let waitingLimit = 4096

    private let api: any ResourceAPI
    private let decisions: DecisionLog
    private var book = EventBook()
    private var waiting: [Change] = []
    private var nextIndex = 0
    private var inFlightCount = 0
    private var isFlushing = false
    private var expiry: EventLoop.Timer?
    private var deletingCount = 0
    private(set) var droppedCount = 0

    init(api: any ResourceAPI, decisions: DecisionLog) {
        self.api = api
        self.decisions = decisions
    }

    /// Keeps why a plan decided as it did. No event: the same plan is made again and again.
    func explain(_ sentences: [String], about object: DecidedObject, by component: String) {
        guard let decision = Decision(plan: sentences, about: object, by: component, last: Clock.realtime()) else { return }
        decisions.record(decision)
    }

    func record(_ note: EventNote) {
        guard let change = book.record(note, now: Clock.realtime()) else { return }
        guard waiting.count - nextIndex < Self.waitingLimit else {
            droppedCount += 1
            return
        }
        waiting.append(change)
        flushLater()
    }

    func record(_ notes: [EventNote]) { for note in notes { record(note) } }

    /// Follows the stored events so that they can be torn out in time.
    func follow(_ shelf: Shelf<Value>) {
        shelf.onChange { [unowned self] key, _, new in
            if let new {
                book.observe(key, new)
                // Events live for an hour, the decisions that they tell of for a week.
                if let decision = Decision(event: new) { decisions.record(decision) }
            } else {
                book.forget(key)
            }
            if expiry == nil { expireLater(after: EventBook.timeToLive) }
            if book.storedCount > EventBook.storedLimit + EventBook.changeLimit { expire() }
        }
    }

    func expire() {
        guard deletingCount == 0 else { return }
        expiry?.cancel()
        expiry = nil
        let (changes, next) = book.expire(now: Clock.realtime())
        deletingCount = changes.count
        for change in changes { api.perform(change.request) { [unowned self] _ in deletingCount -= 1 } }
        // Never in a hurry: what is late by a second harms nobody.
        if let next { expireLater(after: max(.seconds(1), next)) }
    }

    private func expireLater(after delay: Duration) {
        expiry = api.loop.schedule(after: delay) { [unowned self] in expire() }
    }

    private func flushLater() {
        guard !isFlushing else { return }
        isFlushing = true
        api.loop.later { [unowned self] in flush() }
    }

    private func flush() {
        isFlushing = false
        while inFlightCount < Self.inFlightLimit, nextIndex < waiting.count {
            let change = waiting[nextIndex]
            nextIndex += 1
            inFlightCount += 1
            api.perform(change.request) { [unowned self] _ in
                inFlightCount -= 1
                if nextIndex < waiting.count { flushLater() }
            }
        }
        if nextIndex == waiting.count {
            waiting.removeAll(keepingCapacity: true)
            nextIndex = 0
        }
    }
}
