/// Moves the sockets of one pod to its address: the answers to its programs' `bind` calls.
///
/// A wildcard or loopback bind with a port becomes `POD_IP:port`. A second socket of the *other* IP family on the same port is a twin
/// (`listen 80; listen [::]:80`): the first already serves both, so the twin is bound where nobody looks and told that all is well.
package struct BindHandOff: Sendable {
    /// How the call is answered.
    package enum Outcome: Hashable, Sendable {
        case unchanged
        case moved(port: UInt16)
        /// The twin of a socket that serves the port already.
        case twin(port: UInt16)
        /// The program saw the error; `errno` as in bind(2).
        case refused(port: UInt16, HandOffError)
        /// The socket could not be taken: the bind went on unchanged.
        case outOfReach(port: UInt16, HandOffError)
        /// The caller died before it was answered.
        case gone
    }

    private struct Place: Hashable {
        var transport: AddressCall.Transport
        var port: UInt16
    }

    package let podAddress: UInt32
    /// The family that took each place last; what tells a twin from a real collision.
    private var families: [Place: AddressCall.Family] = [:]

    package init(podAddress: UInt32) { self.podAddress = podAddress }

    /// Who has the place, as the kernel tells it: an earlier agent may have answered that bind.
    private func family(at place: Place) -> AddressCall.Family? { Sockets.family(at: podAddress, port: place.port, place.transport) }

    /// Answers one `bind`.
    package mutating func answer(_ call: AddressCall) -> Outcome {
        let port: UInt16
        switch call.destination {
        case .any(let number), .loopback(let number): port = number
        case .local, .other:
            call.pass()
            return .unchanged
        case .unreadable(let error):
            call.pass()
            return .outOfReach(port: 0, error)
        }
        guard port != 0 else {
            call.pass()
            return .unchanged
        }
        let socket: HeldSocket
        do { socket = try call.takeSocket() } catch {
            call.pass()
            return .outOfReach(port: port, error)
        }
        defer { socket.close() }
        guard call.isWaiting else { return .gone }
        let place = Place(transport: socket.transport, port: port)
        do {
            try socket.bind(podAddress, port: port)
            families[place] = socket.family
            call.finish()
            return .moved(port: port)
        } catch {
            if error.isAddressInUse, let other = families[place] ?? family(at: place), other != socket.family {
                do {
                    if socket.family == .ipv6 { try socket.bindToIPv6Loopback() } else { try socket.bind(podAddress, port: 0) }
                    call.finish()
                    return .twin(port: port)
                } catch { /* The first error is the one that tells. */  }
            }
            call.finish(errno: error.errno)
            return .refused(port: port, error)
        }
    }
}
