import APIClient
import Linux
import Resources
import Timing
import Traffic

/// The listening sockets: opens and closes them as routes come and go, and hands what they accept to the dataplane.
///
/// A copy of each is left in the descriptor store, so that a restarted proxy goes on with its backlog and refuses nobody.
final class Entrances {
    /// Connections taken from one listener in one turn.
    static let acceptLimit = 64
    /// Connections that may fail in one turn before it is taken for a failure of the listener.
    static let failureLimit = 16
    /// How long accepting rests when descriptors run out, or nothing but failures come.
    static let shortagePause = Duration.milliseconds(100)
    /// Between two attempts to open a port that is taken or not allowed; doubled up to the last.
    static let firstRetry = Duration.milliseconds(200)
    static let longestRetry = Duration.seconds(10)
    /// How long a listener waits for a route that another proxy beside this one may know already.
    static let unwantedPatience = Duration.seconds(10)

    private final class Listener {
        let fd: Int32
        let address: SocketAddress
        let text: String
        var backend: RouteTable.BackendName
        var watch: EventLoop.Watch?
        init(fd: Int32, address: SocketAddress, backend: RouteTable.BackendName) {
            self.fd = fd
            self.address = address
            text = "\(address)"
            self.backend = backend
        }
    }

    private struct Refused {
        var route: RouteTable.Route
        var pause: Duration
        var error: LinuxError
        /// Somebody was told of this error.
        var isTold: Bool
        var timer: EventLoop.Timer?
    }

    private let plane: Dataplane
    private let exposed: IPv4Address
    private let store: any DescriptorStore
    private var listeners: [RouteTable.Entrance: Listener] = [:]
    private var refused: [RouteTable.Entrance: Refused] = [:]
    /// What is open in place of ports that this user has no right to: pods' connections are led there.
    private var standIns: [RouteTable.Entrance: Listener] = [:]
    /// What an earlier process of this proxy left, by name; what no route wants is given up when the first table comes.
    private var kept: [String: Int32] = [:]
    private var hasTable = false
    /// False for good once others accept in this one's place: nothing is opened any more, only closed.
    private(set) var isAccepting = true
    /// A port could not be opened; called once for each error, and again when another error comes.
    var onRefusal: (RouteTable.Route, SocketAddress, LinuxError) -> Void = { _, _, _ in }
    /// A port that was refused before is open now; and whether anybody was told that it was refused.
    var onRecovery: (_ route: RouteTable.Route, _ address: SocketAddress, _ wasTold: Bool) -> Void = { _, _, _ in }

    init(plane: Dataplane, exposed: IPv4Address, store: any DescriptorStore) {
        self.plane = plane
        self.exposed = exposed
        self.store = store
        for (name, descriptor) in store.fetchAll() {
            if let double = kept.updateValue(descriptor, forKey: name) { Sockets.close(double) }
        }
    }

    /// Where an entrance listens.
    func address(_ entrance: RouteTable.Entrance) -> SocketAddress {
        switch entrance.place {
        case .clusterIP(let host): .ipv4(IPv4Address(bits: host), port: entrance.port)
        case .exposed: .ipv4(exposed, port: entrance.port)
        }
    }

    func isOpen(_ entrance: RouteTable.Entrance) -> Bool { listeners[entrance] != nil }

    /// Where pods' connections to an entrance are led that is not open itself; nil where it is, or nothing is.
    func standIn(_ entrance: RouteTable.Entrance) -> String? { standIns[entrance]?.text }

    /// What is open, for tests and status.
    var openAddresses: [String] { (listeners.values.map(\.text) + standIns.values.map(\.text)).sorted() }

    /// Opens what is new, closes what is gone, keeps the rest. BEFORE this the dataplane must have the table.
    func apply(_ routes: [RouteTable.Route]) {
        var wanted: [RouteTable.Entrance: RouteTable.BackendName] = [:]
        for route in routes { wanted[route.entrance] = route.backend }
        for (entrance, listener) in listeners.sorted(by: { $0.key < $1.key }) {
            if let backend = wanted[entrance] { listener.backend = backend } else { close(entrance, listener) }
        }
        for (entrance, listener) in standIns.sorted(by: { $0.key < $1.key }) {
            if let backend = wanted[entrance] { listener.backend = backend } else { closeStandIn(entrance) }
        }
        for (entrance, entry) in refused where wanted[entrance] == nil {
            entry.timer?.cancel()
            refused[entrance] = nil
        }
        for route in routes where isAccepting && listeners[route.entrance] == nil {
            if refused[route.entrance] != nil { refused[route.entrance]?.route = route } else { open(route) }
        }
        for (name, descriptor) in kept.sorted(by: { $0.key < $1.key }) {
            store.remove(name)
            Sockets.close(descriptor)
        }
        kept = [:]
        hasTable = true
    }

