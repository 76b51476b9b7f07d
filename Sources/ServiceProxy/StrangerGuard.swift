import Linux
import Resources
import Traffic

/// Keeps traffic from listeners that are not their pod's: when a program dies, any user of the machine may bind its address.
///
/// Asked twice for each new connection to an endpoint. BEFORE the connect, so that a stranger learns of no client; and once it is established,
/// BEFORE a byte is sent, since the listener may have changed between the two. A connection that is kept open is not asked about again.
final class StrangerGuard {
    /// How many listeners are remembered as told; what comes beyond that is told again.
    private static let toldLimit = 1024

    private struct Sighting: Hashable {
        var address: EndpointAddress
        var user: UInt32
    }

    private let counts: TrafficCounts
    private let inquiry = ListenerInquiry()
    private var told: Set<Sighting> = []
    /// Somebody else listens at a pod's address; called once for each while the table has the address.
    var onStranger: (EndpointAddress, _ user: UInt32, ListenerUsers) -> Void = { _, _, _ in }

    init(counts: TrafficCounts) { self.counts = counts }

    /// Whether a stranger would get a connection to this address.
    func isStranger(at address: EndpointAddress, for users: ListenerUsers?) -> Bool {
        guard let users, case .stranger(let user) = users.judge(finding(at: address)) else { return false }
        met(user, at: address, users)
        return true
    }

    /// Whether an established connection leads to the pod.
    func leadsHome(_ connection: Int32, to address: EndpointAddress, for users: ListenerUsers?) -> Bool {
        guard let users else { return true }
        var verdict = users.judge(finding(at: address))
        // The listener is gone again: a program may accept one connection and no other. Then who accepted this one counts.
        if verdict == .nobody, case .user(let user) = PeerIdentity.ofTCP(connection) { verdict = users.judge(.user(user)) }
        if case .stranger(let user) = verdict { met(user, at: address, users) }
        return verdict == .ours
    }

    /// Forgets what was told of endpoints that left the table.
    func keep(_ table: RouteTable) {
        guard !told.isEmpty else { return }
        let listed = Set(table.backends.flatMap { $0.endpoints.map(\.address) })
        told = told.filter { listed.contains($0.address) }
    }

    private func finding(at address: EndpointAddress) -> ListenerUsers.Finding {
        do throws(LinuxError) {
            return try inquiry.user(at: address.host, port: address.port).map { .user($0) } ?? .nobody
        } catch { return .untold }
    }

    private func met(_ user: UInt32, at address: EndpointAddress, _ users: ListenerUsers) {
        counts.strangerCount += 1
        if told.count >= Self.toldLimit { told = [] }
        if told.insert(Sighting(address: address, user: user)).inserted { onStranger(address, user, users) }
    }
}
