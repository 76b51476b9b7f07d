import APIClient
import Formats
import Linux
import Measuring
import Timing

/// The process `steady proxy`.
package final class ProxyRole {
    /// How long open exchanges may take after SIGTERM. `up` waits a little longer before it kills.
    static let finishLimit = Duration.seconds(8)

    private let loop: EventLoop
    private let configuration: ProxyConfiguration
    private let lock: FileLock
    private let link: HostLink?
    private let proxy: ServiceProxyLoop
    private let endpoint: MetricsEndpoint

    /// Takes the role's lock and what `up` kept for it. Throws when another process of this name runs, or the data directory cannot be
    /// used.
    package init(_ configuration: ProxyConfiguration) throws(LinuxError) {
        self.configuration = configuration
        let directory = configuration.directory
        try Files.makeDirectories(directory.roles)
        guard let lock = try FileLock.take(directory.roleLock(configuration.name)) else {
            throw LinuxError(errno: 11, operation: "lock \(directory.roleLock(configuration.name)): another \(configuration.name) runs")
        }
        self.lock = lock
        Files.overwrite(lock.fd, with: "\(Processes.current)\n")
        // A proxy of many connections needs two descriptors for each.
        Limits.raiseOpenFiles()
        let loop = try EventLoop()
        self.loop = loop
        link =
            Files.exists(directory.hostSocket) ? try HostLink(loop: loop, socketPath: directory.hostSocket, role: configuration.name) : nil
        let api = RemoteAPI(loop: loop, address: .unix(directory.apiSocket))
        let proxy = ServiceProxyLoop(loop: loop, configuration: configuration, api: api, store: link ?? NoDescriptorStore())
        self.proxy = proxy
        endpoint = try MetricsEndpoint(loop: loop, path: directory.roleSocket(configuration.name)) { path in
            switch path {
            case "/metrics": (PrometheusText.contentType, proxy.metrics)
            case "/healthz", "/livez", "/readyz": ("text/plain", "ok")
            case "/table": ("text/plain", proxy.tableText)
            default: nil
            }
        }
    }

    /// Runs until SIGTERM or SIGINT, then finishes what is open.
    package func run() throws(LinuxError) {
        var isEnding = false
        let end = { [unowned self] in
            if isEnding { return loop.stop() }
            isEnding = true
            proxy.finish(within: Self.finishLimit) { [unowned self] in loop.stop() }
        }
        try loop.onSignal(15, end)
        try loop.onSignal(2, end)
        proxy.start()
        loop.run()
        endpoint.close()
        link?.close()
        lock.release()
    }

    /// `up` is gone: called before each attempt to reach a new one, for whoever helps to start it.
    package var onHostLost: () -> Void {
        get { link?.onHostLost ?? {} }
        set { link?.onHostLost = newValue }
    }

    /// A new `up` was reached.
    package var onHostBack: () -> Void {
        get { link?.onHostBack ?? {} }
        set { link?.onHostBack = newValue }
    }
}
