import Formats
import Resources
import Testing
import Wire

@testable import Traffic

/// Questions and answers as Kubernetes' specification of service discovery by DNS has them.
@Suite struct ClusterNamesTests {
    /// Services `web` (10 ports of every kind), headless `db`, `out`, `loop`, in namespace `shop`; `web` in `other` without a ready endpoint.
    private static func names() -> ClusterNames {
        var names = ClusterNames(InstanceAddresses(block: 0))
        func service(_ namespace: String, _ name: String, _ spec: Value) {
            names.set(
                service: ["metadata": ["name": .string(name), "namespace": .string(namespace)], "spec": spec], namespace: namespace,
                name: name)
        }
        func slice(_ namespace: String, _ name: String, of service: String, _ endpoints: [Value], ports: Value) {
            let value: Value = [
                "metadata": ["labels": ["kubernetes.io/service-name": .string(service)]], "addressType": "IPv4",
                "endpoints": .array(endpoints), "ports": ports,
            ]
            names.set(slice: value, namespace: namespace, name: name)
        }
        func endpoint(_ address: String, hostname: String? = nil, ready: Bool = true) -> Value {
            var value: Value = ["addresses": [.string(address)], "conditions": ["ready": .bool(ready)]]
            if let hostname { value["hostname"] = .string(hostname) }
            return value
        }
        service(
            "shop", "web",
            [
                "clusterIP": "127.32.0.20", "clusterIPs": ["127.32.0.20"],
                "ports": [["name": "http", "port": 80], ["name": "dns", "port": 53, "protocol": "UDP"], ["port": 99]],
            ])
        slice("shop", "web-1", of: "web", [endpoint("127.64.0.9", hostname: "first")], ports: [["name": "http", "port": 8080]])
        service("shop", "db", ["clusterIP": "None", "ports": [["name": "sql", "port": 5432]]])
        slice(
            "shop", "db-1", of: "db",
            [endpoint("127.64.0.2"), endpoint("127.64.0.1", hostname: "DB-0"), endpoint("127.64.0.3", ready: false)],
            ports: [["name": "sql", "port": 5432]])
        // The same endpoint in two slices, while it moves.
        slice("shop", "db-2", of: "db", [endpoint("127.64.0.2")], ports: [["name": "sql", "port": 5432]])
        service("shop", "out", ["type": "ExternalName", "externalName": "db.example.com"])
        service("shop", "inner", ["type": "ExternalName", "externalName": "web.shop.svc.cluster.local"])
        service("shop", "loop", ["type": "ExternalName", "externalName": "loop.shop.svc.cluster.local"])
        service("other", "web", ["clusterIP": "None", "ports": [["name": "http", "port": 80]]])
        slice("other", "web-1", of: "web", [endpoint("127.64.0.7", ready: false)], ports: [["name": "http", "port": 80]])
        return names
    }

    private static func ask(_ name: String, _ kind: DNSMessage.Kind, turn: Int = 0) -> NameAnswer {
        var names = names()
        guard let name = DNSName(name) else { return .silence }
        return names.answer(DNSMessage(id: 5, asking: .init(name, kind)), turn: turn)
    }

    /// An answer in one line: outcome, answers, `+` additional ones.
    private static func text(_ answer: NameAnswer) -> String {
        func line(_ record: DNSMessage.Record) -> String {
            switch record.content {
            case .a(let host): EndpointAddress.text(host)
            case .name(let name): "\(record.kind == .ptr ? "is" : "see") \(name)"
            case .service(_, let weight, let port, let target): "\(weight)% \(target):\(port)"
            case .authority: "soa"
            case .opaque(let octets): String(decoding: octets.dropFirst(), as: UTF8.self)
            }
        }
        switch answer {
        case .forward: return "forward"
        case .silence: return "silence"
        case .follow(let message, let target): return "\(message.answers.map(line).joined(separator: " ")), follow \(target)"
        case .answer(let message):
            var words = ["\(message.outcome.map { "\($0)" } ?? "?")"] + message.answers.map(line)
            if !message.additional.isEmpty { words += ["+"] + message.additional.map(line) }
            return words.joined(separator: " ")
        }
    }

    private static func message(_ answer: NameAnswer) -> DNSMessage? { if case .answer(let message) = answer { message } else { nil } }

