import Formats
import Glibc
import Linux
import Resources
import Synchronization
import Testing
import Timing
import Traffic

@testable import ServiceProxy

@Suite(.serialized) struct AccessLogTests {
    /// What a harness' log says once it is closed, line by line.
    private static func lines(_ rules: TrafficRules, _ body: (Harness) throws -> Void) throws -> [Value] {
        let directory = "/tmp/steady-access-\(UInt32.random(in: 0 ... .max))"
        try Files.makeDirectories(directory)
        defer { try? Files.removeTree(directory) }
        let path = directory + "/access.log"
        let harness = try Harness(accessLog: path)
        harness.rules = rules
        try body(harness)
        harness.plane.accessLog.close()
        return try ((try? Files.text(path)) ?? "").split(separator: "\n").map { try JSON.parse(Array($0.utf8)) }
    }

    private static func telling(_ percentage: Double = 100) -> TrafficRules {
        var rules = TrafficRules()
        rules.telemetry.accessLog = .init(percentage: percentage)
        return rules
    }

    @Test func `a request has a line that says who asked what, who answered, and how long it took`() throws {
        let lines = try Self.lines(Self.telling()) { harness in
            try harness.echo()
            _ = try harness.ask(
                "POST /cart?id=\"1\" HTTP/1.1\r\nHost: web\r\nUser-Agent: test/1\r\nX-Request-Id: r-7\r\n"
                    + "Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01\r\n"
                    + "Connection: close\r\nContent-Length: 2\r\n\r\nhi")
        }
        let line = try #require(lines.first)
        #expect(lines.count == 1)
        #expect(line["method"].string == "POST")
        #expect(line["path"].string == "/cart?id=\"1\"")
        #expect(line["authority"].string == "web")
        #expect(line["status"].int == 200)
        #expect(line["reason"].string == "")
        #expect(line["bytes_received"].int == 2)
        #expect(line["bytes_sent"].int == 13)
        #expect(line["client"].string == "127.0.0.1")
        #expect(line["request_id"].string == "r-7")
        #expect(line["trace_id"].string == "0af7651916cd43dd8448eb211c80319c")
        #expect(line["service"].string == "web")
        #expect(line["upstream"].string?.hasPrefix("127.0.0.1:") == true)
        #expect(line["user_agent"].string == "test/1")
        #expect(line["time"].timestamp != nil)
        #expect(line["duration_us"].int ?? -1 >= 0)
    }

    @Test func `an answer of the proxy's own says why, and one that broke off says that`() throws {
        var rules = Self.telling()
        rules.faults.abort = .init(status: 503, percentage: 100)
        let injected = try Self.lines(rules) { harness in _ = try harness.get() }
        #expect(injected.map { $0["reason"].string } == ["fault-injected"])
        #expect(injected.map { $0["upstream"].string } == [""])
        let broken = try Self.lines(Self.telling()) { harness in
            try harness.backend { peer in
                peer.onBytes = {
                    $0.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf")
                    $0.close()
                }
            }
            _ = try harness.ask("GET / HTTP/1.1\r\nHost: web\r\n\r\n")
        }
        #expect(broken.map { $0["status"].int } == [0])
        #expect(broken.map { $0["reason"].string } == ["cut-off"])
    }

    @Test func `nothing is told where nobody asks for it, or for a share of nothing`() throws {
        for rules in [TrafficRules(), Self.telling(0)] {
            let lines = try Self.lines(rules) { harness in
                try harness.echo()
                _ = try harness.get()
            }
            #expect(lines.isEmpty)
        }
    }

    @Test func `about the share that was asked for is told`() throws {
        let loop = try EventLoop()
        let log = AccessLog(loop: loop, path: nil, seed: 1)
        let count = (0..<10_000).count { _ in log.isWanted(.init(percentage: 10)) }
        #expect((900...1100).contains(count))
    }

    @Test func `what clients write cannot make a line of its own, nor a long one`() throws {
        #expect(AccessLog.cut(String(repeating: "ä", count: 10), 5) == "ää")
        #expect(AccessLog.cut("ä", 2) == "ä")
        let text = "x\ny\u{1B}\"\\ä"
        let line = JSON.serialize(["a": .string(text)])
        #expect(!line.contains { $0 < 0x20 })
        #expect(try JSON.parse(line)["a"].string == text)
    }

    @Test(.timeLimit(.minutes(2))) func `requests are answered while the disk of the access log hangs, and told when it is back`() throws {
        let directory = "/tmp/steady-access-\(UInt32.random(in: 0 ... .max))"
        try Files.makeDirectories(directory)
        defer { try? Files.removeTree(directory) }
        // To open a named pipe that nobody reads waits, as a write to a disk does that hangs.
        let path = directory + "/access.log"
        #expect(mkfifo(path, 0o600) == 0)
        let harness = try Harness(accessLog: path)
        harness.rules = Self.telling()
        try harness.echo()
        var answered = 0
        // More than one batch, so that lines wait behind those that hang.
        for _ in 0..<3 {
            for _ in 0..<20 where try harness.get("/" + String(repeating: "x", count: 1000)).hasPrefix("HTTP/1.1 200") { answered += 1 }
            harness.loop.runUntil(within: .milliseconds(150)) { false }
        }
        #expect(answered == 60 && harness.plane.accessLog.counts == (0, 0))
        let told = Mutex("")
        let disk = try ThreadHandle.start(name: "disk") { told.withLock { $0 = (try? Files.text(path)) ?? "" } }
        harness.plane.accessLog.close()
        disk.join()
        #expect(told.withLock { $0.split(separator: "\n").count } == answered)
    }

    @Test func `lines that nobody takes are counted`() throws {
        let loop = try EventLoop()
        let log = AccessLog(loop: loop, path: nil)
        let entry = AccessLog.Entry(
            head: .init(method: "GET", target: "/", headers: [:]), client: "", backend: .init(.init("a", "b"), port: 1), status: 200,
            reason: "",
            duration: .zero, receivedByteCount: 0, sentByteCount: 0, requestID: "", traceID: "")
        for _ in 0..<3 { log.tell(entry) }
        log.close()
        #expect(log.counts == (0, 3))
    }
}