    private func open(_ route: RouteTable.Route) {
        let address = address(route.entrance)
        let name = "listener:\(address)"
        do throws(LinuxError) {
            let fd: Int32
            if let present = takeKept(name) {
                fd = present
            } else {
                fd = try Sockets.listen(tcp: address)
                store.store(name, fd)
            }
            let listener = Listener(fd: fd, address: address, backend: route.backend)
            try watch(listener)
            listeners[route.entrance] = listener
            closeStandIn(route.entrance)
            if let before = refused.removeValue(forKey: route.entrance) { onRecovery(route, address, before.isTold) }
        } catch {
            if Self.isDenied(error) { openStandIn(route) }
            let before = refused[route.entrance]
            // Perhaps by another proxy, which shares it; a program of somebody else's has it the next time as well.
            let isTaken = error.errno == Self.taken
            if isTaken { store.want(name) }
            let isKnown = before?.error.errno == error.errno
            let isTold = !isTaken || isKnown
            let pause = before.map { min($0.pause * 2, Self.longestRetry) } ?? Self.firstRetry
            let timer = plane.loop.schedule(after: pause) { [weak self] in
                guard let self, let route = refused[route.entrance]?.route else { return }
                open(route)
            }
            refused[route.entrance] = Refused(route: route, pause: pause, error: error, isTold: isTold, timer: timer)
            if isTold, !isKnown || before?.isTold == false { onRefusal(route, address, error) }
        }
    }

    /// EADDRINUSE.
    private static let taken: Int32 = 98
    /// EINVAL of accept(2).
    private static let notListening: Int32 = 22

    /// EACCES: a port below 1024.
    private static func isDenied(_ error: LinuxError) -> Bool { error.errno == 13 }

    /// Opens the port in place of one that is denied. One that is taken as well is tried again with the other.
    private func openStandIn(_ route: RouteTable.Route) {
        guard standIns[route.entrance] == nil, case .clusterIP(let host) = route.entrance.place,
            let port = InstanceAddresses.standIn(for: route.entrance.port)
        else { return }
        let address = SocketAddress.ipv4(IPv4Address(bits: host), port: port)
        let name = "listener:\(address)"
        let present = takeKept(name)
        guard let fd = present ?? (try? Sockets.listen(tcp: address)) else { return store.want(name) }
        if present == nil { store.store(name, fd) }
        let listener = Listener(fd: fd, address: address, backend: route.backend)
        guard (try? watch(listener)) != nil else {
            store.remove(name)
            return Sockets.close(fd)
        }
        standIns[route.entrance] = listener
    }

    private func closeStandIn(_ entrance: RouteTable.Entrance) {
        guard let listener = standIns.removeValue(forKey: entrance) else { return }
        end(listener)
    }

    private func isServed(_ listener: Listener) -> Bool {
        listeners.values.contains { $0 === listener } || standIns.values.contains { $0 === listener }
    }

    /// A listener that another proxy beside this one has opened: this one accepts on it as well, or will once a route wants it.
    ///
    /// What no route has wanted for a while, after a table was there, is given up: nobody would accept on it.
    func take(shared descriptor: Int32, named name: String) {
        guard isAccepting, name.hasPrefix("listener:"), !openAddresses.contains(where: { "listener:\($0)" == name }) else {
            return Sockets.close(descriptor)
        }
        store.isStored(name, descriptor)
        if let double = kept.updateValue(descriptor, forKey: name) { Sockets.close(double) }
        for (entrance, entry) in refused.sorted(by: { $0.key < $1.key }) {
            if "listener:\(address(entrance))" == name {
                entry.timer?.cancel()
                open(entry.route)
            } else if Self.isDenied(entry.error) {
                openStandIn(entry.route)
            }
        }
        guard kept[name] != nil, hasTable else { return }
        plane.loop.schedule(after: Self.unwantedPatience) { [weak self] in
            guard let self, let descriptor = kept.removeValue(forKey: name) else { return }
            store.remove(name)
            Sockets.close(descriptor)
        }
    }

    /// What is kept or shared under this name; nil also where a proxy beside this one has given it up since.
    private func takeKept(_ name: String) -> Int32? {
        guard let descriptor = kept.removeValue(forKey: name) else { return nil }
        if Sockets.isListening(descriptor) { return descriptor }
        Sockets.close(descriptor)
        return nil
    }

