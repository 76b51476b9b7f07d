import Linux
import Supervision

/// The answers to the binds and connects of one pod.
final class SharedHandOff {
    private var binds: BindHandOff
    private var connects: ConnectHandOff
    private var holder = PortHolder()

    /// - Parameter detours: nil where every connection goes where it wants to.
    init(podAddress: UInt32, detours: Detours? = nil) {
        binds = BindHandOff(podAddress: podAddress)
        connects = ConnectHandOff(podAddress: podAddress, detours: detours)
    }

    /// Hears who makes the TCP sockets that are bound; nil costs nothing.
    var onBind: ((_ owner: UInt32) -> Void)?

    /// BEFORE anything of the pod is launched.
    var podAddress: UInt32 {
        get { binds.podAddress }
        set {
            binds = BindHandOff(podAddress: newValue)
            connects = ConnectHandOff(podAddress: newValue, detours: connects.detours)
        }
    }

    /// Answers one call; what people should know of it.
    func answer(_ call: AddressCall) -> (reason: String, message: String)? {
        switch call.kind {
        case .bind:
            if let onBind, let owner = call.streamOwner { onBind(owner) }
            return trouble(binds.answer(call))
        case .connect:
            guard case .outOfReach(_, let error) = connects.answer(call) else { return nil }
            return (
                "ConnectHandOffDenied",
                "a connection could not be looked at (\(error.text)), so 127.0.0.1 is the machine's for it (use $POD_IP), and it finds no Service by "
                    + "name. See kernel.yama.ptrace_scope"
            )
        }
    }

    private func trouble(_ outcome: BindHandOff.Outcome) -> (reason: String, message: String)? {
        switch outcome {
        case .unchanged, .moved, .twin, .gone: return nil
        case .refused(let port, let error) where error.isDenied:
            return (
                "BindDenied",
                "port \(port) needs the right to bind ports below 1024: run steady as root, give it the capability (setcap cap_net_bind_service=+ep on "
                    + "the steady program, or AmbientCapabilities in its unit), or lower net.ipv4.ip_unprivileged_port_start"
            )
        case .refused(let port, let error) where error.isAddressInUse:
            return ("AddressInUse", "port \(port): \(holder.describe(port: port, pod: podAddress))")
        case .refused(let port, let error): return ("BindFailed", "port \(port): \(error.text)")
        case .outOfReach(let port, let error):
            return (
                "BindHandOffDenied",
                (port == 0 ? "a socket" : "port \(port): the socket")
                    + " could not be taken (\(error.text)); the program was left to bind as it asked. See kernel.yama.ptrace_scope"
            )
        }
    }
}

/// Waits for the held calls of what one launch started, until the last of these processes has ended.
final class HandOffListener {
    private let descriptor: Int32
    private var watch: EventLoop.Watch?
    private var isClosed = false

    /// `descriptor` is owned from now on. `ended` is called once, unless it is closed before.
    init(
        _ descriptor: Int32, loop: EventLoop, handOff: SharedHandOff, trouble: @escaping (_ reason: String, _ message: String) -> Void,
        ended: @escaping () -> Void
    ) {
        self.descriptor = descriptor
        watch = try? loop.watch(descriptor, .read) { [weak self] readiness in
            if readiness.isHungUp {
                self?.close()
                return ended()
            }
            guard let call = AddressCall(from: descriptor), let found = handOff.answer(call) else { return }
            trouble(found.reason, found.message)
        }
    }

    func close() {
        guard !isClosed else { return }
        isClosed = true
        watch?.cancel()
        closeDescriptor(descriptor)
    }
}
