import Resources
import Timing
import Wire

@testable import Traffic

/// An endpoint, told by the last octet of its address.
struct Place {
    var last: UInt32
    var zone = ""
    var node = ""
    var group = 0
    var standing = RouteTable.Standing.ready

    init(_ last: UInt32, zone: String = "", node: String = "", group: Int = 0, _ standing: RouteTable.Standing = .ready) {
        self.last = last
        self.zone = zone
        self.node = node
        self.group = group
        self.standing = standing
    }
}

/// A router with one backend, and clients of zones a (10.0.0.*), b (10.0.1.*) and c, each with one node of the same name.
final class Scene {
    static let backend = RouteTable.BackendName(.init("default", "web"), port: 80)

    var router = Router(seed: 7)
    var rules = TrafficRules()
    var distribution = RouteTable.Distribution.anywhere
    var now = Instant.zero

    func put(_ places: [Place]) {
        var table = RouteTable()
        let endpoints = places.map {
            RouteTable.Endpoint(
                EndpointAddress(host: 0x7F40_0000 + $0.last, port: 8080), $0.standing, node: $0.node, zone: $0.zone, pod: "web-\($0.last)",
                group: $0.group)
        }
        table.backends = [
            .init(name: Self.backend, carriage: .exchanges, endpoints: endpoints, distribution: distribution, rules: rules)
        ]
        table.clients = zip(0..., ["a", "b", "c"]).map { index, zone in
            ClientRange(AddressRange(10 << 24 | UInt32(index) << 8, prefixLength: 24), node: "node-\(zone)", zone: zone)
        }
        _ = router.swap(table, now: now)
    }

    static func client(_ zone: String, _ last: UInt32 = 9) -> UInt32 {
        10 << 24 | UInt32(["a", "b", "c"].firstIndex(of: zone)!) << 8 | last
    }

    func id(client: UInt32, _ head: RequestHead = RequestHead(method: "GET", target: "/"), avoiding: [EndpointID] = [])
        -> EndpointID?
    {
        guard case .stay(var stay)? = router.backend(Self.backend).map({ router.admit($0, head, client: client, now: now) }) else {
            return nil
        }
        let time = Timestamp(nanosecondsSince1970: 1_000_000_000_000) + (now - .zero)
        router.recall(&stay, head, time: { time })
        defer { router.left(stay) }
        guard
            case .endpoint(let id) = router.choose(router.backend(Self.backend)!, client: client, avoiding: avoiding, stay: stay, now: now)
        else {
            return nil
        }
        return id
    }

    func last(_ id: EndpointID) -> UInt32 { router.address(of: id).host & 255 }

    /// How many of so many requests, one after the other, each endpoint got.
    func counts(_ count: Int, client: UInt32 = 1) -> [UInt32: Int] {
        var counts: [UInt32: Int] = [:]
        for _ in 0..<count {
            guard let id = id(client: client) else { continue }
            counts[last(id), default: 0] += 1
            router.finished(id, .exchanges)
        }
        return counts
    }
}

extension TrafficRules {
    static func with(_ change: (inout TrafficRules) -> Void) -> TrafficRules {
        var rules = TrafficRules()
        change(&rules)
        return rules
    }
}

func labels(_ key: String, _ value: String) -> LabelSelector { LabelSelector([.init(key, .in, [value])]) }
