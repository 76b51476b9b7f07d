import APIClient
import Linux
import Measuring
import Timing

/// What the process `steady proxy` does, once it has its lock and its line to `up`.
package final class ProxyRole {
    /// How long open exchanges may take after SIGTERM. `up` waits a little longer before it kills.
    static let finishLimit = Duration.seconds(8)

    private let proxy: ServiceProxyLoop
    private let endpoint: MetricsEndpoint
    /// A flow can last for days; this one is cut off then.
    static let retirementLimit = Duration.seconds(7 * 24 * 3600)
    private var isEnding = false
    private var isRetired = false

    /// Throws when the data directory cannot be used.
    ///
    /// - Parameter descriptors: what `up` kept for this role, and keeps.
    package init(_ configuration: ProxyConfiguration, loop: EventLoop, descriptors: any DescriptorStore) throws(LinuxError) {
        let directory = configuration.directory
        let api = RemoteAPI(loop: loop, address: .unix(directory.apiSocket))
        let proxy = ServiceProxyLoop(
            loop: loop, configuration: configuration, api: api, store: descriptors, sessionKey: try SessionSecret.load(directory))
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

    /// Called once it routes, see `ServiceProxyLoop.onReady`.
    package var onReady: () -> Void {
        get { proxy.onReady }
        set { proxy.onReady = newValue }
    }

    /// What another proxy beside this one has opened.
    package func take(shared descriptor: Int32, named name: String) { proxy.take(shared: descriptor, named: name) }

    /// Another proxy takes new connections from now on: finishes what is open, however long that takes, then calls `done`.
    package func retire(_ done: @escaping () -> Void) {
        if isRetired || isEnding { return }
        isRetired = true
        proxy.retire(within: Self.retirementLimit) { [endpoint] in
            endpoint.close()
            done()
        }
    }

    /// Begins to listen and to follow the Services.
    package func start() { proxy.start() }

    /// An agent saw a process of the pod at this address end, see `ServiceProxyLoop.ended`.
    package func ended(address: String) { proxy.ended(address: address) }

    /// Which agents `up` misses, see `ServiceProxyLoop.absent`.
    package func absent(_ nodes: [String: String]) { proxy.absent(nodes) }

    /// Finishes what is open, then calls `done`; asked a second time it calls `done` at once.
    package func end(_ done: @escaping () -> Void) {
        let close = { [endpoint] in
            endpoint.close()
            done()
        }
        if isEnding { return close() }
        isEnding = true
        proxy.finish(within: Self.finishLimit, close)
    }
}
