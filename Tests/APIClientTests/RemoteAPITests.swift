import Formats
import Linux
import Resources
import Testing
import Transport
import Wire

@testable import APIClient

@Suite struct `The API over a socket` {
    @Test func `answers, refuses and watches`() throws {
        let loop = try EventLoop()
        let listener = try Sockets.listen(tcp: .ipv4(.loopback, port: 0))
        defer { Sockets.close(listener) }
        var watch: ResponseStream?
        let server = HTTPServer(loop: loop) { exchange in
            switch (exchange.path, exchange.target.first("watch")) {
            case ("/api/v1/nodes/a1", _): exchange.respond(status: 200, body: Array(#"{"kind":"Node"}"#.utf8))
            case ("/api/v1/configmaps", "true"): watch = exchange.stream(status: 200)
            case ("/api/v1/secrets", "true"):
                exchange.respond(status: 410, body: JSON.serialize(StatusError.expired("too old").value))
            default: exchange.respond(status: 404, body: JSON.serialize(StatusError.notFound(ObjectKey(.nodes, name: "x")).value))
            }
        }
        defer { server.close() }
        try server.serve(listener: listener)
        let api = RemoteAPI(loop: loop, address: try Sockets.localAddress(listener))

        var replies: [Result<Reply, StatusError>] = []
        api.perform(.get(ObjectKey(.nodes, name: "a1"))) { replies.append($0) }
        api.perform(.get(ObjectKey(.nodes, name: "x"))) { replies.append($0) }
        #expect(replies.isEmpty)
        loop.runUntil(within: .seconds(60)) { replies.count == 2 }
        #expect(replies.compactMap { try? $0.get().object["kind"] } == ["Node"])

        let cache = ObjectCache(api: api, list: ListRequest(.configMaps))
        var changeCount = 0
        cache.start { _, _, _ in changeCount += 1 }
        loop.runUntil(within: .seconds(60)) { watch != nil }
        func send(_ type: String, _ object: Value) { watch?.write(JSON.serialize(["type": .string(type), "object": object]) + [0x0A]) }
        send("ADDED", configMap("a", at: 3))
        send("BOOKMARK", ["metadata": ["resourceVersion": "4", "annotations": ["k8s.io/initial-events-end": "true"]]])
        loop.runUntil(within: .seconds(60)) { cache.isSynced }
        #expect(cache.revision == Revision(4))
        #expect(changeCount == 1)
        // The server ends it in good order: the cache comes back by itself.
        let first = watch
        watch = nil
        first?.end()
        loop.runUntil(within: .seconds(60)) { watch != nil }
        #expect(watch != nil)
        cache.stop()
        loop.runUntil(within: .seconds(60)) { watch?.isOpen == false }
        #expect(watch?.isOpen == false)

        var end: StatusError?
        let refused = api.watch(ListRequest(.secrets), from: Revision(1)) { if case .ended(let error) = $0 { end = error } }
        loop.runUntil(within: .seconds(60)) { end != nil }
        #expect(end?.code == 410)
        refused.cancel()
    }

    @Test func `says so when there is no server`() throws {
        let api = try BlockingAPI(.unix("/nowhere/api.sock"))
        #expect { try api.get(ObjectKey(.nodes, name: "a1")) } throws: { ($0 as? StatusError)?.reason == "ServerUnreachable" }
    }
}
