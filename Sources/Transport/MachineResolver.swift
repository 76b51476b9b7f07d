import Linux
import Timing
import Wire

/// What `/etc/resolv.conf` says, read anew when it was not looked at for a while.
package final class MachineResolver {
    /// How long it is believed unread.
    package static let lookPeriod = Duration.seconds(1)
    package static let port: UInt16 = 53

    private let path: String
    private let port: UInt16
    private var lastLook: Instant?
    private var known: ResolverConfiguration
    private var addresses: [SocketAddress]

    /// - Parameters:
    ///   - path: the machine's resolver configuration; while it cannot be read, what it said last counts.
    ///   - port: for tests.
    package init(path: String = "/etc/resolv.conf", port: UInt16 = MachineResolver.port) {
        self.path = path
        self.port = port
        known = ResolverConfiguration()
        addresses = Self.addresses(known, port)
    }

    private func look() {
        let now = Clock.monotonic()
        if let lastLook, now - lastLook < Self.lookPeriod { return }
        lastLook = now
        guard let text = try? Files.text(path) else { return }
        let found = ResolverConfiguration(text)
        guard found != known else { return }
        known = found
        addresses = Self.addresses(found, port)
    }

    /// What is no address, or in the zone of a link that this machine does not have, is asked by nobody.
    private static func addresses(_ configuration: ResolverConfiguration, _ port: UInt16) -> [SocketAddress] {
        configuration.effectiveServers.compactMap { name in
            if let address = IPv4Address(name) { return .ipv4(address, port: port) }
            return IPv6Address(name).map { .ipv6($0, port: port) }
        }
    }

    package var current: ResolverConfiguration {
        look()
        return known
    }

    /// Whom the machine's programs ask, in their order.
    package var servers: [SocketAddress] {
        look()
        return addresses
    }
}
