/// Leads the connections of one pod's programs to itself: the answers to their `connect` calls.
///
/// The containers of a pod find each other on the loopback address, though each pod's loopback binds were moved to the pod's own address. So a
/// connection to `127.0.0.1:P`, `[::1]:P` or `0.0.0.0:P` goes to the pod when it listens on P itself, else to the machine, unchanged. To the pod and
/// to other addresses of 127.0.0.0/8 (services, pods) a connection leaves from the pod's address.
package struct ConnectHandOff: Sendable {
    /// How a call was answered.
    package enum Outcome: Hashable, Sendable {
        case unchanged
        /// It went to the pod itself. The caller was told what the kernel said, which may be a failure.
        case led(port: UInt16)
        /// It goes on as it was asked for, from the pod's address.
        case sourced
        /// The socket could not be taken: the call went on unchanged.
        case outOfReach(port: UInt16, HandOffError)
        /// The caller died before it was answered.
        case gone
    }

    package let podAddress: UInt32

    package init(podAddress: UInt32) { self.podAddress = podAddress }

    /// Answers one `connect`. Never waits: a blocking one that is under way is finished by the kernel in the caller's own time, with its own
    /// limits and signals, since a `connect` on a socket that connects already waits for that, whatever address it names. The one thing that differs
    /// then: an SO_SNDTIMEO that passes is told as EALREADY, not as EINPROGRESS.
    package func answer(_ call: AddressCall) -> Outcome {
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
        if !keepsSource { try? socket.bindSource(podAddress) }
        switch socket.beginConnect(podAddress, port: port) {
        case .done: call.finish()
        case .pending(_, callerWaits: true): call.pass()
        case .pending(let error, callerWaits: false), .failed(let error): call.finish(errno: error.errno)
        }
        return .led(port: port)
    }
}
