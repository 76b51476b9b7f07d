import APIClient
import Formats
import Linux
import Resources
import Testing
import Timing
import Traffic
import Wire

@testable import ServiceProxy

/// A whole proxy on a loop, with a scripted API and real sockets.
final class ProxyHarness {
    let loop: EventLoop
    let api: ScriptedAPI
    let store = KeepingStore()
    var proxy: ServiceProxyLoop
    let port: UInt16
    private let configuration: ProxyConfiguration

    /// - Parameter block: a test that asks the name server, which is one for each block, has one for itself: tests run beside each other.
    init(block: Int = 14, directory: String = "/nonexistent") throws {
        loop = try EventLoop()
        api = ScriptedAPI(loop: loop)
        port = try FreePort.next()
        configuration = ProxyConfiguration(name: "proxy-1", directory: DataDirectory(directory), block: block)
        proxy = ServiceProxyLoop(loop: loop, configuration: configuration, api: api, store: store)
    }

    func service(type: String = "ClusterIP", name: String = "web", port: UInt16? = nil) {
        api.put(
            .services,
            [
                "metadata": ["namespace": "default", "name": .string(name)],
                "spec": [
                    "type": .string(type), "clusterIP": "127.0.0.1", "ports": [["name": "http", "port": .int(Int64(port ?? self.port))]],
                ],
            ])
    }

    @discardableResult
    func slice(_ endpoints: [(EndpointAddress, Value)], node: String = "") -> UInt64 {
        api.put(
            .endpointSlices,
            [
                "metadata": ["namespace": "default", "name": "web-1", "labels": ["kubernetes.io/service-name": "web"]],
                "addressType": "IPv4",
                "ports": [["name": "http", "port": .int(Int64(endpoints.first?.0.port ?? 1)), "protocol": "TCP"]],
                "endpoints": .array(
                    endpoints.map {
                        ["addresses": [.string(EndpointAddress.text($0.0.host))], "conditions": $0.1, "nodeName": .string(node)]
                    }),
            ])
    }

    func restartProxy() {
        proxy = ServiceProxyLoop(loop: loop, configuration: configuration, api: api, store: store)
        proxy.start()
    }

    var status: Value { api.objects[ObjectKey(.proxyStatuses, name: "proxy-1")]?["status"] ?? .null }
    /// What is kept for the entrances: the name server's sockets are always there.
    var routeNames: [String] { store.names.filter { !NameServer.isName($0) } }
    var events: [Value] { api.writes.filter { $0.key.type == .events }.map(\.body) }

    func wait(_ what: Comment = "waited in vain", at place: SourceLocation = #_sourceLocation, _ done: () -> Bool) {
        if !loop.runUntil(within: Harness.patience, done) { Issue.record(what, sourceLocation: place) }
    }

    func settle() { loop.runUntil(within: .milliseconds(30)) { false } }

    deinit { proxy.close() }
}

@Suite(.serialized) struct ProxyLoopTests {
    private static let ready: Value = ["ready": true]
    private static let leaving: Value = ["ready": false, "serving": true, "terminating": true]

    @Test func `it reports the revision it routes by at once, and holds a lease`() throws {
        let harness = try ProxyHarness()
        harness.service()
        harness.proxy.start()
        harness.wait { harness.proxy.openAddresses == ["127.0.0.1:\(harness.port)"] }
        harness.wait { harness.api.objects[ObjectKey(.leases, namespace: "steady-system", name: "proxy-1")] != nil }
        let revision = harness.slice([])
        harness.wait { harness.status["routeRevision"].string == "\(revision)" }
        #expect(harness.status["endpoints"] == [])
    }

