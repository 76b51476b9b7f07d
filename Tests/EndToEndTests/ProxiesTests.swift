import Foundation
import Testing

#if canImport(Glibc)
    import Glibc
#endif

extension Siege {
    /// Waits until these proxies tell what they route by, and no others.
    fileprivate func waitForProxies(_ names: String...) throws {
        let wanted = names.map { "proxystatus.steady.dev/\($0)\n" }.joined()
        try instance.wait("the proxies are \(names)") { try instance.steady("get proxystatuses -o name") == wanted }
    }

    /// How many clients' connections a proxy has open, as it says itself.
    fileprivate func openConnections(of proxy: String) throws -> Int {
        let said = try Command(
            "/usr/bin/curl", ["-s", "--unix-socket", "\(instance.dataDirectory)/roles/\(proxy).sock", "http://proxy/metrics"],
            environment: [:]
        ).finish()
        let line = said.out.split(separator: "\n").first { $0.hasPrefix("steady_proxy_open_connections ") }
        return line?.split(separator: " ").last.flatMap { Int($0) } ?? -1
    }
}

extension Transcripts {
    /// `up --proxies N`: several proxies accept on the same ports.
    @Suite(.serialized) struct ProxiesTests {
        @Test func `Of two proxies one dies with its own connections, and the other's go on`() throws {
            let siege = try Siege(flags: "--proxies 2")
            defer { siege.stop() }
            try siege.waitForProxies("proxy-1", "proxy-2")
            let status = try siege.instance.steady("status")
            #expect(status.contains("proxy-1") && status.contains("proxy-2"), "\(status)")

            // While one of them sleeps the other one accepts: each has some.
            var clients: [HandRequest] = []
            defer { for index in clients.indices { clients[index].hangUp() } }
            for sleeper in ["proxy-1", "proxy-2"] {
                let pid = siege.pid(of: sleeper)
                try #require(pid > 1)
                #expect(kill(pid, SIGSTOP) == 0)
                for _ in 0..<8 { clients.append(HandRequest(port: siege.instance.port)) }
                for index in clients.indices.suffix(8) { #expect(try clients[index].get("/").isEmpty == false) }
                #expect(kill(pid, SIGCONT) == 0)
            }
            #expect(try siege.openConnections(of: "proxy-1") >= 8 && siege.openConnections(of: "proxy-2") >= 8)

            try siege.kill("proxy-2")
            // The first eight were made while proxy-1 slept.
            for index in clients.indices {
                let answer = try? clients[index].get("/")
                #expect((answer == nil) == (index < 8), "client \(index): \(answer ?? "no answer")")
            }
            for index in 0..<8 { clients[index].hangUp() }
            #expect(try clients[0].get("/").isEmpty == false)
        }

        @Test func `Two proxies lose no request in a roll and an upgrade, and of one that dies nothing but what it had`() throws {
            let siege = try Siege(flags: "--proxies 2")
            defer { siege.stop() }
            try siege.begin()
            try siege.instance.steady("set image deployment/web main=replica:v2")
            try siege.settle(3)
            // A Service that comes while both run: each gets the port, whoever opens it, and nobody complains.
            let late = try FreePort.inNodePortRange()
            try siege.apply(
                """
                apiVersion: v1
                kind: Service
                metadata: {name: late}
                spec: {type: NodePort, selector: {app: web}, ports: [{name: http, port: 80, targetPort: http, nodePort: \(late)}]}
                """)
            for proxy in ["proxy-1", "proxy-2"] {
                try siege.instance.wait("\(proxy) has opened it") {
                    let table = try Command(
                        "/usr/bin/curl",
                        ["-s", "--unix-socket", "\(siege.instance.dataDirectory)/roles/\(proxy).sock", "http://proxy/table"],
                        environment: [:]
                    ).finish().out
                    return table.contains("127.0.0.1:\(late) -> default/late:80\n")
                }
            }
            #expect(try !siege.instance.steady("get events").contains("PortNotOpened"))

            let new = try siege.release("0.1.1")
            let said = try siege.instance.steady("upgrade --binary \(new)")
            for words in ["proxy-3 takes the connections from now on; proxy-1", "proxy-4 takes the connections from now on; proxy-2"] {
                #expect(said.contains(words), "\(said)")
            }
            try siege.flow(500)
            try siege.wait("the old proxies have finished") { siege.programs == [new] }
            try siege.instance.steady("rollout undo deployment/web")
            try siege.settle(3)
            try siege.end()
            try siege.waitForProxies("proxy-3", "proxy-4")

            for proxy in ["proxy-3", "proxy-4"] {
                try siege.begin()
                try siege.kill(proxy)
                try siege.flow()
                try siege.end(allowing: .everythingInsideTheProxy)
            }
            // `up` dies as well: the next one has the listeners of both.
            try siege.begin()
            try siege.kill("up")
            try siege.flow()
            try siege.end()
            try siege.begin()
            try siege.kill("proxy-3")
            try siege.kill("up")
            try siege.flow()
            try siege.end(allowing: .everythingInsideTheProxy)
        }
    }
}
