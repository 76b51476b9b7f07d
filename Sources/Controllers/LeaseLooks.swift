import APIClient
import Linux
import Reconciling
import Timing

/// Looks at leases again and again, as `LeaseWatch` has it: each time the store is asked first, and an answer that tells nothing lets nobody be judged.
final class LeaseLooks {
    private let api: any ResourceAPI
    private let judge: (Instant) -> Void

    init(_ api: any ResourceAPI, judge: @escaping (Instant) -> Void) {
        self.api = api
        self.judge = judge
    }

    /// Call it once.
    func begin() { look() }

    private func look() {
        api.perform(LeaseWatch.question) { [weak self] answer in
            guard let self else { return }
            if LeaseWatch.ticks(after: answer) { judge(api.loop.now) }
            api.loop.schedule(after: LeaseWatch.tickPeriod) { [weak self] in self?.look() }
        }
    }
}
