import Resources
import Timing

/// One role's connections to the server: requests and watches that take time, break, and hear nothing while the network is cut.
///
/// Connections are TCP's: in one of them nothing is lost or overtaken without the whole connection breaking.
final class Link: SimulatedAPI {
    unowned let world: World
    let life: Life
    let client: String
    /// How long the server serves one watch.
    private static let watchTime: ClosedRange<Duration> = .seconds(20)...(.seconds(300))

    private var nextCall = 0
    private var open: [Int: (Result<Reply, StatusError>) -> Void] = [:]
    private var streams: [Int: Stream] = [:]

    /// One watch, seen from the client.
    private final class Stream {
        let list: ListRequest
        let onSignal: (WatchSignal) -> Void
        /// What is sent later does not arrive earlier.
        var lastArrival = Instant.zero
        var isOver = false
        var atServer: (store: SimulatedStore, id: Int)?
        init(_ list: ListRequest, _ onSignal: @escaping (WatchSignal) -> Void) {
            self.list = list
            self.onSignal = onSignal
        }
    }

    init(world: World, life: Life, client: String) {
        self.world = world
        self.life = life
        self.client = client
        world.host.links.append(self)
    }

    private var delay: Duration {
        let delay = world.length(world.network.delay)
        guard happens(world.network.straggleProbability) else { return delay }
        world.sometimes(.messageOvertaken)
        return delay + world.length(Network.straggleTime)
    }

    private func happens(_ probability: Double) -> Bool { probability > 0 && world.chance(probability) }

    /// Nobody hears of what is lost on the way: the client's own limit ends the wait.
    private var isVanished: Bool {
        guard happens(world.network.vanishProbability) else { return false }
        world.sometimes(.messageLost)
        return true
    }
    private var isLost: Bool { happens(world.network.lossProbability) }

    // MARK: Requests

    func perform(_ request: Request, by writer: Writers.Writer, _ done: @escaping (Result<Reply, StatusError>) -> Void) {
        nextCall += 1
        let call = nextCall
        open[call] = done
        if world.network.cutToServer.contains(client) || isVanished { return giveUp(call, after: Network.timeout) }
        if isLost { return breakCall(call) }
        guard happens(world.network.duplicateProbability) else {
            return deliver(call, request, writer) { [self] result in answer(call, result) }
        }
        world.sometimes(.requestDuplicated)
        deliver(call, request, writer) { [self] _ in
            deliver(call, request, writer) { [self] result in answer(call, result) }
        }
    }

    private func deliver(
        _ call: Int, _ request: Request, _ writer: Writers.Writer, _ done: @escaping (Result<Reply, StatusError>) -> Void
    ) {
        world.schedule(after: delay, for: nil) { [self] in
            guard let server = world.host.server else { return giveUp(call, after: delay) }
            world.later(for: server.life) { server.store.perform(request, by: writer, done) }
        }
    }

    private func answer(_ call: Int, _ result: Result<Reply, StatusError>) {
        if world.network.cutFromServer.contains(client) || isVanished { return giveUp(call, after: Network.timeout) }
        if isLost {
            world.sometimes(.answerLost)
            return breakCall(call)
        }
        world.schedule(after: delay, for: life) { [self] in open.removeValue(forKey: call)?(result) }
    }

    private func breakCall(_ call: Int) { giveUp(call, after: delay) }

    private func giveUp(_ call: Int, after delay: Duration) {
        world.schedule(after: delay, for: life) { [self] in
            open.removeValue(forKey: call)?(.failure(.unavailable("the server did not answer")))
        }
    }

    // MARK: Watches

    func watch(_ list: ListRequest, from: Revision?, _ onSignal: @escaping (WatchSignal) -> Void) {
        nextCall += 1
        let key = nextCall
        let stream = Stream(list, onSignal)
        streams[key] = stream
        if world.network.cutToServer.contains(client) { return end(key, after: Network.timeout) }
        world.schedule(after: delay, for: nil) { [self] in
            guard let server = world.host.server else { return end(key, after: delay) }
            world.later(for: server.life) { [self] in
                guard !stream.isOver else { return }
                let id = server.store.begin(list, from: from, life: life) { [self] signal in send(signal, key, stream) }
                guard let id else { return }
                stream.atServer = (server.store, id)
                // Watches end in good order now and then, and go on where they were.
                world.schedule(after: world.length(Self.watchTime), for: server.life) { [self] in send(.ended(nil), key, stream) }
            }
        }
    }

    private func send(_ signal: WatchSignal, _ key: Int, _ stream: Stream) {
        guard !stream.isOver else { return }
        if life.isOver { return leave(stream) }
        let isSilent = world.network.cutFromServer.contains(client) || isVanished
        if isSilent || isLost {
            world.sometimes(.watchBroken)
            return end(key, after: isSilent ? Network.timeout : delay)
        }
        stream.lastArrival = max(stream.lastArrival, world.now + delay)
        world.schedule(at: stream.lastArrival, for: life) { [self] in
            guard !stream.isOver else { return }
            if case .ended = signal {
                leave(stream)
                streams[key] = nil
            }
            stream.onSignal(signal)
        }
    }

    /// The connection is gone: nothing more of it arrives.
    private func end(_ key: Int, after delay: Duration) {
        guard let stream = streams.removeValue(forKey: key) else { return }
        leave(stream)
        world.schedule(after: delay, for: life) { stream.onSignal(.ended(.unavailable("the connection broke"))) }
    }

    private func leave(_ stream: Stream) {
        stream.isOver = true
        if let (store, id) = stream.atServer, !store.life.isOver { store.endWatch(id, of: stream.list.type) }
        stream.atServer = nil
    }

    /// The server died: what was under way is answered by nobody.
    func serverDied() {
        for call in open.keys.sorted() { breakCall(call) }
        for key in streams.keys.sorted() { end(key, after: delay) }
    }
}
