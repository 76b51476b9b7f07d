import APIClient
import Formats
import Linux
import Resources
import Testing
import Timing
import Transport
import Wire

@testable import APIServer

struct ServerRoleTests {
    /// A server and its clients on one loop, in a directory that goes afterwards.
    private func withServer(_ body: (EventLoop, ServerRole, RemoteAPI) throws -> Void) throws {
        try withServer { loop, role, api, _ in try body(loop, role, api) }
    }

    private func withServer(_ body: (EventLoop, ServerRole, RemoteAPI, DataDirectory) throws -> Void) throws {
        let directory = "/tmp/steady-api-\(UInt32.random(in: 0 ... .max))"
        try Files.makeDirectories(directory)
        defer { try? Files.removeTree(directory) }
        let loop = try EventLoop()
        let role = try ServerRole(ServerConfiguration(directory: DataDirectory(directory)), loop: loop, descriptors: NoDescriptorStore())
        defer { role.stop() }
        try body(loop, role, RemoteAPI(loop: loop, address: .unix(directory + "/api.sock")), DataDirectory(directory))
    }

    @Test func `A watch reports what exists, then its end, then what happens`() throws {
        try withServer { loop, _, api in
            var seen: [String] = []
            let watch = api.watch(ListRequest(.namespaces), from: nil) { signal in
                switch signal {
                case .event(let event): seen.append("\(event.kind.rawValue) \(event.object["metadata"]["name"].string ?? "")")
                case .synced: seen.append("synced")
                case .ended(let error): seen.append("ended \(error?.message ?? "")")
                }
            }
            #expect(loop.runUntil(within: .seconds(60)) { seen.contains("synced") })
            api.perform(.create(["metadata": ["name": "blue"]], type: .namespaces, namespace: "")) { _ in }
            #expect(loop.runUntil(within: .seconds(60)) { seen.contains("ADDED blue") })
            #expect(
                seen == [
                    "ADDED default", "ADDED kube-node-lease", "ADDED kube-system", "ADDED steady-system", "synced", "ADDED blue",
                ])
            watch.cancel()
        }
    }

    @Test func `A watch, a list and a read at a revision that never was say that it is too large`() throws {
        try withServer { loop, _, api in
            let never = Revision(1_000_000_000)
            var errors: [StatusError?] = []
            _ = api.watch(ListRequest(.pods), from: never) { if case .ended(let why) = $0 { errors.append(why) } }
            for path in [["namespaces"], ["namespaces", "default"]] {
                api.get(["api", "v1"] + path, query: [("resourceVersion", never.description)]) { result in
                    if case .failure(let error) = result { errors.append(error) } else { errors.append(nil) }
                }
            }
            var isRead = false
            api.get(["api", "v1", "namespaces", "default"], query: [("resourceVersion", "1")]) { isRead = (try? $0.get()) != nil }
            #expect(loop.runUntil(within: .seconds(60)) { errors.count == 3 && isRead })
            for error in errors {
                #expect(error?.code == 504 && error?.reason == "Timeout")
                #expect(error?.details?.causes.map(\.reason) == ["ResourceVersionTooLarge"])
            }
        }
    }

    @Test func `Over TCP a foreign host is refused and the served address is not`() throws {
        try withServer { loop, role, _ in
            let address = try #require(role.address)
            let http = HTTPClient(loop: loop)
            var codes: [Int] = []
            for host in ["evil.example", address.description, "localhost"] {
                http.send(ClientRequest("GET", "/version", headers: ["Host": host]), to: address) { result in
                    codes.append((try? result.get().status) ?? 0)
                }
                let expected = codes.count + 1
                #expect(loop.runUntil(within: .seconds(60)) { codes.count == expected })
            }
            #expect(codes == [403, 200, 200])
        }
    }

    @Test func `metrics tell what the proxies count beside the server's own, and which of them does not answer`() throws {
        try withServer { loop, role, api, directory in
            try Files.makeDirectories(directory.roles)
            let listener = try Sockets.listen(unix: directory.roleSocket("proxy-1"))
            defer { Sockets.close(listener) }
            let proxy = HTTPServer(loop: loop) { exchange in
                exchange.respond(
                    status: 200, headers: ["Content-Type": "text/plain"],
                    body: Array(
                        "# HELP http_requests_total R.\n# TYPE http_requests_total counter\nhttp_requests_total{code=\"200\"} 7\n".utf8))
            }
            defer { proxy.close() }
            try proxy.serve(listener: listener)
            role.live(proxies: ["proxy-1", "proxy-2"])
            var texts: [String] = []
            for _ in 0..<2 { api.get(["metrics"]) { texts.append(String(decoding: (try? $0.get()) ?? [], as: UTF8.self)) } }
            #expect(loop.runUntil(within: .seconds(60)) { texts.count == 2 })
            for text in texts {
                let lines = text.split(separator: "\n")
                #expect(lines.contains(#"http_requests_total{proxy="proxy-1",code="200"} 7"#))
                #expect(lines.contains(#"steady_proxy_up{proxy="proxy-1"} 1"#))
                #expect(lines.contains(#"steady_proxy_up{proxy="proxy-2"} 0"#))
                #expect(lines.contains { $0.hasPrefix("steady_store_objects{") })
            }
        }
    }

    @Test func `of a proxy that hangs metrics say so after a time, all the rest is told, and other requests do not wait`() throws {
        #expect(MetricsGathering.patience == .seconds(2))
        try withServer { loop, role, api, directory in
            try Files.makeDirectories(directory.roles)
            // Connections are taken by the kernel; nobody ever reads.
            let hanging = try Sockets.listen(unix: directory.roleSocket("proxy-1"))
            defer { Sockets.close(hanging) }
            let listener = try Sockets.listen(unix: directory.roleSocket("proxy-2"))
            defer { Sockets.close(listener) }
            let proxy = HTTPServer(loop: loop) {
                $0.respond(status: 200, body: Array("# HELP http_requests_total R.\nhttp_requests_total{code=\"200\"} 7\n".utf8))
            }
            defer { proxy.close() }
            try proxy.serve(listener: listener)
            role.live(proxies: ["proxy-1", "proxy-2"])
            var story: [String] = []
            api.get(["metrics"]) { story.append(String(decoding: (try? $0.get()) ?? [], as: UTF8.self)) }
            api.get(["version"]) { _ in story.append("version") }
            #expect(loop.runUntil(within: .seconds(60)) { story.count == 2 })
            #expect(story.first == "version")
            let lines = story[1].split(separator: "\n")
            #expect(lines.contains(#"http_requests_total{proxy="proxy-2",code="200"} 7"#))
            #expect(lines.contains(#"steady_proxy_up{proxy="proxy-1"} 0"#))
            #expect(lines.contains(#"steady_proxy_up{proxy="proxy-2"} 1"#))
            #expect(lines.contains { $0.hasPrefix("steady_store_objects{") })
        }
    }
}