    /// A proxy beside this one has given the listener up, for all that share it. Where a route still wants it, that one has seen another table, and
    /// the address is opened anew.
    private func openAnew(_ listener: Listener) {
        listener.watch?.cancel()
        Sockets.close(listener.fd)
        store.remove("listener:\(listener.text)")
        if let entrance = listeners.first(where: { $0.value === listener })?.key {
            listeners[entrance] = nil
            open(RouteTable.Route(entrance, listener.backend))
        } else if let entrance = standIns.first(where: { $0.value === listener })?.key {
            standIns[entrance] = nil
            openStandIn(RouteTable.Route(entrance, listener.backend))
        }
    }

    /// What was kept or is shared under this name and no route can want; the caller's from now on.
    func release(_ name: String) -> Int32? { kept.removeValue(forKey: name) }

    private func close(_ entrance: RouteTable.Entrance, _ listener: Listener) {
        listeners[entrance] = nil
        end(listener)
    }

    private func end(_ listener: Listener) {
        listener.watch?.cancel()
        // Copies of it may live on a while, in roles that are held up.
        Sockets.endListening(listener.fd)
        Sockets.close(listener.fd)
        store.remove("listener:\(listener.text)")
    }

    private func watch(_ listener: Listener) throws(LinuxError) {
        // What it accepts has it from it.
        Sockets.setNoDelay(listener.fd)
        listener.watch = try plane.loop.watch(listener.fd, [.read, .exclusive]) { [unowned self, unowned listener] _ in accept(listener) }
    }

    private func accept(_ listener: Listener) {
        var failureCount = 0
        for _ in 0..<Self.acceptLimit {
            guard plane.makeRoom() else {
                plane.counts.shortageCount += 1
                return pauseAccepting(listener)
            }
            do throws(LinuxError) {
                guard let (fd, peer) = try Sockets.accept(listener.fd) else { return }
                plane.counts.acceptedCount += 1
                let backend = plane.backend(listener.backend)
                let rules = backend.map { plane.router.protocolRules($0) } ?? ProtocolRules()
                // A client of HTTP mostly brings its request along.
                let isPlain = !rules.expectsProxyHeader && backend.map { plane.bringsRequest($0) } == true
                let channel = try ByteChannel(loop: plane.loop, fd: fd, spares: plane.spares, isHeeded: !isPlain)
                // Only who is told of it needs to know which of the machine's addresses it was.
                let isAsked = rules.sendsProxyHeader && listener.address.isWildcard
                let local = isAsked ? (try? Sockets.localAddress(fd)) ?? listener.address : listener.address
                let origin = ClientOrigin(source: peer, destination: local)
                if rules.expectsProxyHeader {
                    _ = ProxyGreeting(channel, origin, entrance: listener.text, backend: listener.backend, plane: plane)
                } else {
                    plane.serve(channel, origin, entrance: listener.text, listener.backend, backend)
                    if isPlain { channel.owner?.channelIsReady(channel) }
                }
            } catch {
                if error.errno == Self.notListening { return openAnew(listener) }
                let isShortage = Sockets.isShortage(error)
                failureCount += 1
                // What is wrong with one connection is no matter of those behind it.
                if !isShortage, failureCount < Self.failureLimit { continue }
                // Out of descriptors: the listener would report the same connection for ever, as it would any failure that lasts.
                if isShortage { plane.counts.shortageCount += 1 }
                return pauseAccepting(listener)
            }
        }
    }

    private func pauseAccepting(_ listener: Listener) {
        listener.watch?.cancel()
        plane.loop.schedule(after: Self.shortagePause) { [weak self, weak listener] in
            guard let self, let listener, isAccepting, isServed(listener) else { return }
            do throws(LinuxError) { try watch(listener) } catch { pauseAccepting(listener) }
        }
    }

    /// Accepts and opens nothing more, whatever routes come; the sockets and their copies stay, so that what waits in a backlog is served by the
    /// next process.
    func stopAccepting() {
        isAccepting = false
        for listener in listeners.values { listener.watch?.cancel() }
        for listener in standIns.values { listener.watch?.cancel() }
        for entry in refused.values { entry.timer?.cancel() }
        refused = [:]
    }

    /// Closes every listener and forgets the copies.
    func closeAll() {
        stopAccepting()
        for (entrance, listener) in listeners.sorted(by: { $0.key < $1.key }) { close(entrance, listener) }
        for entrance in standIns.keys.sorted() { closeStandIn(entrance) }
    }
}
