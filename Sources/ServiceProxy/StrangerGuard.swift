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
    private let ask: (EndpointAddress) throws(LinuxError) -> UInt32?
    private var told: Set<Sighting> = []
    /// Somebody else listens at a pod's address; called once for each while the table has the address.
    var onStranger: (EndpointAddress, _ user: UInt32, ListenerUsers) -> Void = { _, _, _ in }

    /// - Parameter ask: whose socket takes connections to an address; nil: the kernel is asked, over a line that is opened now, while there are
    ///   descriptors.
    init(counts: TrafficCounts, ask: ((EndpointAddress) throws(LinuxError) -> UInt32?)? = nil) {
        self.counts = counts
        if let ask {
            self.ask = ask
        } else {
            let inquiry = ListenerInquiry()
            // The line is opened by the first question.
            _ = try? inquiry.user(at: IPv4Address.loopback.bits, port: 1)
            self.ask = { address throws(LinuxError) in try inquiry.user(at: address.host, port: address.port) }
        }
    }

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
            return try ask(address).map { .user($0) } ?? .nobody
        } catch {
            // A want of our own says nothing of the machine: the connection is not trusted, and tried again later.
            return Sockets.isShortage(error) ? .nobody : .untold
        }
    }

    private func met(_ user: UInt32, at address: EndpointAddress, _ users: ListenerUsers) {
        counts.strangerCount += 1
        if told.count >= Self.toldLimit { told = [] }
        if told.insert(Sighting(address: address, user: user)).inserted { onStranger(address, user, users) }
    }
}
