import Resources
import Timing

/// The last decisions about every object, within bounds: 50 an object, 7 days, and so many bytes in all. What exceeds them goes oldest first.
package struct DecisionBook: Sendable {
    package static let perObjectLimit = 50
    package static let timeToLive: Duration = .seconds(7 * 86_400)
    /// All that is kept, in bytes of text. The log on disk is written anew at twice this size.
    package static let byteLimit = 8 << 20

    private let byteLimit: Int
    private var pages: [DecidedObject: [Decision]] = [:]
    package private(set) var byteCount = 0
    package private(set) var count = 0

    package init(byteLimit: Int = byteLimit) { self.byteLimit = byteLimit }

    /// Notes a decision; says what is to be written down, nil when it was known.
    ///
    /// The same as the last one about its object, and from the same source, only counts up: at most once a second is that worth writing. Of a plan the
    /// last one is what plans of its source said last, whatever events told since.
    package mutating func record(_ decision: Decision) -> Decision? {
        var page = pages[decision.object] ?? []
        if let at = page.lastIndex(where: { $0.repeats(decision) }) {
            var known = page[at]
            let isEvent = !decision.reason.isEmpty
            // An event is seen again whenever the server starts.
            if isEvent, decision.last <= known.last, decision.count <= known.count { return nil }
            let isLastPlan = !page[(at + 1)...].contains { $0.component == decision.component && $0.reason.isEmpty }
            if isEvent || isLastPlan {
                let isWorthwhile = decision.last - known.last >= .seconds(1) || isEvent
                known.count = isEvent ? max(known.count, decision.count) : known.count + 1
                known.last = max(known.last, decision.last)
                page.remove(at: at)
                page.append(known)
                pages[decision.object] = page
                return isWorthwhile ? known : nil
            }
        }
        append(decision)
        return decision
    }

    private mutating func append(_ decision: Decision) {
        pages[decision.object, default: []].append(decision)
        byteCount += decision.byteCount
        count += 1
        if let page = pages[decision.object], page.count > Self.perObjectLimit {
            byteCount -= page[0].byteCount
            count -= 1
            pages[decision.object]?.removeFirst()
        }
        if byteCount > byteLimit { dropOldest() }
    }

    /// Takes in a record of the log: a later one of the same decision replaces what an earlier one said.
    package mutating func restore(_ decision: Decision) {
        if let at = pages[decision.object]?.lastIndex(where: { $0.repeats(decision) && $0.first == decision.first }) {
            pages[decision.object]?.remove(at: at)
            pages[decision.object]?.append(decision)
        } else {
            append(decision)
        }
    }

    /// About one object, in the order of deciding.
    package func decisions(about object: DecidedObject) -> [Decision] { pages[object] ?? [] }

    /// The same without what is too old by now, whether or not it was forgotten already.
    package func decisions(about object: DecidedObject, now: Timestamp) -> [Decision] {
        decisions(about: object).filter { Self.isKept($0, now: now) }
    }

    private static func isKept(_ decision: Decision, now: Timestamp) -> Bool { now - decision.last < timeToLive }

    /// Everything, by object, for a log that is written anew.
    package var all: [Decision] { pages.keys.sorted().flatMap { pages[$0] ?? [] }.sorted { $0.last < $1.last } }

    /// Forgets what is too old.
    package mutating func expire(now: Timestamp) {
        for (object, page) in pages {
            let kept = page.filter { Self.isKept($0, now: now) }
            guard kept.count < page.count else { continue }
            byteCount -= page.reduce(0) { $0 + $1.byteCount } - kept.reduce(0) { $0 + $1.byteCount }
            count -= page.count - kept.count
            pages[object] = kept.isEmpty ? nil : kept
        }
    }

    /// Makes room for many more at once: sorting all for each new one would cost too much.
    private mutating func dropOldest() {
        let goal = byteLimit / 8 * 7
        for decision in pages.values.joined().sorted(by: { ($0.last, $0.object) < ($1.last, $1.object) }) {
            guard byteCount > goal else { return }
            guard var page = pages[decision.object], let at = page.firstIndex(of: decision) else { continue }
            page.remove(at: at)
            pages[decision.object] = page.isEmpty ? nil : page
            byteCount -= decision.byteCount
            count -= 1
        }
    }
}
