import APIClient
import Linux
import Resources
import Timing

/// What the proxies have acknowledged: decides when a withdrawn pod gets no traffic any more.
final class DrainWatch {
    private let cache: ObjectCache
    private var statuses: [ObjectKey: ProxyStatus] = [:]
    private var waiting: [Int: Waiting] = [:]
    private var nextKey = 0

    private struct Waiting {
        var address: String
        var revision: Revision
        /// Whether open exchanges are waited for, too.
        var untilIdle: Bool
        var done: () -> Void
    }

    /// How many proxies the instance runs. With fewer reports than that, one is silent, not absent: a server that was restarted has forgotten all
    /// of them, and each proxy routes on from memory until it has written its own again.
    private let proxyCount: Int
    /// Those that may carry traffic, as `up` knows; empty before it has said so. While `up` is away what it said last holds.
    private var live: Set<String> = []

    init(api: any ResourceAPI, proxyCount: Int) {
        self.proxyCount = proxyCount
        cache = ObjectCache(api: api, list: ListRequest(.proxyStatuses))
    }

    func start(onSynced: @escaping () -> Void) {
        cache.start(
            onChange: { [weak self] key, _, new in
                guard let self else { return }
                statuses[key] = new.map { ProxyStatus($0) }
                settle()
            }, onSynced: onSynced)
    }

    func stop() { cache.stop() }

    /// Which proxies have to be heard of. One that is not among them and has a status counts until its lease has run out.
    func expect(_ proxies: Set<String>) {
        live = proxies
        settle()
    }

    private var isEachHeard: Bool { statuses.count >= proxyCount && live.isSubset(of: statuses.keys.lazy.map(\.name)) }

    /// The lowest revision that any proxy routes by, zero while one is silent; nil without proxies.
    var acknowledged: Revision? { isEachHeard ? statuses.values.lazy.map(\.routeRevision).min() : .zero }

    /// Calls `done` once every proxy routes by the revision or a later one and, if asked for, has no exchange with the address.
    func wait(for address: String, from revision: Revision, untilIdle: Bool, _ done: @escaping () -> Void) -> Cancellation {
        let key = nextKey
        nextKey += 1
        waiting[key] = Waiting(address: address + ":", revision: revision, untilIdle: untilIdle, done: done)
        settle()
        return Cancellation { [weak self] in self?.waiting[key] = nil }
    }

    private func settle() {
        for (key, entry) in waiting.sorted(by: { $0.key < $1.key }) where isSatisfied(entry) {
            waiting[key] = nil
            entry.done()
        }
    }

    private func isSatisfied(_ entry: Waiting) -> Bool {
        // No slice has ever listed it: nobody routes there.
        if entry.revision == .zero { return true }
        guard isEachHeard else { return false }
        return statuses.values.allSatisfy { status in
            status.routeRevision >= entry.revision
                && !(entry.untilIdle && status.activeExchanges.contains { $0.key.hasPrefix(entry.address) && $0.value > 0 })
        }
    }
}
