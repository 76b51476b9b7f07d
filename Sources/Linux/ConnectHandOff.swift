/// Leads the connections of one pod's programs to itself: the answers to their `connect` calls.
///
/// The containers of a pod find each other on the loopback address, though each pod's loopback binds were moved to the pod's own address. So a
/// connection to `127.0.0.1:P`, `[::1]:P` or `0.0.0.0:P` goes to the pod when it listens on P itself, else to the machine, unchanged. To the pod and
/// to other addresses of 127.0.0.0/8 (services, pods) a connection leaves from the pod's address.
package struct ConnectHandOff {
    /// How a call was answered.
    package enum Outcome: Hashable, Sendable {
        case unchanged
        /// It went to the pod itself. The caller was told what the kernel said, which may be a failure.
        case led(port: UInt16)
        /// It went by a detour, from this port to that one. The caller was told what the kernel said.
        case detoured(port: UInt16, to: UInt16)
        /// It goes on as it was asked for, from the pod's address.
        case sourced
        /// The socket could not be taken: the call went on unchanged.
        case outOfReach(port: UInt16, HandOffError)
        /// The caller died before it was answered.
        case gone
    }

    package let podAddress: UInt32
    /// Nil: every connection goes where it wants to.
    package let detours: Detours?

    package init(podAddress: UInt32, detours: Detours? = nil) {
        self.podAddress = podAddress
        self.detours = detours
    }

    /// Answers one `connect`. Never waits: a blocking one that is under way is finished by the kernel in the caller's own time, with its own
    /// limits and signals, since a `connect` on a socket that connects already waits for that, whatever address it names. The one thing that differs
    /// then: an SO_SNDTIMEO that passes is told as EALREADY, not as EINPROGRESS.
    package func answer(_ call: AddressCall) -> Outcome {
        if let detours, let place = call.place, detours.mayConcern(place) {
            if let outcome = detour(call, place, detours) { return outcome }
        }
        let port: UInt16
        let isOwn: Bool
        switch call.destination {
        case .any(let number), .loopback(let number): (port, isOwn) = (number, true)
        case .local(let number): (port, isOwn) = (number, false)
        case .other:
            call.pass()
            return .unchanged
        case .unreadable(let error):
            call.pass()
            return .outOfReach(port: 0, error)
        }
        let socket: HeldSocket
        do { socket = try call.takeSocket() } catch {
            call.pass()
            return .outOfReach(port: port, error)
        }
        defer { socket.close() }
        guard call.isWaiting else { return .gone }
        // A datagram socket may be connected anew to any address, so it keeps its source.
        let keepsSource = socket.transport == .datagram
        guard isOwn else {
            if !keepsSource { try? socket.bindSource(podAddress) }
            call.pass()
            return keepsSource ? .unchanged : .sourced
        }
        guard Sockets.family(at: podAddress, port: port, socket.transport) != nil else {
            call.pass()
            return .unchanged
        }
        connect(socket, to: podAddress, port: port, for: call)
        return .led(port: port)
    }

    private func connect(_ socket: HeldSocket, to address: UInt32, port: UInt16, for call: AddressCall) {
        if socket.transport == .stream { try? socket.bindSource(podAddress) }
        switch socket.beginConnect(address, port: port) {
        case .done: call.finish()
        case .pending(_, callerWaits: true): call.pass()
        case .pending(let error, callerWaits: false), .failed(let error): call.finish(errno: error.errno)
        }
    }

    /// Nil: not answered, there is no detour.
    private func detour(_ call: AddressCall, _ place: AddressCall.Place, _ detours: Detours) -> Outcome? {
        let socket: HeldSocket
        do { socket = try call.takeSocket() } catch {
            call.pass()
            return .outOfReach(port: place.port, error)
        }
        defer { socket.close() }
        guard let (address, port) = detours.detour(of: place, socket.transport) else { return nil }
        guard call.isWaiting else { return .gone }
        connect(socket, to: address, port: port, for: call)
        return .detoured(port: place.port, to: port)
    }
}
