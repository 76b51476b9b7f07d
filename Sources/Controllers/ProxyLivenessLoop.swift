import APIClient
import Formats
import Linux
import Reconciling
import Resources
import Timing

/// Deletes the status of proxies that no longer renew their lease: agents wait for the word of every proxy that has one.
final class ProxyLivenessLoop {
    static let leaseNamespace = "steady-system"
    static let defaultPeriod: Duration = .seconds(10)

    private let api: any ResourceAPI
    private let mirror: ClusterMirror
    private var watch: LeaseWatch

    init(api: any ResourceAPI, mirror: ClusterMirror) {
        self.api = api
        self.mirror = mirror
        watch = LeaseWatch(now: api.loop.now)
        mirror.leases.onChange { [unowned self] key, _, new in
            guard key.namespace == Self.leaseNamespace, let new else { return }
            observe(new)
        }
    }

    func open() {
        for lease in mirror.leases.views.values where lease.meta.namespace == Self.leaseNamespace { observe(lease) }
        tick()
    }

    private func observe(_ lease: Lease) {
        watch.observe(
            lease.meta.name, mark: "\(lease.holder) \(lease.renewTime?.nanosecondsSince1970 ?? 0)",
            period: lease.duration > .zero ? lease.duration : Self.defaultPeriod, now: api.loop.now)
    }

    private func tick() {
        api.perform(LeaseWatch.question) { [weak self] answer in
            guard let self else { return }
            if LeaseWatch.ticks(after: answer) { judge(now: api.loop.now) }
            _ = api.loop.schedule(after: LeaseWatch.tickPeriod) { [unowned self] in tick() }
        }
    }

    private func judge(now: Instant) {
        for key in mirror.proxies.views.keys.sorted() { watch.expect(key.name, period: Self.defaultPeriod, now: now) }
        for name in watch.tick(now: now) {
            if let proxy = mirror.proxies[ObjectKey(.proxyStatuses, name: name)] {
                api.perform(Change.delete(proxy.meta.key(.proxyStatuses), uid: proxy.meta.uid).request) { _ in }
            } else {
                watch.forget(name)
            }
        }
    }
}
