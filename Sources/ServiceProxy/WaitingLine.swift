import Timing
import Traffic

/// Requests in line before the gate of a policy that sheds load.
extension HTTPConnection {
    /// Waits until it is let in, or has waited too long.
    func standInLine(_ place: Router.LinePlace, until: Instant, displacing displaced: Router.LinePlace?) {
        exchange?.place = place
        plane.inLine[place] = self
        exchange?.timer = plane.loop.schedule(at: until) { [weak self] in self?.waitedTooLong(at: place) }
        // Not now: it may answer its client, and begin with the next request.
        if let displaced, let other = plane.inLine[displaced] { plane.loop.later { [weak other] in other?.waitedTooLong(at: displaced) } }
    }

    private func waitedTooLong(at place: Router.LinePlace) {
        if exchange?.place == place { fail(.overloaded) }
    }

    /// Its turn has come.
    fileprivate func leavesLine(_ place: Router.LinePlace, with stay: BackendGate.Stay) {
        // Its client may have gone in this very turn.
        guard exchange?.place == place else { return plane.left(stay) }
        exchange?.place = nil
        exchange?.timer?.cancel()
        comeIn(stay)
    }
}

extension Dataplane {
    /// A request is over: the next in line have their turn.
    func left(_ stay: BackendGate.Stay) {
        router.left(stay)
        while let next = router.admitNext(after: stay, now: loop.now) {
            guard let connection = inLine.removeValue(forKey: next.place) else {
                router.left(next.stay)
                continue
            }
            loop.later { connection.leavesLine(next.place, with: next.stay) }
        }
        tellHealthChanges()
    }

    /// It does not wait any longer.
    func leaveLine(_ place: Router.LinePlace) {
        inLine[place] = nil
        router.leaveLine(place)
    }
}
