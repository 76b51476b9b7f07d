import Timing

/// When the turns of one Service are told: what flaps must not fill the list of events, and still their last word has to be true.
///
/// A turn is told at once, unless its reason was told a short while ago; then the last one of its matter is told when that while is over.
struct TurnPacing {
    /// Between two events of the same reason about the same Service.
    static let quietPeriod = Duration.seconds(10)

    /// When each reason was told last.
    private var times: [String: Instant] = [:]
    private var told: [HealthNotice.Matter: HealthNotice] = [:]
    /// One of each matter: of several endpoints the last.
    private var waiting: [HealthNotice.Matter: HealthNotice] = [:]

    /// Whether it is to be told now. If not it waits, in place of what waited of the same matter.
    mutating func note(_ notice: HealthNotice, now: Instant) -> Bool {
        if let last = times[notice.reason], now - last < Self.quietPeriod {
            waiting[notice.matter] = notice
            return false
        }
        // What is told of another endpoint makes nothing untrue.
        if waiting[notice.matter]?.subject == notice.subject { waiting[notice.matter] = nil }
        tell(notice, now)
        return true
    }

    /// When the next that waits may be told; nil: none waits.
    var nextDue: Instant? { waiting.values.compactMap { times[$0.reason] }.min().map { $0 + Self.quietPeriod } }

    /// Those that have waited long enough; not what is the last word already.
    mutating func takeDue(now: Instant) -> [HealthNotice] {
        var due: [HealthNotice] = []
        for matter in HealthNotice.Matter.allCases {
            guard let notice = waiting[matter], let last = times[notice.reason], now - last >= Self.quietPeriod else { continue }
            waiting[matter] = nil
            if told[matter] == notice { continue }
            tell(notice, now)
            due.append(notice)
        }
        return due
    }

    private mutating func tell(_ notice: HealthNotice, _ now: Instant) {
        times[notice.reason] = now
        told[notice.matter] = notice
    }
}
