import APIClient
import Formats
import Linux

/// What `steady up` was asked to run; kept in the data directory, so that whoever starts it again starts the same.
package struct HostConfiguration: Hashable, Sendable {
    package var zones: [String]
    package var nodesPerZone: Int
    /// Where the API listens on TCP; port 0 takes a free one, which is then kept.
    package var apiAddress: SocketAddress
    /// Where NodePort and LoadBalancer ports listen.
    package var exposeAddress: IPv4Address
    /// The slice of the loopback ranges (0 ... 15); nil: the first free one, which is then kept.
    package var block: Int?
    /// Whom pods run as when root started Steady.
    package var runAs: String?

    /// How often a snapshot is kept in the data directory, in seconds; 0: never.
    package var snapshotInterval: Int
    /// How many of them stay.
    package var snapshotKeep: Int
    /// How many proxies take new connections, all on the same listeners.
    package var proxyCount = 1
    /// Which ones do: others after each upgrade.
    package var proxies = [HostRole.firstProxy]
    /// The boot in which the instance ran last; nil: a version recorded it that did not ask.
    package var boot: String?
    /// It was stopped, and nothing that it ran was left; no server has served since.
    package var isStopped = false
    /// A server has stored a state here: one that finds none any more must not begin with an empty one.
    package var hasState = false

    /// Hourly, for a day.
    package static let defaultSnapshotInterval = 3600
    package static let defaultSnapshotKeep = 24

    /// Slices that the loopback ranges are divided into.
    package static let blockCount = 16
    /// Nodes that one instance's pod range has room for.
    package static let nodeLimit = 128
    /// Proxies of one instance: each is one thread.
    package static let proxyLimit = 8

    package init(
        zones: [String] = ["a", "b", "c"], nodesPerZone: Int = 1, apiAddress: SocketAddress = .ipv4(.loopback, port: 0),
        exposeAddress: IPv4Address = .loopback, block: Int? = nil, runAs: String? = nil,
        snapshotInterval: Int = HostConfiguration.defaultSnapshotInterval, snapshotKeep: Int = HostConfiguration.defaultSnapshotKeep
    ) {
        self.zones = zones
        self.nodesPerZone = nodesPerZone
        self.apiAddress = apiAddress
        self.exposeAddress = exposeAddress
        self.block = block
        self.runAs = runAs
        self.snapshotInterval = snapshotInterval
        self.snapshotKeep = snapshotKeep
    }

    /// A simulated node: `a1` is the first of zone a. `index` numbers them over the whole instance.
    package struct Node: Hashable, Sendable {
        package var name: String
        package var zone: String
        package var index: Int
    }

    /// Every node: zone by zone.
    package var nodes: [Node] {
        zones.flatMap { zone in (1...max(1, nodesPerZone)).map { (zone, $0) } }.enumerated().map { index, entry in
            Node(name: "\(entry.0)\(entry.1)", zone: entry.0, index: index)
        }
    }

    /// Of this record; a later one is refused by name.
    package static let format = 1

    package var value: Value {
        var out: Value = [
            "format": .int(Int64(Self.format)),
            "zones": .array(zones.map { .string($0) }), "nodesPerZone": .int(Int64(nodesPerZone)), "api": .string(apiAddress.description),
            "expose": .string(exposeAddress.description), "snapshotInterval": .int(Int64(snapshotInterval)),
            "snapshotKeep": .int(Int64(snapshotKeep)), "proxy": .string(proxies.first ?? HostRole.firstProxy),
        ]
        // A version that knows of one proxy alone goes on with the first, and lets the others finish what they have.
        if proxyCount > 1 || proxies.count > 1 {
            out["proxyCount"] = .int(Int64(proxyCount))
            out["proxies"] = .array(proxies.map { .string($0) })
        }
        if let block { out["block"] = .int(Int64(block)) }
        if let runAs { out["runAs"] = .string(runAs) }
        if let boot { out["boot"] = .string(boot) }
        if isStopped { out["stopped"] = true }
        // Also where it is false: that it is there says that this record's version knows of `journal.reached`.
        out["hasState"] = .bool(hasState)
        // By the shorter word as well, which is all that an earlier version reads: it must not begin empty after a way back to it.
        if hasState { out["state"] = true }
        return out
    }

    /// Nil when the record is not one of ours.
    package init?(_ value: Value) {
        guard let nodesPerZone = value["nodesPerZone"].int, let api = value["api"].string.flatMap(SocketAddress.init),
            let expose = value["expose"].string.flatMap(IPv4Address.init), !value["zones"].elements.isEmpty
        else { return nil }
        self.init(
            zones: value["zones"].elements.compactMap(\.string), nodesPerZone: Int(nodesPerZone), apiAddress: api, exposeAddress: expose,
            block: value["block"].int.map(Int.init).flatMap { (0..<Self.blockCount).contains($0) ? $0 : nil }, runAs: value["runAs"].string,
            snapshotInterval: value["snapshotInterval"].int.map(Int.init) ?? Self.defaultSnapshotInterval,
            snapshotKeep: value["snapshotKeep"].int.map(Int.init) ?? Self.defaultSnapshotKeep)
        proxyCount = value["proxyCount"].int.map(Int.init).flatMap { (1...Self.proxyLimit).contains($0) ? $0 : nil } ?? 1
        let named = value["proxies"].elements.compactMap(\.string)
        // Written by a version that knows of one alone since: its word is the newer one.
        if let proxy = value["proxy"].string { proxies = named.first == proxy ? named : [proxy] }
        boot = value["boot"].string
        isStopped = value["stopped"].bool ?? false
        // An earlier version said so by a shorter word.
        hasState = value["hasState"].bool ?? value["state"].bool ?? false
    }
}

/// Why `steady up` cannot start or go on, with the remedy.
package struct HostError: Error, Sendable, CustomStringConvertible {
    package let message: String
    package init(_ message: String) { self.message = message }
    package var description: String { message }
}
