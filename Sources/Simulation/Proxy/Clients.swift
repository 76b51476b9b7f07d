import Formats
import Resources
import Timing
import Traffic
import Wire

/// One request of a client, until it is answered or lost.
final class ClientRequest {
    let number: Int
    let backend: RouteTable.BackendName
    let client: UInt32
    let isIdempotent: Bool
    let sentAt: Instant
    private unowned let clients: Clients
    private(set) var isOver = false
    /// Who carries it now.
    weak var carrier: SimulatedExchange?
    /// What its client was given to find its endpoint again.
    let token: SessionToken?
    let head: RequestHead

    init(
        _ clients: Clients, number: Int, backend: RouteTable.BackendName, client: UInt32, isIdempotent: Bool, sentAt: Instant,
        token: SessionToken?
    ) {
        self.token = token
        head = RequestHead(
            method: isIdempotent ? "GET" : "POST", target: "/", headers: token.map { HTTPHeaders([$0.field]) } ?? HTTPHeaders())
        self.clients = clients
        self.number = number
        self.backend = backend
        self.client = client
        self.isIdempotent = isIdempotent
        self.sentAt = sentAt
    }

    func keep(_ token: SessionToken) { clients.keep(token, for: self) }

    func served() {
        guard !isOver else { return }
        isOver = true
        clients.served(self)
    }

    func failed(_ why: String) {
        guard !isOver else { return }
        isOver = true
        clients.lost(self, why)
    }
}

/// What a client sends with its requests, because it was told to, and whom that names.
struct SessionToken {
    let field: (name: String, value: String)
    let address: EndpointAddress
    let pod: String

    /// - Parameter field: of the response that brings it.
    init(field: (name: String, value: String), address: EndpointAddress, pod: String) {
        self.address = address
        self.pod = pod
        guard field.name == "Set-Cookie" else {
            self.field = field
            return
        }
        self.field = ("Cookie", String(field.value.prefix { $0 != ";" }))
    }
}

/// Who sends requests to Services, at a steady rate, and what became of them.
final class Clients {
    /// What a client waits for an answer.
    static let patience: Duration = .seconds(30)
    /// Of their requests so many may be sent again by whoever carries them (GET and the like).
    static let idempotentShare = 0.8

    private unowned let world: World
    private var nextNumber = 0
    private var backlog: [ClientRequest] = []
    private var backends: [RouteTable.BackendName] = []
    private var isSending = false
    /// What was told to a client by a Service.
    private var tokens: [RouteTable.BackendName: [UInt32: SessionToken]] = [:]
    /// Where clients are that live in the instance: the nodes' ranges; empty where it is all the same.
    private var homes: [AddressRange] = []
    private(set) var open: [Int: ClientRequest] = [:]

    init(world: World) { self.world = world }

    /// Begins to send to these, until `stop`.
    func start(to backends: [RouteTable.BackendName]) {
        self.backends = backends
        guard !isSending, !backends.isEmpty, world.scenario.requestsPerSecond > 0 else { return }
        isSending = true
        if world.scenario.asksForNearness {
            homes = (world.host.server?.store.registry.list(ListRequest(.nodes)).items ?? []).compactMap { AddressRange(Node($0).podCIDR) }
        }
        sendNext()
    }

    func stop() { isSending = false }

    /// Evenly spread with a little disorder: as long as the rate says, on average.
    private func sendNext() {
        let mean = Duration.nanoseconds(Int64(1e9 / world.scenario.requestsPerSecond))
        world.schedule(after: world.length(mean / 2...mean * 3 / 2), for: nil) { [self] in
            guard isSending else { return }
            send()
            sendNext()
        }
    }

    private func send() {
        nextNumber += 1
        let backend = backends[nextNumber % backends.count]
        let client = address(of: UInt32(world.number(1...50)))
        let request = ClientRequest(
            self, number: nextNumber, backend: backend, client: client, isIdempotent: world.chance(Self.idempotentShare), sentAt: world.now,
            token: tokens[backend]?[client])
        open[request.number] = request
        world.tally.sentCount += 1
        offer(request)
        world.schedule(after: Self.patience, for: nil) {
            guard !request.isOver else { return }
            request.failed("timed out")
            request.carrier?.abandoned()
        }
    }

    private func address(of client: UInt32) -> UInt32 {
        homes.isEmpty ? client : homes[Int(client) % homes.count].first + 200 + client
    }

    func keep(_ token: SessionToken, for request: ClientRequest) { tokens[request.backend, default: [:]][request.client] = token }

    /// The listener is shared: whoever runs takes it; while nobody does, it waits.
    private func offer(_ request: ClientRequest) {
        let ready = world.host.proxies.sorted { $0.key < $1.key }.map(\.value).filter {
            !$0.life.isPaused && $0.isRouting && !world.host.retiredProxies.contains($0.name)
        }
        guard let proxy = world.pick(ready) else {
            backlog.append(request)
            return
        }
        world.later(for: proxy.life) { proxy.carry(request) }
    }

    /// A proxy runs again, and has a table: it takes what waits.
    func proxyStarted() {
        world.schedule(after: .milliseconds(5), for: nil) { [self] in
            guard !backlog.isEmpty else { return }
            let all = backlog
            backlog = []
            for request in all where !request.isOver { offer(request) }
            if !backlog.isEmpty { proxyStarted() }
        }
    }

    func served(_ request: ClientRequest) {
        open[request.number] = nil
        world.tally.served(after: world.now - request.sentAt)
        world.history.count(UInt64(request.number))
        world.observe(.requestServed(request))
    }

    func lost(_ request: ClientRequest, _ why: String) {
        open[request.number] = nil
        world.tally.lost(why, at: world.now)
        world.note("client", "request \(request.number) to \(request.backend) is lost: \(why)")
        world.observe(.requestLost(request, why))
    }
}

extension World {
    /// Every port of every Service: where clients can send to.
    var backends: [RouteTable.BackendName] {
        var backends: [RouteTable.BackendName] = []
        for object in host.server?.store.registry.list(ListRequest(.services)).items ?? [] {
            let metadata = object["metadata"]
            let service = RouteTable.ServiceName(metadata["namespace"].string ?? "", metadata["name"].string ?? "")
            for port in object["spec"]["ports"].elements {
                if let number = port["port"].int.flatMap(UInt16.init(exactly:)) { backends.append(.init(service, port: number)) }
            }
        }
        return backends
    }
}
