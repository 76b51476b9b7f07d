import Resources
import Timing
import Traffic

/// What clients lose, reckoned as rate times time: no request is simulated.
///
/// A Service that nobody serves loses what arrives, but for the last moments of the outage: that waits in the proxy and is answered. What dies takes
/// the share of requests with it that it held just then, as far as they may not be sent again. What hangs holds as many as the router gives to one
/// that never answers. All of it as `Traffic` decides it for real requests.
final class LossMeter: Check {
    let name = "losses by rate and time"

    private unowned let world: World
    private let count: ReadyCount
    /// Requests a second to each backend.
    private var rate = 0.0
    private var backends: [RouteTable.BackendName] = []
    /// Requests so far.
    private(set) var lost = 0.0
    private var outages: [RouteTable.BackendName: Outage] = [:]
    private var deploymentOutages: [ObjectKey: Instant] = [:]
    /// In the order in which they were noticed: sums of fractions depend on their order.
    private var hung: [Hold] = []
    private var stopped: Set<ObjectIdentifier> = []
    private var isMeasuring = false

    private struct Outage {
        var since: Instant
        /// What arrives so long before the end of it is answered after it.
        var patience: Duration
    }

    private struct Hold {
        var process: ObjectIdentifier
        var count: Double
        var since: Instant
        /// When it could be chosen last.
        var seenAt: Instant
    }

    init(world: World, count: ReadyCount) {
        self.world = world
        self.count = count
    }

    /// From here on it counts.
    func begin() {
        // Where nobody sends it is time that counts.
        backends = world.scenario.requestsPerSecond > 0 ? world.backends : []
        let total = max(1, world.scenario.requestsPerSecond)
        rate = total / Double(max(1, backends.isEmpty ? count.baseline.count : backends.count))
        isMeasuring = true
    }

    private var serviceTime: Double {
        let range = world.scenario.standardProgram.serviceTime
        return (range.lowerBound.inSeconds + range.upperBound.inSeconds) / 2
    }

    // MARK: What is seen

    func look() {
        guard isMeasuring else { return }
        if backends.isEmpty { return lookAtDeployments() }
        let proxies = world.host.proxies.sorted { $0.key < $1.key }.map(\.value).filter { $0.isRouting && !$0.life.isPaused }
        // While no proxy runs, what arrives waits for the next one.
        guard !proxies.isEmpty else { return }
        for backend in backends {
            var working = 0
            var hanging: [SimulatedProcess] = []
            for address in Set(proxies.flatMap { $0.candidates(of: backend) }).sorted() {
                guard let process = world.host.listener(at: address.host, port: address.port), process.isListening else { continue }
                if process.isHung { hanging.append(process) } else { working += 1 }
            }
            for process in hanging where working > 0 { hold(process, working) }
            set(backend, isServed: working > 0, patience: hanging.isEmpty ? ExchangeAttempts.waitLimit : .zero)
        }
    }

    private func set(_ backend: RouteTable.BackendName, isServed: Bool, patience: Duration) {
        if !isServed {
            if outages[backend] == nil { outages[backend] = Outage(since: world.now, patience: patience) }
        } else if let outage = outages.removeValue(forKey: backend) {
            lost += rate * max(0, (world.now - outage.since - outage.patience).inSeconds)
        }
    }

    /// Without a Service nobody sends: what counts is the time with nobody there.
    private func lookAtDeployments() {
        for (key, wanted) in count.baseline.sorted(by: { $0.key < $1.key }) where wanted > 0 {
            let isServed = (count.curves[key]?.steps.last?.ready ?? 0) > 0
            if !isServed {
                if deploymentOutages[key] == nil { deploymentOutages[key] = world.now }
            } else if let since = deploymentOutages.removeValue(forKey: key) {
                lost += rate * (world.now - since).inSeconds
            }
        }
    }

    /// The router prefers who has fewest open, so one that never answers gets one more than each of the others has, and as many again whenever
    /// clients give up.
    private func hold(_ process: SimulatedProcess, _ working: Int) {
        let id = ObjectIdentifier(process)
        guard let index = hung.firstIndex(where: { $0.process == id }) else {
            let count = 1 + rate * serviceTime / Double(working)
            return hung.append(Hold(process: id, count: count, since: world.now, seenAt: world.now))
        }
        hung[index].seenAt = world.now
        guard world.now - hung[index].since >= Clients.patience else { return }
        lost += hung[index].count
        hung[index].since = world.now
    }

    func observe(_ observation: Observation, in world: World) {
        switch observation {
        case .signalled(let process, _, _, _): stopped.insert(ObjectIdentifier(process))
        case .ended(let process, _): ended(process)
        default: break
        }
    }

    private func ended(_ process: SimulatedProcess) {
        let id = ObjectIdentifier(process)
        let isStopped = stopped.remove(id) != nil
        if let index = hung.firstIndex(where: { $0.process == id }) {
            lost += hung.remove(at: index).count * (1 - Clients.idempotentShare)
        } else if isMeasuring, !isStopped, !process.isHung {
            for backend in backends {
                for proxy in world.host.proxies.values {
                    let candidates = proxy.candidates(of: backend)
                    guard candidates.contains(where: { $0.host == process.address }) else { continue }
                    let share = rate / Double(world.host.proxies.count) / Double(candidates.count)
                    lost += share * serviceTime * (1 - Clients.idempotentShare)
                }
            }
        }
    }

    /// A proxy takes everything with it that it had accepted.
    func proxyDies() {
        guard isMeasuring, !world.host.proxies.isEmpty else { return }
        lost += rate * Double(backends.count) * serviceTime / Double(world.host.proxies.count)
    }

    // MARK: What is not simulated

    /// Whether anything is lost as time goes by.
    var isLosing: Bool { !outages.isEmpty || !deploymentOutages.isEmpty || !hung.isEmpty }

    /// All stays as it is for so long.
    func skip(_ length: Duration) {
        outages = outages.mapValues { Outage(since: $0.since - length, patience: $0.patience) }
        deploymentOutages = deploymentOutages.mapValues { $0 - length }
        let rounds = (length.inSeconds / Clients.patience.inSeconds).rounded(.down)
        for held in hung where held.seenAt == world.now { lost += held.count * rounds }
    }

    /// Closes what is open at the end.
    func end() {
        for backend in backends { set(backend, isServed: true, patience: .zero) }
        for (_, since) in deploymentOutages.sorted(by: { $0.key < $1.key }) { lost += rate * (world.now - since).inSeconds }
        deploymentOutages = [:]
        hung = []
    }
}

extension SimulatedProxy {
    /// Who may be chosen for a request to the backend: the ready ones, and where there is none those that are on their way out.
    func candidates(of backend: RouteTable.BackendName) -> [EndpointAddress] {
        guard let endpoints = router.table.backends.first(where: { $0.name == backend })?.endpoints else { return [] }
        let ready = endpoints.filter { $0.standing == .ready }
        return (ready.isEmpty ? endpoints.filter { $0.standing == .terminating } : ready).map(\.address)
    }
}
