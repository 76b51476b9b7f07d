import Timing
import Wire

/// The memory of exchanges that are over, for those that begin.
final class SpareExchanges {
    /// How many are kept, each with one typical request: 1 MB at most.
    static let limit = 256

    private var spares: [Exchange] = []
    /// Of requests, and of their responses.
    var headRoom = HeadRoom()

    func begin(_ head: RequestHead, marks: RequestMarks, now: Instant) -> Exchange {
        // Who still looks at one that is over would see another in its place.
        guard var spare = spares.popLast(), isKnownUniquelyReferenced(&spare) else { return Exchange(head, marks: marks, now: now) }
        spare.begin(head, marks, now)
        return spare
    }

    /// AFTER everything about it was told and counted: it is empty from here on.
    func end(_ exchange: Exchange) {
        exchange.clear(&headRoom)
        if spares.count < Self.limit { spares.append(exchange) }
    }
}
