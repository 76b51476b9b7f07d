import APIClient
import Formats
import Foundation
import Linux
import Testing
import Timing

@testable import Host

/// Several proxies at once, on the same listeners.
@Suite(.serialized) struct ProxiesTests {
    @Test(arguments: [
        // count, recorded, running, chosen
        (1, "proxy-1", "", "proxy-1"),
        (1, "proxy-3", "proxy-3", "proxy-3"),
        (1, "proxy-3", "", "proxy-1"),
        (2, "proxy-1", "proxy-1", "proxy-1 proxy-2"),
        (2, "proxy-1 proxy-2", "proxy-2", "proxy-2 proxy-1"),
        // One that finishes what it has keeps its name.
        (2, "proxy-3", "proxy-1 proxy-3", "proxy-3 proxy-2"),
        (1, "proxy-1 proxy-2", "proxy-1 proxy-2", "proxy-1"),
    ])
    func `those that run stay, and new ones take names that nobody has`(count: Int, recorded: String, running: String, chosen: String) {
        var configuration = HostConfiguration()
        configuration.proxyCount = count
        configuration.proxies = recorded.split(separator: " ").map(String.init)
        let running = Set(running.split(separator: " ").map(String.init))
        configuration.chooseProxies { running.contains($0) }
        #expect(configuration.proxies.joined(separator: " ") == chosen)
    }

    @Test func `the record tells them, also to a version that knows of one, and believes what that wrote since`() throws {
        var configuration = HostConfiguration()
        #expect(configuration.value["proxies"].isNull && configuration.value["proxy"] == "proxy-1")
        configuration.proxyCount = 3
        configuration.proxies = ["proxy-4", "proxy-2", "proxy-3"]
        #expect(HostConfiguration(configuration.value) == configuration)
        var older = configuration.value
        #expect(older["proxy"] == "proxy-4")
        older["proxy"] = "proxy-7"
        #expect(HostConfiguration(older)?.proxies == ["proxy-7"])
        for count in [0, 9] {
            older["proxyCount"] = .int(Int64(count))
            #expect(HostConfiguration(older)?.proxyCount == 1)
        }
    }

    @Test func `all run, and what one opens is the others' as well, when it comes and when it is asked for`() throws {
        var configuration = HostConfiguration(zones: ["a"])
        configuration.proxyCount = 2
        let bench = try HostBench(configuration: configuration)
        let names = try bench.ask(["op": "status"])["roles"].elements.compactMap { $0["name"].string }
        #expect(names == ["server", "agent-a1", "proxy-1", "proxy-2"])

        var live: Set<String> = []
        try bench.link("agent-a1").onMessage = { live = LiveProxies($0)?.names ?? live }
        #expect(bench.until { live == ["proxy-1", "proxy-2"] })

        let (first, second) = (try bench.link("proxy-1"), try bench.link("proxy-2"))
        var shared: [String] = []
        second.onDescriptor = { name, descriptor in
            shared.append(name)
            closeDescriptor(descriptor)
        }
        let socket = try Sockets.listen(tcp: .ipv4(.loopback, port: 0))
        defer { closeDescriptor(socket) }
        first.store("listener:x", socket)
        #expect(bench.until { shared == ["listener:x"] })
        // It is given up by one of them, and the other one holds it: who binds the address again is refused, and asks.
        second.remove("listener:x")
        second.want("listener:x")
        #expect(bench.until { shared == ["listener:x", "listener:x"] })
        // What nobody has, or is no listener, is not given.
        first.store("secret", socket)
        second.want("secret")
        second.want("listener:y")
        second.want("listener:x")
        #expect(bench.until { shared.count == 3 })
        #expect(Set(shared) == ["listener:x"])
        // A process that comes anew has what was kept for it.
        second.close()
        #expect(try bench.link("proxy-2").fetchAll().map(\.name) == ["listener:x"])
    }

    @Test func `one that is no more wanted finishes what it has`() throws {
        let scratch = try Scratch()
        let directory = DataDirectory(scratch.path + "/data")
        try Files.makeDirectories(directory.roles)
        var configuration = HostConfiguration(zones: ["a"])
        configuration.proxyCount = 2
        let first = try HostBench(configuration: configuration, at: directory.path)
        #expect(try first.role("proxy-2")["state"].string != nil)
        first.stop()
        try HostBench.forgetAddresses(of: directory)
        let one = try HostBench(configuration: HostConfiguration(zones: ["a"]), at: directory.path)
        #expect(try one.ask(["op": "status"])["roles"].elements.compactMap { $0["name"].string } == ["server", "agent-a1", "proxy-1"])
    }
}
