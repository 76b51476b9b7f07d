import APIClient
import Formats
import Linux
import Resources
import Testing
import Timing
import Traffic

@testable import ServiceProxy

/// A proxy that another one follows, on the same listeners.
@Suite(.serialized) struct SuccessionTests {
    private static let ready: Value = ["ready": true]

    private final class Succession {
        let harness: ProxyHarness
        let store = KeepingStore()
        let next: ServiceProxyLoop
        var isOver = false
        private var backends: [Backend] = []

        init() throws {
            harness = try ProxyHarness()
            next = ServiceProxyLoop(
                loop: harness.loop, configuration: ProxyConfiguration(name: "proxy-2", directory: DataDirectory("/nonexistent"), block: 14),
                api: harness.api, store: store)
        }

        deinit { next.close() }

        /// As `up` does it: the listeners are both proxies'.
        func begin() throws {
            for (name, descriptor) in harness.store.fetchAll() {
                next.take(shared: try Sockets.duplicate(descriptor), named: name)
            }
            var isReady = false
            next.onReady = { isReady = true }
            next.start()
            harness.wait { isReady }
            #expect(next.openAddresses == harness.proxy.openAddresses)
        }

        func retire() { harness.proxy.retire(within: .seconds(3600)) { [unowned self] in isOver = true } }