    static let table: [(String, DNSMessage.Kind, String)] = [
        // Services with an address.
        ("web.shop.svc.cluster.local", .a, "noError 127.32.0.20"),
        ("WEB.Shop.SVC.cluster.LOCAL", .a, "noError 127.32.0.20"),
        ("web.shop.svc.cluster.local", .aaaa, "noError"),
        ("web.shop.svc.cluster.local", .txt, "noError"),
        ("none.shop.svc.cluster.local", .a, "nameError"),
        ("web.none.svc.cluster.local", .a, "nameError"),
        ("_http._tcp.web.shop.svc.cluster.local", .srv, "noError 100% web.shop.svc.cluster.local.:80 + 127.32.0.20"),
        ("_dns._udp.web.shop.svc.cluster.local", .srv, "noError 100% web.shop.svc.cluster.local.:53 + 127.32.0.20"),
        ("_http._tcp.web.shop.svc.cluster.local", .a, "noError 127.32.0.20"),
        ("_http._udp.web.shop.svc.cluster.local", .srv, "nameError"),
        ("_none._tcp.web.shop.svc.cluster.local", .srv, "nameError"),
        ("_tcp.web.shop.svc.cluster.local", .srv, "noError"),
        ("_sctp.web.shop.svc.cluster.local", .srv, "nameError"),
        (
            "web.shop.svc.cluster.local", .srv,
            "noError 33% web.shop.svc.cluster.local.:80 33% web.shop.svc.cluster.local.:53 33% web.shop.svc.cluster.local.:99 + 127.32.0.20"
        ),
        ("first.web.shop.svc.cluster.local", .a, "noError 127.64.0.9"),
        ("second.web.shop.svc.cluster.local", .a, "nameError"),
        // Headless ones: whoever is ready.
        ("db.shop.svc.cluster.local", .a, "noError 127.64.0.1 127.64.0.2"),
        ("db.shop.svc.cluster.local", .aaaa, "noError"),
        ("db-0.db.shop.svc.cluster.local", .a, "noError 127.64.0.1"),
        ("127-64-0-2.db.shop.svc.cluster.local", .a, "noError 127.64.0.2"),
        ("127-64-0-3.db.shop.svc.cluster.local", .a, "nameError"),
        (
            "_sql._tcp.db.shop.svc.cluster.local", .srv,
            "noError 50% db-0.db.shop.svc.cluster.local.:5432 50% 127-64-0-2.db.shop.svc.cluster.local.:5432 + 127.64.0.1 127.64.0.2"
        ),
        ("web.other.svc.cluster.local", .a, "nameError"),
        // Names that stand for others.
        ("out.shop.svc.cluster.local", .a, "see db.example.com., follow db.example.com."),
        ("out.shop.svc.cluster.local", .cname, "noError see db.example.com."),
        ("inner.shop.svc.cluster.local", .a, "noError see web.shop.svc.cluster.local. 127.32.0.20"),
        (
            "loop.shop.svc.cluster.local", .a,
            "serverFailure " + Array(repeating: "see loop.shop.svc.cluster.local.", count: 8).joined(separator: " ")
        ),
        ("x.out.shop.svc.cluster.local", .a, "nameError"),
        // Pods.
        ("127-64-0-1.shop.pod.cluster.local", .a, "noError 127.64.0.1"),
        ("127-64-0-1.none.pod.cluster.local", .a, "nameError"),
        ("10-0-0-1.shop.pod.cluster.local", .a, "nameError"),
        ("web.shop.pod.cluster.local", .a, "nameError"),
        // The zone and what is in between.
        ("cluster.local", .a, "noError"), ("cluster.local", .soa, "noError soa"),
        ("cluster.local", .ns, "noError see ns.dns.cluster.local."),
        ("svc.cluster.local", .a, "noError"), ("shop.svc.cluster.local", .a, "noError"), ("none.svc.cluster.local", .a, "nameError"),
        ("dns-version.cluster.local", .txt, "noError 1.1.0"),
        ("a.b.c.web.shop.svc.cluster.local", .a, "nameError"),
        ("web.shop.cluster.local", .a, "nameError"),
        // Addresses.
        ("20.0.32.127.in-addr.arpa", .ptr, "noError is web.shop.svc.cluster.local."),
        ("1.0.64.127.in-addr.arpa", .ptr, "noError is db-0.db.shop.svc.cluster.local."),
        ("3.0.64.127.in-addr.arpa", .ptr, "nameError"),
        ("21.0.32.127.in-addr.arpa", .ptr, "nameError"),
        ("1.0.0.127.in-addr.arpa", .ptr, "forward"), ("32.127.in-addr.arpa", .ptr, "forward"),
        ("04.3.2.127.in-addr.arpa", .ptr, "forward"),
        // Everything else.
        ("example.com", .a, "forward"), ("web", .a, "forward"), ("xcluster.local", .a, "forward"), (".", .ns, "forward"),
    ]