    @Test func `a drain is acknowledged when the table is in force and the exchanges are finished`() throws {
        let harness = try ProxyHarness()
        let backend = try Backend(loop: harness.loop) { peer in
            peer.onBytes = { if $0.text.hasSuffix("\r\n\r\n") { $0.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab") } }
        }
        harness.service()
        harness.slice([(backend.address, Self.ready)])
        harness.proxy.start()
        harness.wait { !harness.proxy.openAddresses.isEmpty }
        let client = try Peer(loop: harness.loop, connectingTo: .ipv4(Harness.host, port: harness.port))
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { client.text.hasSuffix("ab") }
        let revision = harness.slice([(backend.address, Self.leaving)])
        harness.wait { harness.status["routeRevision"].string == "\(revision)" }
        #expect(harness.status["endpoints"] == [["address": .string(backend.address.description), "activeExchanges": 1, "activeFlows": 0]])
        backend.peers[0].send("cd")
        harness.wait { harness.status["endpoints"] == [] }
        #expect(client.text.hasSuffix("abcd"))
    }

    @Test func `it routes while the server is away, and tells a restarted server what it forgot`() throws {
        let harness = try ProxyHarness()
        let backend = try HTTPBackend(loop: harness.loop) { $0.respond(status: 200, body: Array("ok".utf8)) }
        harness.service()
        harness.slice([(backend.address, Self.ready)])
        harness.proxy.start()
        harness.wait { harness.status["routeRevision"].string != nil }
        harness.api.isThere = false
        harness.api.restart()
        harness.settle()
        let client = try Peer(loop: harness.loop, connectingTo: .ipv4(Harness.host, port: harness.port))
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { client.text.hasSuffix("ok") }
        #expect(harness.status == .null)
        harness.api.isThere = true
        harness.wait { harness.status["routeRevision"].string != nil }
    }

    @Test func `a restarted proxy goes on with the listeners of the one before`() throws {
        let harness = try ProxyHarness()
        harness.service()
        harness.proxy.start()
        harness.wait { harness.routeNames == ["listener:127.0.0.1:\(harness.port)"] }
        var isFinished = false
        harness.proxy.finish(within: .seconds(1)) { isFinished = true }
        harness.wait { isFinished }
        // In the backlog of a listener that nobody serves.
        let client = try Peer(loop: harness.loop, connectingTo: .ipv4(Harness.host, port: harness.port))
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        harness.settle()
        let backend = try HTTPBackend(loop: harness.loop) { $0.respond(status: 200, body: Array("ok".utf8)) }
        harness.slice([(backend.address, Self.ready)])
        harness.restartProxy()
        harness.wait { client.text.hasSuffix("ok") }
    }

    @Test func `questions about names that come while a proxy is replaced are answered by the next`() throws {
        let harness = try ProxyHarness(block: 15)
        harness.service()
        harness.proxy.start()
        harness.wait { harness.store.names.filter(NameServer.isName).count == 2 }
        var isFinished = false
        harness.proxy.finish(within: .seconds(1)) { isFinished = true }
        harness.wait { isFinished }
        let asker = try Sockets.connect(to: .ipv4(IPv4Address("127.47.0.1")!, port: 10053), type: .datagram)
        defer { Sockets.close(asker) }
        let query = DNSMessage(id: 7, asking: .init(try #require(DNSName("web.default.svc.cluster.local")), .a)).serialized()
        _ = query.withUnsafeBufferPointer { Sockets.send(asker, $0) }
        // Over TCP the connection waits in the listener's backlog, and the question in the connection.
        let stream = try Sockets.connect(to: .ipv4(IPv4Address("127.47.0.1")!, port: 10053))
        defer { Sockets.close(stream) }
        let framed = DNSStream.framed(query)
        harness.wait {
            if case .bytes(framed.count) = framed.withUnsafeBufferPointer({ Sockets.send(stream, $0) }) { return true }
            return false
        }
        harness.settle()
        harness.restartProxy()
        var answer: [UInt8] = []
        var input = ByteQueue([])
        var streamed: [UInt8]?
        harness.wait {
            answer += Sockets.receive(asker, limit: 512).bytes
            input.append(Sockets.receive(stream, limit: 512).bytes)
            streamed = streamed ?? (try? DNSStream.next(&input))
            return !answer.isEmpty && streamed != nil
        }
        for octets in [answer, try #require(streamed)] {
            #expect(try DNSMessage(octets).answers.map(\.content) == [.a(0x7F00_0001)])
        }
    }

    @Test func `a port that is taken is told in an event with the remedy, and opened when it is free`() throws {
        let harness = try ProxyHarness()
        let holder = try Sockets.listen(tcp: .ipv4(Harness.host, port: harness.port))
        harness.service()
        harness.proxy.start()
        harness.wait { harness.events.contains { $0["reason"].string == "PortNotOpened" } }
        #expect(harness.events[0]["type"] == "Warning")
        #expect(harness.events[0]["message"].string?.contains("another program listens there") == true)
        #expect(harness.events[0]["involvedObject"]["name"] == "web")
        Sockets.close(holder)
        harness.wait { harness.proxy.openAddresses.count == 1 }
        harness.wait { harness.events.contains { $0["reason"].string == "PortOpened" } }
    }

    @Test(arguments: [
        (Int32(13), "setcap cap_net_bind_service"), (98, "ss -ltnp 'sport = :80'"), (99, "Cannot assign requested address"),
    ])
    func `each reason has its remedy`(errno: Int32, remedy: String) {
        let text = ServiceNotices.text(.ipv4(.loopback, port: 80), LinuxError(errno: errno, operation: "bind"))
        #expect(text.hasPrefix("127.0.0.1:80 cannot be opened"))
        #expect(text.contains(remedy))
    }

    @Test func `a load balancer's address is written once its port is open`() throws {
        let harness = try ProxyHarness()
        harness.service(type: "LoadBalancer")
        harness.proxy.start()
        let key = ObjectKey(.services, namespace: "default", name: "web")
        harness.wait { harness.api.objects[key]?["status"]["loadBalancer"]["ingress"][0]["ip"] == "127.0.0.1" }
        harness.slice([])
        harness.settle()
        #expect(harness.api.writes.filter { $0.key == key }.count == 1)
    }

    @Test func `a deleted service closes its port`() throws {
        let harness = try ProxyHarness()
        harness.service()
        harness.proxy.start()
        harness.wait { harness.proxy.openAddresses.count == 1 }
        harness.api.delete(ObjectKey(.services, namespace: "default", name: "web"))
        harness.wait { harness.proxy.openAddresses.isEmpty }
        #expect(harness.routeNames.isEmpty)
    }

    @Test func `metrics tell what was carried`() throws {
        let harness = try ProxyHarness()
        let backend = try HTTPBackend(loop: harness.loop) { $0.respond(status: 404) }
        harness.service()
        harness.slice([(backend.address, Self.ready)])
        harness.proxy.start()
        harness.wait { harness.proxy.openAddresses.count == 1 }
        let client = try Peer(loop: harness.loop, connectingTo: .ipv4(Harness.host, port: harness.port))
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { client.text.hasPrefix("HTTP/1.1 404") }
        let labels = #"namespace="default",service="web",port="\#(harness.port)",endpoint="\#(backend.address)",zone="""#
        #expect(harness.proxy.metrics.contains("http_requests_total{\(labels),code=\"404\"} 1\n"))
        #expect(harness.proxy.metrics.contains("http_request_duration_seconds_count{\(labels)} 1\n"))
        #expect(harness.proxy.metrics.contains("up{\(labels)} 1\n"))
        #expect(harness.proxy.metrics.contains("steady_proxy_open_connections 1\n"))
    }
}

@Suite(.serialized) struct RouteFollowerTests {
    @Test func `a revision that a listing reaches behind its changes is reported, one that only a bookmark reaches is not`() throws {
        let loop = try EventLoop()
        let api = SteppedAPI(loop: loop)
        let follower = RouteFollower(api: api)
        var reported: [String] = []
        follower.onUpdate = { reported.append("\($1)") }
        follower.start()
        func turn() { loop.runUntil(within: .milliseconds(20)) { false } }
        turn()
        api.send(.services, .synced(Revision(5)))
        api.send(.trafficPolicies, .synced(Revision(5)))
        api.send(.endpointSlices, .synced(Revision(5)))
        turn()
        #expect(reported == ["5"])
        api.send(.endpointSlices, .event(WatchEvent(.bookmark, .null, at: Revision(6))))
        turn()
        #expect(reported == ["5"])
        api.send(.endpointSlices, .ended(ScriptedAPI.away))
        loop.runUntil(within: Harness.patience) { api.watchCount == 5 }
        let slice: Value = ["metadata": ["namespace": "default", "name": "s", "resourceVersion": "7"]]
        api.send(.endpointSlices, .event(WatchEvent(.added, slice, at: Revision(7))))
        turn()
        api.send(.endpointSlices, .synced(Revision(9)))
        turn()
        #expect(reported.last == "9")
    }

    @Test func `a listing after a loss is reported, though nothing in it has changed: a restarted server counts from there`() throws {
        let loop = try EventLoop()
        let api = SteppedAPI(loop: loop)
        let follower = RouteFollower(api: api)
        var reported: [String] = []
        follower.onUpdate = { reported.append("\($1)") }
        follower.start()
        func turn() { loop.runUntil(within: .milliseconds(20)) { false } }
        turn()
        let slice: Value = ["metadata": ["namespace": "default", "name": "s", "resourceVersion": "4"]]
        api.send(.services, .synced(Revision(5)))
        api.send(.trafficPolicies, .synced(Revision(5)))
        api.send(.endpointSlices, .event(WatchEvent(.added, slice, at: Revision(4))))
        api.send(.endpointSlices, .synced(Revision(5)))
        turn()
        #expect(reported == ["5"])
        api.send(.endpointSlices, .ended(ScriptedAPI.away))
        loop.runUntil(within: .seconds(5)) { api.watchCount == 5 }
        api.send(.endpointSlices, .event(WatchEvent(.added, slice, at: Revision(4))))
        api.send(.endpointSlices, .synced(Revision(20)))
        turn()
        #expect(reported == ["5", "20"])
    }
}

extension RouteFollowerTests {
    @Test func `the body of a fallback follows the ConfigMap that it stands in`() throws {
        let loop = try EventLoop()
        let api = ScriptedAPI(loop: loop)
        api.put(
            .services, ["metadata": ["namespace": "default", "name": "web"], "spec": ["clusterIP": "127.0.0.1", "ports": [["port": 80]]]])
        let body: Value = ["type": "ValueRef", "valueRef": ["kind": "ConfigMap", "name": "pages"]]
        api.put(
            .trafficPolicies,
            [
                "metadata": ["namespace": "default", "name": "web"],
                "spec": ["targetRefs": [["kind": "Service", "name": "web"]], "fallback": [["response": ["body": body]]]],
            ])
        let follower = RouteFollower(api: api)
        var text: String?
        follower.onUpdate = { update, _ in
            if case .table(let table)? = update, case .response(let response)? = table.backends.first?.rules.fallbacks.first {
                text = response.body
            }
        }
        follower.start()
        func put(_ name: String, _ text: String) {
            api.put(.configMaps, ["metadata": ["namespace": "default", "name": .string(name)], "data": ["page.html": .string(text)]])
        }
        #expect(loop.runUntil(within: Harness.patience) { text == "" })
        put("pages", "soon")
        #expect(loop.runUntil(within: Harness.patience) { text == "soon" })
        put("others", "nobody's")
        put("pages", "later")
        #expect(loop.runUntil(within: Harness.patience) { text == "later" })
        api.delete(ObjectKey(.configMaps, namespace: "default", name: "pages"))
        #expect(loop.runUntil(within: Harness.patience) { text == "" })
        follower.stop()
    }

    @Test func `a server of an older version, which knows no policies, is followed without them`() throws {
        let loop = try EventLoop()
        let api = SteppedAPI(loop: loop)
        let follower = RouteFollower(api: api)
        var reported: [String] = []
        follower.onUpdate = { reported.append("\($1)") }
        follower.start()
        loop.runUntil(within: .milliseconds(20)) { false }
        api.send(.services, .synced(Revision(5)))
        api.send(.endpointSlices, .synced(Revision(5)))
        loop.runUntil(within: Harness.patience) { !reported.isEmpty }
        #expect(reported == ["5"])
    }

    @Test func `a revision that only bookmarks reach is reported now and then`() throws {
        let loop = try EventLoop()
        let api = SteppedAPI(loop: loop)
        let follower = RouteFollower(api: api, idleReportPeriod: .zero)
        var reported: [String] = []
        follower.onUpdate = { reported.append("\($1)") }
        follower.start()
        func turn() { loop.runUntil(within: .milliseconds(20)) { false } }
        turn()
        api.send(.services, .synced(Revision(5)))
        api.send(.trafficPolicies, .synced(Revision(5)))
        api.send(.endpointSlices, .synced(Revision(5)))
        api.send(.endpointSlices, .event(WatchEvent(.bookmark, .null, at: Revision(6))))
        turn()
        #expect(reported == ["6"])
    }
}

/// Watches that say what the test says, when it says it.
private final class SteppedAPI: ResourceAPI {
    let loop: EventLoop
    private var handlers: [String: (WatchSignal) -> Void] = [:]
    private(set) var watchCount = 0
    init(loop: EventLoop) { self.loop = loop }
    func perform(_ request: Request, _ done: @escaping (Result<Reply, StatusError>) -> Void) {}
    func watch(_ list: ListRequest, from: Revision?, _ onEvent: @escaping (WatchSignal) -> Void) -> Cancellation {
        handlers[list.type.plural] = onEvent
        watchCount += 1
        return Cancellation {}
    }
    func send(_ type: ResourceType, _ signal: WatchSignal) { handlers[type.plural]?(signal) }
}