        /// The first proxy accepts, for an endpoint that answers with the first half of what it says will come.
        @discardableResult
        func beginWithHalfAnswers() throws -> Backend {
            let backend = try Backend(loop: harness.loop) { peer in
                peer.onBytes = { if $0.text.hasSuffix("\r\n\r\n") { $0.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab") } }
            }
            backends.append(backend)
            harness.service()
            harness.slice([(backend.address, SuccessionTests.ready)])
            harness.proxy.start()
            harness.wait { [harness] in !harness.proxy.openAddresses.isEmpty }
            return backend
        }

        func client() throws -> Peer { try Peer(loop: harness.loop, connectingTo: .ipv4(Harness.host, port: harness.port)) }
    }

    @Test func `finishes what it has, tells its clients to come back, and takes its word away at the end`() throws {
        let succession = try Succession()
        let harness = succession.harness
        let backend = try succession.beginWithHalfAnswers()
        let resting = try succession.client()
        resting.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { resting.text.hasSuffix("ab") }
        backend.peers[0].send("cd")
        harness.wait { resting.text.hasSuffix("abcd") }
        let busy = try succession.client()
        busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { busy.text.hasSuffix("ab") }

        try succession.begin()
        succession.retire()
        harness.settle()
        #expect(!resting.isEnded && !busy.isEnded && !succession.isOver)
        // Its answer had begun before it was known: the connection stays, and the next answer ends it.
        let first = backend.peers.first { $0.count(of: "GET") > 0 && $0.text.hasSuffix("\r\n\r\n") }
        first?.send("cd")
        harness.wait { busy.text.hasSuffix("abcd") }
        #expect(!busy.isEnded)
        for client in [resting, busy] {
            client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            harness.wait { client.text.hasSuffix("ab") }
            backend.peers.forEach { $0.send("cd") }
            harness.wait { client.isEnded }
            #expect(client.count(of: "200 OK") == 2 && client.text.hasSuffix("abcd"))
            #expect(client.count(of: "Connection: close") == 1)
        }
        harness.wait { succession.isOver }
        let lease = ObjectKey(.leases, namespace: "steady-system", name: "proxy-1")
        #expect(harness.status == .null && harness.api.objects[lease] == nil)
        #expect(harness.api.objects[ObjectKey(.proxyStatuses, name: "proxy-2")] != nil)

        let later = try succession.client()
        later.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { later.text.hasSuffix("ab") }
        #expect(succession.next.openConnectionCount == 1)
    }

    @Test func `takes its word away before it writes the last lines of its access log, which may take as long as a disk hangs`() throws {
        let directory = "/tmp/steady-succession-\(UInt64.random(in: 0 ... .max))"
        try Files.makeDirectories(directory + "/roles")
        defer { try? Files.removeTree(directory) }
        let harness = try ProxyHarness(directory: directory)
        let backend = try HTTPBackend(loop: harness.loop) { $0.respond(status: 200, body: Array("ok".utf8)) }
        harness.service()
        harness.slice([(backend.address, Self.ready)])
        harness.api.put(
            .trafficPolicies,
            [
                "metadata": ["namespace": "default", "name": "web"],
                "spec": ["targetRefs": [["kind": "Service", "name": "web"]], "telemetry": ["accessLog": [:]]],
            ])
        harness.proxy.start()
        harness.wait { !harness.proxy.openAddresses.isEmpty }
        let client = try Peer(loop: harness.loop, connectingTo: .ipv4(Harness.host, port: harness.port))
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        harness.wait { client.isEnded }
        harness.wait { harness.proxy.plane.accessLog.counts.written == 1 }
        var open: [Bool] = []
        // A log that is closed has counted nothing.
        harness.api.onDelete = { [unowned harness] _ in open.append(harness.proxy.plane.accessLog.counts.written == 1) }
        var isOver = false
        harness.proxy.retire(within: .seconds(3600)) { isOver = true }
        harness.wait { isOver }
        #expect(open == [true, true] && harness.proxy.plane.accessLog.counts.written == 0)
    }

    @Test func `goes on with what one of them opens while both run`() throws {
        let succession = try Succession()
        let harness = succession.harness
        harness.service()
        harness.proxy.start()
        harness.wait { !harness.proxy.openAddresses.isEmpty }
        try succession.begin()
        // The first binds; the second is refused, until it is given a copy.
        harness.service(name: "late", port: try FreePort.next())
        harness.wait { harness.proxy.openAddresses.count == 2 }
        harness.settle()
        #expect(succession.next.openAddresses.count == 1)
        for (name, descriptor) in harness.store.fetchAll() {
            succession.next.take(shared: try Sockets.duplicate(descriptor), named: name)
        }
        #expect(succession.next.openAddresses == harness.proxy.openAddresses)
    }

    @Test func `opens anew what another one has given up by another table`() throws {
        let succession = try Succession()
        let harness = succession.harness
        try succession.beginWithHalfAnswers()
        try succession.begin()
        let open = succession.next.openAddresses
        // The first ends the listener, for both: it has seen the Service go.
        harness.proxy.close()
        harness.settle()
        let client = try succession.client()
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { client.text.hasSuffix("ab") }
        #expect(succession.next.openAddresses == open && harness.events.isEmpty)
    }

    @Test func `leaves a Service that comes after its time to the one that accepts`() throws {
        let succession = try Succession()
        let harness = succession.harness
        try succession.beginWithHalfAnswers()
        let busy = try succession.client()
        busy.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        harness.wait { busy.text.hasSuffix("ab") }
        try succession.begin()
        succession.retire()

        let open = harness.proxy.openAddresses
        harness.service(name: "late", port: try FreePort.next())
        harness.wait { succession.next.openAddresses.count == 2 }
        harness.settle()
        #expect(harness.proxy.openAddresses == open && harness.events.isEmpty && !succession.isOver)
        // What a proxy beside this one opens is no matter of one that goes.
        for (name, descriptor) in succession.store.fetchAll() {
            harness.proxy.take(shared: try Sockets.duplicate(descriptor), named: name)
        }
        harness.service(name: "later", port: try FreePort.next())
        harness.wait { succession.next.openAddresses.count == 3 }
        harness.settle()
        #expect(harness.proxy.openAddresses == open && harness.events.isEmpty)
    }

    @Test func `accepts once the server knows of it, and without that when no answer comes`() throws {
        let succession = try Succession()
        let harness = succession.harness
        harness.service()
        var opened: [String]?
        harness.api.onCreate = { type in
            if type == .proxyStatuses { opened = harness.proxy.openAddresses }
        }
        harness.proxy.start()
        harness.wait { !harness.proxy.openAddresses.isEmpty }
        #expect(opened == [] && harness.status["routeRevision"].string != nil)

        harness.api.unansweredType = .proxyStatuses
        try succession.begin()
        #expect(harness.api.objects[ObjectKey(.proxyStatuses, name: "proxy-2")] == nil)
    }
}
