import APIClient
import Formats
import Linux
import Measuring
import Registry
import Resources
import Storage
import Timing
import Transport
import Wire

/// How a server is to run.
package struct ServerConfiguration: Sendable {
    package var directory: DataDirectory
    /// Where to listen on TCP when `steady up` did not hand over a listener; port 0 takes a free one. Nil: on the Unix socket only.
    package var tcpAddress: SocketAddress?
    package var storage: StorageSettings

    package init(
        directory: DataDirectory, tcpAddress: SocketAddress? = .ipv4(.loopback, port: 0), storage: StorageSettings = StorageSettings()
    ) {
        self.directory = directory
        self.tcpAddress = tcpAddress
        self.storage = storage
    }
}

/// Why a server cannot start, in one sentence with its remedy.
package struct ServerError: Error, Sendable, CustomStringConvertible {
    package let description: String
    init(_ description: String) { self.description = description }
}

/// The server: the store, the API in front of it, and whatever else runs on its loop.
///
/// Order: the store is recovered BEFORE the controllers begin, and they BEFORE the first connection is accepted. Listeners that `up` keeps
/// hold early connections in their backlog meanwhile, so nobody is refused.
package final class ServerRole {
    package let loop: EventLoop
    package let storage: Storage
    package let api: LocalAPI
    /// The address that is served on TCP; nil without one.
    package private(set) var address: SocketAddress?
    private let service: APIService
    private let server: HTTPServer
    private let http: HTTPClient
    private let strangers: Strangers
    /// Answers `/decisions`: the records about an object. Set by whoever runs the controllers.
    package var decisions: (_ kind: String, _ namespace: String, _ name: String) -> [Value] {
        get { service.decisions }
        set { service.decisions = newValue }
    }
    /// The proxies that may carry traffic: `/metrics` has their figures, too.
    package func live(proxies: Set<String>) { service.live(proxies: proxies) }

    /// What to call when the server stops, in the order of registration: controllers, lines to others.
    package var onStop: [() -> Void] = []

    /// The names under which the listeners are kept.
    private static let unixListener = "listener:unix"
    private static let tcpListener = "listener:tcp"

    /// - Parameters:
    ///   - descriptors: who keeps the listeners; what it does not have is opened here.
    ///   - controllers: called once with the API, when the store is recovered.
    package init(
        _ configuration: ServerConfiguration, loop: EventLoop, descriptors: any DescriptorStore,
        controllers: (any ResourceAPI) -> Void = { _ in }
    ) throws(ServerError) {
        self.loop = loop
        let directory = configuration.directory
        do throws(StorageError) {
            storage = try Storage(loop: loop, directory: directory.journal, settings: configuration.storage)
        } catch {
            throw ServerError(error.description)
        }
        api = LocalAPI(storage)
        http = HTTPClient(loop: loop)
        strangers = Strangers(loop: loop)
        let service = APIService(api: api, http: http) { .unix(directory.roleSocket($0)) }
        self.service = service
        server = HTTPServer(loop: loop) { service.handle($0) }
        server.refusalBody = { error in
            (
                "application/json",
                JSON.serialize(Self.refusal(error).value)
            )
        }
        strangers.onRefusal = { [unowned service] in service.countRefusedConnection() }
        let storage = storage
        service.isReady = { !storage.refusesWrites }
        service.appendMetrics = { text in StorageText.append(storage, to: &text) }
        service.sendSnapshot = { _ = SnapshotStream(storage, exchange: $0) }
        controllers(api)
        do throws(LinuxError) {
            try listen(configuration, descriptors)
        } catch {
            throw ServerError("the API cannot listen: \(error)")
        }
    }

    /// A request that could not be read, in Kubernetes' words.
    private static func refusal(_ error: WireError) -> StatusError {
        switch error.status {
        case 408: StatusError(code: 408, reason: "Timeout", message: error.description)
        case 413: StatusError(code: 413, reason: "RequestEntityTooLarge", message: error.description)
        case 429: .overloaded(error.description)
        default: StatusError(code: error.status, reason: "BadRequest", message: error.description)
        }
    }

    /// Serves until `stop`.
    package func run() { loop.run() }

    /// For how long requests that are on their way are still answered.
    private static let endGrace: Duration = .milliseconds(200)
    private var isEnding = false

    /// Answers what comes over the open connections for a moment, each of which it tells to come back on another one, then stops. Who connects
    /// meanwhile waits in the listener for the next server. Asked a second time it stops at once.
    package func end() {
        if isEnding { return stop() }
        isEnding = true
        server.announceEnd()
        loop.schedule(after: Self.endGrace) { [self] in stop() }
    }

    /// Answers what is under way as far as it is decided, ends watches, and closes the store with what was acknowledged.
    package func stop() {
        for body in onStop { body() }
        onStop = []
        server.stopAccepting()
        storage.close()
        http.close()
        server.close()
        loop.stop()
    }

    // MARK: Listeners

    private func listen(_ configuration: ServerConfiguration, _ descriptors: any DescriptorStore) throws(LinuxError) {
        let kept = descriptors.fetchAll()
        let unix: Int32
        if let listener = kept.first(where: { $0.name == Self.unixListener })?.descriptor {
            unix = listener
        } else {
            unix = try Sockets.listen(unix: configuration.directory.apiSocket)
            descriptors.store(Self.unixListener, unix)
        }
        // The socket's permissions keep others out already; this holds where a file system ignores them.
        try server.serve(listener: unix) { descriptor, _ in PeerIdentity.ofUnix(descriptor).identity.isOurs }

        let tcp: Int32
        if let listener = kept.first(where: { $0.name == Self.tcpListener })?.descriptor {
            tcp = listener
        } else if let wanted = configuration.tcpAddress {
            tcp = try Sockets.listen(tcp: wanted)
            descriptors.store(Self.tcpListener, tcp)
        } else {
            return
        }
        let address = try Sockets.localAddress(tcp)
        self.address = address
        service.gatekeeper = Gatekeeper(servedAddress: address.description)
        try Files.replace(configuration.directory.apiAddressFile, with: "\(address)\n".utf8)
        try server.serve(listener: tcp) { [strangers] descriptor, _ in
            if PeerIdentity.ofTCP(descriptor).isOurs { return true }
            strangers.refuse(descriptor)
            return false
        }
    }
}

