import APIClient
import Formats
import Linux
import Reconciling
import Resources
import Timing

/// Deletes the status of proxies that no longer renew their lease: agents wait for the word of every proxy that has one.
final class ProxyLivenessLoop {
    static let leaseNamespace = "steady-system"

    private let api: any ResourceAPI
    private let mirror: ClusterMirror
    private var watch: LeaseWatch
    private lazy var looks = LeaseLooks(api) { [unowned self] in judge(now: $0) }

    init(api: any ResourceAPI, mirror: ClusterMirror) {
        self.api = api
        self.mirror = mirror
        watch = LeaseWatch(now: api.loop.now)
        mirror.leases.onChange { [unowned self] key, _, new in
            guard key.namespace == Self.leaseNamespace, let new else { return }
            watch.observe(new, now: api.loop.now)
        }
    }

    /// Every lease starts its period now.
    func open() {
        let now = api.loop.now
        for lease in mirror.leases.views.values where lease.meta.namespace == Self.leaseNamespace { watch.observe(lease, now: now) }
        looks.begin()
    }

    private func judge(now: Instant) {
        for key in mirror.proxies.views.keys.sorted() { watch.expect(key.name, now: now) }
        for name in watch.tick(now: now) {
            if let proxy = mirror.proxies[ObjectKey(.proxyStatuses, name: name)] {
                api.perform(Change.delete(proxy.meta.key(.proxyStatuses), uid: proxy.meta.uid).request) { _ in }
            } else {
                watch.forget(name)
            }
        }
    }
}
