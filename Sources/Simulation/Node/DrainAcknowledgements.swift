import Resources

/// What the proxies have acknowledged: decides, as the agent does, when a withdrawn pod gets no traffic any more.
final class DrainAcknowledgements {
    private struct Waiting {
        var address: String
        var revision: Revision
        var untilIdle: Bool
        var done: () -> Void
    }

    private let proxyCount: Int
    private let cache: FollowedObjects
    private var statuses: [ObjectKey: ProxyStatus] = [:]
    private var waiting: [Waiting] = []

    init(_ api: any SimulatedAPI, proxyCount: Int) {
        self.proxyCount = proxyCount
        cache = FollowedObjects(api, ListRequest(.proxyStatuses))
    }

    func start(onSynced: @escaping () -> Void) {
        cache.start(
            onChange: { [unowned self] key, _, new in
                statuses[key] = new.map { ProxyStatus($0) }
                settle()
            }, onSynced: onSynced)
    }

    /// The lowest revision that any proxy routes by, zero while one is silent; nil without proxies.
    var acknowledged: Revision? { statuses.count < proxyCount ? .zero : statuses.values.map(\.routeRevision).min() }

    func wait(for address: String, from revision: Revision, untilIdle: Bool, _ done: @escaping () -> Void) {
        waiting.append(Waiting(address: address + ":", revision: revision, untilIdle: untilIdle, done: done))
        settle()
    }

    private func settle() {
        let satisfied = waiting.filter(isSatisfied)
        waiting.removeAll(where: isSatisfied)
        for entry in satisfied { entry.done() }
    }

    private func isSatisfied(_ entry: Waiting) -> Bool {
        if entry.revision == .zero { return true }
        guard statuses.count >= proxyCount else { return false }
        return statuses.values.allSatisfy { status in
            status.routeRevision >= entry.revision
                && !(entry.untilIdle && status.activeExchanges.contains { $0.key.hasPrefix(entry.address) && $0.value > 0 })
        }
    }
}