/// The store's figures for `/metrics`.
private enum StorageText {
    static func append(_ storage: Storage, to text: inout PrometheusText) {
        var objects = GaugeFamily("steady_store_objects", "Objects in the store, by resource.")
        for (type, count) in storage.registry.objectCounts { objects[["resource": type.qualifiedName]] = Double(count) }
        text.append(objects)
        var revision = GaugeFamily("steady_store_revision", "The last revision that is durable.")
        revision[[:]] = Double(storage.revision.number)
        text.append(revision)
        let metrics = storage.metrics
        for (name, help, count) in [
            ("steady_store_commits_total", "Commits that became durable.", metrics.commitCount),
            ("steady_store_fsyncs_total", "Writes of the journal that reached the disk.", metrics.batchCount),
            ("steady_store_failed_fsyncs_total", "Writes of the journal that failed.", metrics.failedBatchCount),
            ("steady_store_snapshots_total", "Snapshots written.", metrics.snapshotCount),
            ("steady_store_failed_snapshots_total", "Snapshots that could not be written.", metrics.failedSnapshotCount),
            ("steady_store_copies_total", "Scheduled snapshots written.", metrics.copyCount),
            ("steady_store_failed_copies_total", "Scheduled snapshots that could not be written.", metrics.failedCopyCount),
        ] {
            var family = CounterFamily(name, help)
            family.add(count)
            text.append(family)
        }
    }
}
