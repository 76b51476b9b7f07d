import Testing
import Timing

@testable import Supervision

@Suite struct `An up as its roles judge it` {
    /// What a role sees, each at a second.
    enum Sight {
        case welcome(answersBeats: Bool)
        case heard, lost
        /// Its own tick, at which it asks.
        case asks
        /// A look at who is missed; `late` seconds after it was due.
        case looks(isMissed: Bool, late: Double = 0)
        /// From here on `up` waits for the disk, or does so no more.
        case disk(isWaited: Bool)
    }

    struct Case: CustomTestStringConvertible {
        var title: String
        var sights: [(second: Double, sight: Sight)]
        var killedAt: [Double]
        var testDescription: String { title }
    }

    /// Ticks every two seconds, both ends included.
    private static func asks(_ first: Double, _ last: Double) -> [(second: Double, sight: Sight)] {
        stride(from: first, through: last, by: 2).map { ($0, .asks) }
    }

    private static let welcome: (second: Double, sight: Sight) = (0, .welcome(answersBeats: true))

    static let cases = [
        Case(
            title: "one that answers is left alone",
            sights: [welcome] + stride(from: 2.0, through: 40, by: 2).flatMap { [($0, .asks), ($0 + 0.1, .heard)] }, killedAt: []),
        Case(title: "one that says nothing for ten seconds is killed", sights: [welcome] + asks(2, 10), killedAt: [10]),
        Case(title: "one that has not been asked as long is not", sights: [welcome] + asks(2, 8), killedAt: []),
        Case(
            title: "whatever it says is a sign of life", sights: [welcome] + asks(2, 8) + [(9, .heard)] + asks(10, 18) + asks(20, 20),
            killedAt: [20]),
        Case(
            title: "one that was stopped for less, and goes on, is left alone",
            sights: [welcome] + asks(2, 8) + [(9.9, .heard)] + asks(10, 10) + [(10.1, .heard)] + asks(12, 20), killedAt: []),
        Case(
            title: "a killed one has a whole limit to be gone, and is killed again if it is not", sights: [welcome] + asks(2, 20),
            killedAt: [10, 20]),
        Case(title: "a role that was stopped itself asks for a whole limit anew", sights: [welcome, (60, .asks)], killedAt: []),
        Case(
            title: "and then judges as ever", sights: [welcome, (60, .asks)] + asks(62, 70), killedAt: [70]),
        Case(
            title: "a role that is starved, and late each time, judges nobody",
            sights: [welcome] + stride(from: 4.0, through: 80, by: 4).map { ($0, .asks) }, killedAt: []),
        Case(
            title: "a little late is on time", sights: [welcome] + stride(from: 2.9, through: 14.5, by: 2.9).map { ($0, .asks) },
            killedAt: [11.6]),
        Case(
            title: "one that waits for the disk is borne with, and has a whole limit afterwards",
            sights: [welcome, (1, .disk(isWaited: true))] + asks(2, 32) + [(33, .disk(isWaited: false))] + asks(34, 44), killedAt: [42]),
        Case(
            title: "but for a minute at most", sights: [welcome, (1, .disk(isWaited: true))] + asks(2, 70), killedAt: [68]),
        Case(
            title: "while a role is dead one that has not answered for a second is killed",
            sights: [welcome, (2, .asks), (3, .looks(isMissed: true))], killedAt: [3]),
        Case(
            title: "also when that role dies later",
            sights: [welcome, (2, .asks), (3, .looks(isMissed: false)), (3.25, .looks(isMissed: false)), (3.5, .looks(isMissed: true))],
            killedAt: [3.5]),
        Case(
            title: "one that has answered meanwhile is not, until it is asked again",
            sights: [welcome, (2, .asks), (2.9, .heard), (3, .looks(isMissed: true)), (4, .asks), (4.5, .looks(isMissed: true))],
            killedAt: []),
        Case(
            title: "a role that looks late judges nobody, and looks again after a second",
            sights: [
                welcome, (2, .asks), (3.4, .looks(isMissed: true, late: 0.4)), (3.7, .looks(isMissed: true)), (4.4, .looks(isMissed: true)),
            ],
            killedAt: [4.4]),
        Case(
            title: "one that waits for the disk is borne with while a role is dead as well",
            sights: [
                welcome, (2, .asks), (2.5, .disk(isWaited: true)), (3, .looks(isMissed: true)), (4, .asks), (5, .looks(isMissed: true)),
            ],
            killedAt: []),
        Case(
            title: "a killed one has a whole limit to be gone, also while a role is dead",
            sights: [welcome, (2, .asks), (3, .looks(isMissed: true)), (4, .asks), (5, .looks(isMissed: true)), (6, .asks)], killedAt: [3]),
        Case(
            title: "an older one that answers no beats is not judged, whatever it says",
            sights: [(0, .welcome(answersBeats: false)), (1, .heard)] + asks(2, 60), killedAt: []),
        Case(title: "none is judged before its welcome", sights: asks(2, 60), killedAt: []),
        Case(title: "one that is gone is not judged", sights: [welcome] + asks(2, 8) + [(9, .lost)] + asks(10, 60), killedAt: []),
        Case(
            title: "the next one has a whole limit from its welcome",
            sights: [welcome] + asks(2, 8) + [(9, .lost)] + asks(10, 12) + [(12.5, .welcome(answersBeats: true))] + asks(14, 24),
            killedAt: [24]),
        Case(
            title: "an older one after a newer one is not judged",
            sights: [welcome] + asks(2, 4) + [(5, .lost), (6, .welcome(answersBeats: false))] + asks(6, 60), killedAt: []),
    ]

    @Test(arguments: cases) func `is killed when it hangs, and only then`(_ row: Case) {
        var silence = HostSilence(period: .seconds(2), now: .zero)
        var killedAt: [Double] = []
        var waitsForDisk = false
        for (second, sight) in row.sights {
            let now = Instant.zero + .milliseconds(Int(second * 1000))
            switch sight {
            case .welcome(let answersBeats): silence.welcomed(answersBeats: answersBeats, now: now)
            case .heard: silence.heard(now: now)
            case .lost: silence.lost()
            case .disk(let isWaited): waitsForDisk = isWaited
            case .asks: if silence.asked(now: now, waitsForDisk: { waitsForDisk }) { killedAt.append(second) }
            case .looks(let isMissed, let late):
                if late > 0 { #expect(silence.lookAgain == now - .milliseconds(Int(late * 1000))) }
                if silence.looked(now: now, waitsForDisk: { waitsForDisk }, isMissed: { isMissed }) { killedAt.append(second) }
            }
        }
        #expect(killedAt == row.killedAt)
    }
}
