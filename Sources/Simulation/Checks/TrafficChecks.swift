import Resources
import Timing
import Traffic

/// No request goes to an endpoint after its drain was acknowledged, nor could one: no proxy that runs leads there.
final class DrainedTraffic: Check {
    let name = "no request after the drain"
    private var drained: [UInt32: String] = [:]

    func observe(_ observation: Observation, in world: World) {
        switch observation {
        case .drained(let pod):
            guard let address = pod.address else { return }
            drained[address] = pod.key.name
            for (proxyName, proxy) in world.host.proxies.sorted(by: { $0.key < $1.key }) where proxy.routes(to: address) {
                world.violate(name, "\(pod.key.name) at \(EndpointAddress.text(address)) counts as drained while \(proxyName) routes there")
            }
        case .addressTaken(let address, _): drained[address] = nil
        case .routed(_, let address, let proxy):
            if let pod = drained[address.host] { world.violate(name, "\(proxy.name) sends a request to \(pod) at \(address)") }
        default: break
        }
    }
}

/// No address is given out again while a proxy may still send there what was meant for its last pod.
final class AddressReuse: Check {
    let name = "no address is reused too early"
    private var taken: Set<UInt32> = []

    func observe(_ observation: Observation, in world: World) {
        guard case .addressTaken(let address, let uid) = observation else { return }
        if !taken.insert(address).inserted { world.sometimes(.addressReused) }
        for (proxyName, proxy) in world.host.proxies.sorted(by: { $0.key < $1.key }) where proxy.routes(to: address) {
            world.violate(name, "\(EndpointAddress.text(address)) is given to pod \(uid) while \(proxyName) routes there")
        }
    }
}

/// A proxy turns nobody away while an endpoint serves that its table calls ready.
final class RoutableRequests: Check {
    let name = "nobody is turned away while an endpoint serves"

    func observe(_ observation: Observation, in world: World) {
        guard case .refusedByProxy(let request, let failure, let proxy) = observation,
            failure == .noReadyEndpoint || failure == .connectFailed
        else { return }
        let since = world.now - ExchangeAttempts.waitLimit - .milliseconds(200)
        for address in proxy.readyAddresses {
            guard let process = world.host.listener(at: address.host, port: address.port), process.isListening, !process.isStopping,
                let listeningSince = process.listeningSince, listeningSince < since, proxy.hasRouted(to: address, since: since)
            else { continue }
            return world.violate(name, "request \(request.number) is refused (\(failure.rawValue)) while \(process.name) serves")
        }
    }
}

/// What is planned loses no request: checked where nothing else could have.
final class PlannedActions: Check {
    let name = "no planned action loses a request"
    /// Requests that were sent before may have met a fault.
    private var since: Instant?

    func observe(_ observation: Observation, in world: World) {
        switch observation {
        case .settled: since = since ?? world.now
        case .requestLost(let request, let why):
            if let since, request.sentAt >= since { world.violate(name, "request \(request.number) to \(request.backend) is lost: \(why)") }
        default: break
        }
    }
}
