import Resources
import Timing
import Wire

/// Keeps the queue in front of one backend short: who waits too long for an answer has gone when it comes, and the work was for nothing.
///
/// What counts is how old requests are when their turn comes, not how many there are, and the least age in an interval: a burst ages one after the
/// other, a standing queue all of them (Nichols and Jacobson, Controlling Queue Delay, 2012). While the least age is above the limit, one class of
/// priority more is refused in each interval; then one less.
struct LoadShedder: Sendable {
    /// In which the least age is looked for: longer than any burst should last.
    static let interval = Duration.milliseconds(100)
    /// Requests in line. Beyond it one with the lowest priority has to go.
    static let lineLimit = 1024

    /// What becomes of a request.
    enum Verdict: Equatable, Sendable {
        case goes
        /// Until then at most; `displaced` has to leave the line for it.
        case waits(until: Instant, displaced: UInt64?)
        case refused
    }

    /// One request in line.
    struct Place: Sendable {
        /// Given by the router, never twice.
        var number: UInt64
        var priority: Int
        var since: Instant
        var hash: UInt64
    }

    private(set) var rules: LoadSheddingRules
    /// Priorities that the rules give, lowest first.
    private var classes: [Int] = []
    /// So many of the classes are refused: the last of them only where the request itself is too old, those before it whatever their age.
    private(set) var level = 0
    private var windowEnd: Instant?
    private var leastAge: Duration?
    /// Sorted by priority, the highest first, then by number.
    private var line: [Place] = []
    private var standsSince = Instant.zero

    init(_ rules: LoadSheddingRules) {
        self.rules = rules
        follow(rules)
    }

    /// Puts other rules in force; who is in line stays there.
    mutating func follow(_ new: LoadSheddingRules) {
        rules = new
        classes = Set(new.priorities.map(\.priority) + [LoadSheddingRules.usualPriority]).sorted()
        level = min(level, classes.count)
    }

    var lineCount: Int { line.count }

    func priority(_ head: RequestHead, client: UInt32) -> Int {
        rules.priorities.first { rule in
            rule.selectors.isEmpty || rule.selectors.contains { $0.match(head, client: client) != nil }
        }?.priority ?? LoadSheddingRules.usualPriority
    }

    /// Decides about a request that has come.
    ///
    /// - Parameters:
    ///   - age: how long it has waited already, for the loop to come to it.
    ///   - openCount: requests under way.
    mutating func meet(_ place: Place, age: Duration, openCount: Int) -> Verdict {
        let now = place.since
        let isFree = rules.parallelRequests.map { openCount < $0 && line.isEmpty } ?? true
        note(isFree ? age : max(age, oldestAge(now)), now: now)
        if isRefused(place.priority, age: age) { return .refused }
        if isFree { return .goes }
        var displaced: UInt64?
        if line.count >= Self.lineLimit {
            guard let last = line.last, last.priority < place.priority else { return .refused }
            displaced = last.number
            line.removeLast()
        }
        if line.isEmpty { standsSince = now }
        // A line that was empty lately is a burst, and gets through.
        let isStanding = standsSince + Self.interval <= now
        line.insert(place, at: line.firstIndex { $0.priority < place.priority } ?? line.count)
        return .waits(until: now + (isStanding ? rules.queueAge : max(rules.queueAge, Self.interval)), displaced: displaced)
    }

    /// Who is next, where there is room for one more.
    mutating func next(openCount: Int, now: Instant) -> Place? {
        guard !line.isEmpty, openCount < rules.parallelRequests ?? .max else { return nil }
        let place = line.removeFirst()
        note(now - place.since, now: now)
        return place
    }

    /// Somebody does not wait any longer.
    mutating func leave(_ number: UInt64) { line.removeAll { $0.number == number } }

    private func isRefused(_ priority: Int, age: Duration) -> Bool {
        guard level > 0, let standing = classes.firstIndex(where: { $0 >= priority }) else { return false }
        return standing < level - 1 || (standing == level - 1 && age > rules.queueAge)
    }

    private func oldestAge(_ now: Instant) -> Duration { line.map { now - $0.since }.max() ?? .zero }

    private mutating func note(_ age: Duration, now: Instant) {
        guard let end = windowEnd else {
            windowEnd = now + Self.interval
            leastAge = age
            return
        }
        if now >= end {
            if let leastAge, leastAge > rules.queueAge { level = min(level + 1, classes.count) } else { level = max(level - 1, 0) }
            // Intervals in which nobody came had no queue.
            level = max(0, level - Int((now - end) / Self.interval))
            windowEnd = now + Self.interval
            leastAge = nil
        }
        leastAge = min(leastAge ?? age, age)
    }
}
