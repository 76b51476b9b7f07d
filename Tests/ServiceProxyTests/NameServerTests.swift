import Foundation
import Linux
import Resources
import Testing
import Timing
import Traffic
import Transport
import Wire

@testable import ServiceProxy

/// The name server on a loop, a resolver behind it that does what a test says, and askers.
private final class NameBench {
    let loop: EventLoop
    let store = KeepingStore()
    let server: NameServer
    let forwarding: NameForwarding
    let address: SocketAddress
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("names-\(UUID().uuidString)")
    /// The machine's resolver.
    private let resolver: SocketAddress
    private var datagrams: Int32
    private var streams: Int32
    private var watches: [EventLoop.Watch] = []
    /// What the resolver was asked, over which protocol.
    private(set) var asked: [(query: DNSMessage, isStream: Bool)] = []
    /// The datagrams that the resolver answers with; the second value: whether it came over TCP.
    var answers: (DNSMessage, Bool) -> [[UInt8]] = { query, _ in
        var answer = query.response()
        answer.answers = [.init(query.questions[0].name, .a, .a(0x0A00_0001), timeToLive: 60)]
        return [answer.serialized()]
    }

    /// - Parameter host: where the machine's resolver is, as its configuration says it.
    init(resolver host: String = "127.0.0.2") throws {
        loop = try EventLoop()
        address = .ipv4(.loopback, port: try FreePort.next())
        let resolverPort = try FreePort.next()
        resolver = IPv4Address(host).map { .ipv4($0, port: resolverPort) } ?? .ipv6(try #require(IPv6Address(host)), port: resolverPort)
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let path = directory.appendingPathComponent("resolv.conf").path
        try "nameserver \(host)\n".write(toFile: path, atomically: true, encoding: .utf8)
        forwarding = NameForwarding(loop: loop, own: address, resolver: MachineResolver(path: path, port: resolverPort))
        var names = ClusterNames(InstanceAddresses(block: 0))
        names.set(service: ["spec": ["clusterIP": "127.32.0.20", "ports": [["port": 80]]]], namespace: "shop", name: "web")
        names.set(service: ["spec": ["type": "ExternalName", "externalName": "db.example.com"]], namespace: "shop", name: "out")
        server = NameServer(loop: loop, address: address, store: store, forwarding: forwarding) { names.answer($0, turn: $1) }
        datagrams = try Sockets.bound(udp: resolver)
        streams = try Sockets.listen(tcp: resolver)
        server.open()
        let fd = datagrams
        watches.append(
            try loop.watch(fd, .read) { [unowned self] _ in
                while let (bytes, sender) = Sockets.receiveDatagram(fd, limit: 4096) {
                    guard let query = try? DNSMessage(bytes) else { continue }
                    asked.append((query, false))
                    for answer in answers(query, false) { Sockets.sendDatagram(fd, answer, to: sender) }
                }
            })
        let listener = streams
        watches.append(
            try loop.watch(listener, .read) { [unowned self] _ in
                guard let (client, _) = try? Sockets.accept(listener) else { return }
                var input = ByteQueue()
                let watch = try? loop.watch(client, .read) { [unowned self] _ in
                    input.append(Self.take(client))
                    guard let bytes = try? DNSStream.next(&input), let query = try? DNSMessage(bytes) else { return }
                    asked.append((query, true))
                    for answer in answers(query, true) { _ = DNSStream.framed(answer).withUnsafeBufferPointer { Sockets.send(client, $0) } }
                }
                if let watch { watches.append(watch) }
            })
    }

    deinit {
        for watch in watches { watch.cancel() }
        Sockets.close(datagrams)
        Sockets.close(streams)
        server.close()
        try? FileManager.default.removeItem(at: directory)
    }

    static func take(_ fd: Int32) -> [UInt8] { Sockets.receive(fd, limit: 65536).bytes }

    /// Sends octets over UDP and waits for one datagram; nil when none came within the limit.
    func ask(octets: [UInt8], within limit: Duration = .seconds(30)) throws -> [UInt8]? {
        let fd = try Sockets.connect(to: address, type: .datagram)
        defer { Sockets.close(fd) }
        _ = octets.withUnsafeBufferPointer { Sockets.send(fd, $0) }
        var answer: [UInt8] = []
        loop.runUntil(within: limit) {
            answer = Self.take(fd)
            return !answer.isEmpty
        }
        return answer.isEmpty ? nil : answer
    }

    func ask(_ name: String, _ kind: DNSMessage.Kind = .a) throws -> DNSMessage {
        let query = DNSMessage(id: 0x4242, asking: .init(try #require(DNSName(name)), kind))
        return try DNSMessage(try #require(try ask(octets: query.serialized())))
    }

    /// Sends octets over TCP, cut into pieces, and waits for so many messages.
    func askStream(_ octets: [UInt8], pieces pieceCount: Int = .max, answers count: Int) throws -> [DNSMessage] {
        let fd = try Sockets.connect(to: address)
        defer { Sockets.close(fd) }
        var input = ByteQueue()
        var found: [DNSMessage] = []
        var rest = octets[...]
        loop.runUntil(within: .seconds(30)) {
            if !rest.isEmpty, case .bytes(let count) = Array(rest.prefix(pieceCount)).withUnsafeBufferPointer({ Sockets.send(fd, $0) }) {
                rest = rest.dropFirst(count)
            }
            input.append(Self.take(fd))
            while let message = (try? DNSStream.next(&input)).flatMap({ try? DNSMessage($0) }) { found.append(message) }
            return found.count >= count
        }
        return found
    }
}

@Suite(.serialized) struct NameServerTests {
    private static let web = DNSName("web.shop.svc.cluster.local")!

    @Test func `A name of the cluster is answered over UDP, and nobody else is asked`() throws {
        let bench = try NameBench()
        let answer = try bench.ask("web.shop.svc.cluster.local")
        #expect(answer.id == 0x4242 && answer.answers.map(\.content) == [.a(0x7F20_0014)])
        #expect(try bench.ask("none.shop.svc.cluster.local").outcome == .nameError)
        #expect(bench.asked.isEmpty)
    }

    @Test(arguments: [1, 3, 1000]) func `Questions over one TCP connection are answered, however they arrive`(pieceCount: Int) throws {
        let bench = try NameBench()
        let queries = (1...3).map { DNSMessage(id: UInt16($0), asking: .init(Self.web, .a)).serialized() }
        let answers = try bench.askStream(queries.flatMap(DNSStream.framed), pieces: pieceCount, answers: 3)
        #expect(answers.map(\.id) == [1, 2, 3])
        #expect(answers.allSatisfy { $0.answers.map(\.content) == [.a(0x7F20_0014)] })
    }

    /// The machine's resolver may be at an address of either family, where the machine has both.
    private static let resolvers =
        ["127.0.0.2"] + (Files.exists("/proc/net/if_inet6") && (try? Files.text("/proc/net/if_inet6"))?.isEmpty == false ? ["::1"] : [])

    @Test(arguments: resolvers) func `Another name is asked of the machine's resolver, by another id`(resolver: String) throws {
        let bench = try NameBench(resolver: resolver)
        var ids: Set<UInt16> = []
        for _ in 0..<4 {
            let answer = try bench.ask("Example.com")
            #expect(answer.id == 0x4242 && answer.answers.map(\.content) == [.a(0x0A00_0001)])
            ids.insert(try #require(bench.asked.last).query.id)
        }
        #expect(bench.asked.last?.query.questions[0].name.description == "Example.com.")
        #expect(ids.count > 1)
        #expect(bench.forwarding.openCount == 0)
    }

    @Test func `What does not answer the question is as if it had not come`() throws {
        let bench = try NameBench()
        bench.answers = { query, _ in
            var wrongID = query.response()
            wrongID.id &+= 1
            var wrongName = query.response()
            wrongName.questions[0].name = Self.web
            var notAnAnswer = query
            notAnAnswer.isResponse = false
            var right = query.response()
            right.answers = [.init(query.questions[0].name, .a, .a(7), timeToLive: 1)]
            return [wrongID, wrongName, notAnAnswer, right].map { $0.serialized() } + [[1, 2, 3]]
        }
        #expect(try bench.ask("example.com").answers.map(\.content) == [.a(7)])
    }

    @Test func `A resolver that never answers is a failure in the end, and one that went wrong once is asked again`() throws {
        let bench = try NameBench()
        bench.answers = { _, _ in [] }
        #expect(try bench.ask("example.com").outcome == .serverFailure)
        #expect(bench.asked.count == NameForwarding.roundLimit)
        #expect(bench.forwarding.openCount == 0)
        var count = 0
        bench.answers = { query, _ in
            count += 1
            return count == 1 ? [] : [query.response(.nameError).serialized()]
        }
        #expect(try bench.ask("example.com").outcome == .nameError)
    }

    @Test func `What was cut for a datagram is asked again over TCP where the asker has room for it`() throws {
        let bench = try NameBench()
        bench.answers = { query, isStream in
            var answer = query.response()
            answer.isTruncated = !isStream
            if isStream { answer.answers = (0..<100).map { .init(query.questions[0].name, .a, .a($0), timeToLive: 1) } }
            return [answer.serialized()]
        }
        let query = DNSMessage(id: 9, asking: .init(DNSName("example.com")!, .a)).serialized()
        let answers = try bench.askStream(DNSStream.framed(query), answers: 1)
        #expect(answers.first?.answers.count == 100 && answers.first?.id == 9)
        #expect(bench.asked.map(\.isStream) == [false, true])
        // Over UDP the asker is told so and asks by itself.
        #expect(try bench.ask("example.com").isTruncated)
    }

    @Test func `A Service that stands for a name outside is answered with that name's addresses`() throws {
        let bench = try NameBench()
        let answer = try bench.ask("out.shop.svc.cluster.local")
        let target = DNSName("db.example.com")!
        #expect(answer.answers.map(\.content) == [.name(target), .a(0x0A00_0001)])
        #expect(answer.answers[1].name == target && !answer.isAuthoritative)
        #expect(bench.asked.last?.query.questions[0].name == target)
    }

    @Test func `More questions than are kept at a time are told at once that they failed`() throws {
        let bench = try NameBench()
        bench.answers = { _, _ in [] }
        var failures = 0
        let query = DNSMessage(id: 9, asking: .init(DNSName("example.com")!, .a)).serialized()
        for _ in 0..<(NameForwarding.questionLimit + 5) { bench.forwarding.ask(query, isStream: false) { if $0 == nil { failures += 1 } } }
        #expect(failures == 5 && bench.forwarding.openCount == NameForwarding.questionLimit)
    }

    @Test func `What cannot be read is refused, and what is no question gets no answer`() throws {
        let bench = try NameBench()
        let refusal = try DNSMessage(try #require(try bench.ask(octets: [0, 7, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 63, 1])))
        #expect(refusal.id == 7 && refusal.outcome == .formatError)
        var answer = DNSMessage(id: 1, asking: .init(Self.web, .a)).response()
        answer.answers = []
        #expect(try bench.ask(octets: answer.serialized(), within: .milliseconds(50)) == nil)
        #expect(try bench.ask(octets: [1, 2, 3], within: .milliseconds(50)) == nil)
        #expect(try bench.ask("web.shop.svc.cluster.local").outcome == .noError)
    }

    @Test func `Both sockets outlive the process: the next one takes them`() throws {
        let bench = try NameBench()
        #expect(bench.store.names.filter(NameServer.isName).count == 2)
    }
}
