import Linux
import Timing
import Wire

/// What `/etc/resolv.conf` says, read anew when it was not looked at for a while.
final class MachineResolver {
    static let path = "/etc/resolv.conf"
    /// How long it is believed unread.
    static let lookPeriod = Duration.seconds(1)

    private var lastLook: Instant?
    private var known = ResolverConfiguration()
    private var knownServers: Set<[UInt8]> = []

    private func look() {
        let now = Clock.monotonic()
        if let lastLook, now - lastLook < Self.lookPeriod { return }
        lastLook = now
        guard let text = try? Files.text(Self.path) else { return }
        let found = ResolverConfiguration(text)
        guard found != known || knownServers.isEmpty else { return }
        known = found
        // Without any, resolvers ask the machine itself (resolv.conf(5)).
        let servers = found.nameServers.isEmpty ? ["127.0.0.1", "::1"] : found.nameServers
        knownServers = Set(servers.compactMap { IPAddressText.octets($0) })
    }

    var current: ResolverConfiguration {
        look()
        return known
    }

    /// 4 or 16 octets each.
    var servers: Set<[UInt8]> {
        look()
        return knownServers
    }
}
