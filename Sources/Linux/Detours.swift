/// Where a pod's connections go that would reach nobody, or not whom the pod means: questions about names to Steady's own server, and ports of
/// Services that the proxy has no right to, to those that it opened in their place.
package struct Detours {
    /// Whom the host's resolver configuration names: 4 or 16 octets each. Asked only about port 53.
    package var resolvers: () -> Set<[UInt8]>
    /// Host order.
    package private(set) var nameServer: UInt32
    package private(set) var nameServerPort: UInt16
    /// The name server is Steady's own, which may not be there.
    private var isOwn = true
    package var isService: (UInt32) -> Bool
    package var standIn: (UInt16) -> UInt16?

    package init(
        resolvers: @escaping () -> Set<[UInt8]>, nameServer: UInt32, nameServerPort: UInt16,
        isService: @escaping (UInt32) -> Bool, standIn: @escaping (UInt16) -> UInt16?
    ) {
        self.resolvers = resolvers
        self.nameServer = nameServer
        self.nameServerPort = nameServerPort
        self.isService = isService
        self.standIn = standIn
    }

    static let namePort: UInt16 = 53

    /// The same with another name server, in host order.
    package func asking(_ host: UInt32) -> Detours {
        if host == nameServer { return self }
        var out = self
        (out.nameServer, out.nameServerPort, out.isOwn) = (host, Self.namePort, false)
        return out
    }

    /// What leads a connection to a place elsewhere.
    private enum Cause {
        /// It asks about a name.
        case name
        /// It is to a Service, whose port may be open at this one instead.
        case standIn(UInt32, port: UInt16)
    }

    private func cause(of place: AddressCall.Place) -> Cause? {
        if place.port == Self.namePort, place.ipv4 == nameServer || resolvers().contains(place.host) { return .name }
        guard let host = place.ipv4, isService(host), let port = standIn(place.port) else { return nil }
        return .standIn(host, port: port)
    }

    /// Where a connection to `place` goes instead; nil: where it wants to, also where nobody listens who could take it in.
    func detour(of place: AddressCall.Place, _ transport: AddressCall.Transport) -> (address: UInt32, port: UInt16)? {
        switch cause(of: place) {
        case .name:
            if !isOwn { return place.ipv4 == nameServer ? nil : (nameServer, nameServerPort) }
            return isOpen(nameServer, nameServerPort, transport) ? (nameServer, nameServerPort) : nil
        case .standIn(let host, let port):
            guard transport == .stream else { return nil }
            return !isOpen(host, place.port, transport) && isOpen(host, port, transport) ? (host, port) : nil
        case nil: return nil
        }
    }

    /// Whether the transport matters at all: most connections are to other places, whose socket need not be taken for that.
    func mayConcern(_ place: AddressCall.Place) -> Bool { cause(of: place) != nil }

    private func isOpen(_ address: UInt32, _ port: UInt16, _ transport: AddressCall.Transport) -> Bool {
        Sockets.family(at: address, port: port, transport) != nil
    }
}