    @Test(arguments: table) func `A name is answered`(name: String, kind: DNSMessage.Kind, expected: String) {
        #expect(Self.text(Self.ask(name, kind)) == expected)
    }

    @Test(arguments: ["none.shop.svc.cluster.local", "20.9.32.127.in-addr.arpa"])
    func `That there is nothing is said with the zone's authority, for as long as an answer`(name: String) throws {
        let message = try #require(Self.message(Self.ask(name, .a)))
        let record = try #require(message.authorities.first)
        #expect(message.isAuthoritative && record.kind == .soa && record.timeToLive == 5)
        #expect(record.content == .authority(ClusterNames.authority) && ClusterNames.authority.minimum == 5)
    }

    @Test func `An answer repeats the question as it was written, and lives for five seconds`() throws {
        let message = try #require(Self.message(Self.ask("wEb.shop.svc.cluster.local", .a)))
        #expect(message.id == 5 && message.isResponse && message.hasRecursion)
        #expect(message.questions[0].name.description == "wEb.shop.svc.cluster.local.")
        #expect(message.answers[0].name.isIdentical(to: message.questions[0].name))
        #expect(message.answers[0].timeToLive == 5)
    }

    @Test func `Each turn begins with another address`() {
        #expect(Self.text(Self.ask("db.shop.svc.cluster.local", .a, turn: 1)) == "noError 127.64.0.2 127.64.0.1")
        #expect(Self.text(Self.ask("db.shop.svc.cluster.local", .a, turn: 2)) == "noError 127.64.0.1 127.64.0.2")
    }

    @Test func `What is no plain query is refused by what it is`() throws {
        var names = Self.names()
        let name = try #require(DNSName("web.shop.svc.cluster.local"))
        var query = DNSMessage(id: 1, asking: .init(name, .a))
        query.operation = 4
        #expect(Self.text(names.answer(query)) == "notImplemented")
        query.operation = 0
        query.questions[0].recordClass = 3
        #expect(Self.text(names.answer(query)) == "refused")
        query.questions = []
        #expect(Self.text(names.answer(query)) == "formatError")
        query.extended = DNSMessage.Extension(version: 1)
        query.questions = [.init(name, .a)]
        #expect(Self.text(names.answer(query)) == "badVersion")
        query.isResponse = true
        #expect(Self.text(names.answer(query)) == "silence")
    }

    @Test func `What is deleted has no name any more, and its namespace goes with its last Service`() throws {
        var names = Self.names()
        func ask(_ text: String, _ kind: DNSMessage.Kind = .a) throws -> String {
            Self.text(names.answer(DNSMessage(id: 1, asking: .init(try #require(DNSName(text)), kind))))
        }
        names.set(slice: nil, namespace: "shop", name: "db-1")
        #expect(try ask("db.shop.svc.cluster.local") == "noError 127.64.0.2")
        #expect(try ask("1.0.64.127.in-addr.arpa", .ptr) == "nameError")
        names.set(slice: nil, namespace: "shop", name: "db-2")
        #expect(try ask("db.shop.svc.cluster.local") == "nameError")
        names.set(service: nil, namespace: "shop", name: "web")
        #expect(try ask("web.shop.svc.cluster.local") == "nameError")
        #expect(try ask("20.0.32.127.in-addr.arpa", .ptr) == "nameError")
        #expect(try ask("other.svc.cluster.local") == "noError")
        names.set(service: nil, namespace: "other", name: "web")
        #expect(try ask("other.svc.cluster.local") == "nameError")
    }
}
