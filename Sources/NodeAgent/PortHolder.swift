import Linux
import Resources
import Supervision
import Timing

/// Finds who keeps a pod from a port, for the message.
///
/// It is asked while a program's `bind` is held, on the agent's only thread: what it may cost is bounded, also where a machine has very many sockets.
struct PortHolder {
    /// Descriptors that are looked at for one answer; who is not found by then has no name in the message.
    static let descriptorLimit = 4096
    /// For so long an answer is given again: a program may try to bind many times a second.
    static let memory = Duration.seconds(10)

    private var port: UInt16 = 0
    private var told = ""
    private var toldAt: Instant?

    /// Why the pod cannot have the port. `pod`: its address, host order.
    mutating func describe(port: UInt16, pod: UInt32, now: Instant = Clock.monotonic()) -> String {
        if let toldAt, self.port == port, now < toldAt + Self.memory { return told }
        self.port = port
        told = Self.look(port, pod)
        toldAt = now
        return told
    }

    /// Ports that are looked at before a pod gets its address.
    static let portLimit = 16

    /// Where the pod says that it will listen.
    static func ports(of pod: Pod) -> [UInt16] {
        let ports = pod.spec.containers.flatMap(\.ports).filter { $0.transport == .tcp }.compactMap { $0.containerPort?.number }
        return Array(ports.prefix(portLimit))
    }

    /// Whether somebody listens at exactly this address on one of the ports: a program that an instance before this one, or another one, left behind.
    /// A few microseconds each, however many sockets there are.
    static func isHeld(_ address: AddressPool.Address, _ ports: [UInt16]) -> Bool {
        ports.contains { Sockets.family(at: address, port: $0, .stream) != nil }
    }

    private static func look(_ port: UInt16, _ pod: UInt32) -> String {
        guard let found = ListenerInquiry.socket(at: pod, port: port) else { return "address already in use" }
        let who = process(ofSocket: found.inode).map { " by \($0)" } ?? ""
        if found.address == pod { return "address \(AddressPool.text(pod)):\(port) already in use\(who)" }
        return
            "port \(port) of every address of this machine is held\(who), which keeps pods from it; stop that program, or let it bind one address"
    }

    private static func process(ofSocket inode: UInt32) -> String? {
        var remaining = descriptorLimit
        for pid in Survivors.everybody() {
            for descriptor in (try? Files.list("/proc/\(pid)/fd")) ?? [] {
                guard remaining > 0 else { return nil }
                remaining -= 1
                guard Files.linkTarget("/proc/\(pid)/fd/\(descriptor)") == "socket:[\(inode)]" else { continue }
                let name = ((try? Files.text("/proc/\(pid)/comm")) ?? "").split(separator: "\n").first.map(String.init) ?? "?"
                return "\(name) (pid \(pid))"
            }
        }
        return nil
    }
}
