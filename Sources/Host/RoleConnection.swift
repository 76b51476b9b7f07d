import Formats
import Linux

/// One line to `up`'s socket: a role's or a client verb's. Messages are JSON objects with `op`; a descriptor may come with one.
final class RoleConnection {
    let socket: Int32
    /// The process at the other end, as of its connect.
    let peer: Int32
    /// Empty until it says hello.
    var role = ""
    private let loop: EventLoop
    private var watch: EventLoop.Watch?
    private var outbox: [(bytes: [UInt8], descriptor: Int32?)] = []
    private let onMessage: (RoleConnection, Value, [Int32]) -> Void
    private let onEnd: (RoleConnection) -> Void

    /// A role that does not read this many messages is cut off; it comes back and is told everything again.
    private static let outboxLimit = 65_536

    init(
        loop: EventLoop, socket: Int32, peer: Int32, onMessage: @escaping (RoleConnection, Value, [Int32]) -> Void,
        onEnd: @escaping (RoleConnection) -> Void
    ) throws(LinuxError) {
        self.loop = loop
        self.socket = socket
        self.peer = peer
        self.onMessage = onMessage
        self.onEnd = onEnd
        watch = try loop.watch(socket, .read) { [weak self] in self?.onReady($0) }
    }

    var isOpen: Bool { watch != nil }

    /// The descriptor is copied into the message when it is sent: it must stay open until then.
    func send(_ message: Value, descriptor: Int32? = nil) {
        guard isOpen else { return }
        guard outbox.count < Self.outboxLimit else { return end() }
        outbox.append((JSON.serialize(message), descriptor))
        flush()
    }

    /// Tells a proxy that a process at this address has ended. Only a hint: a proxy that does not keep up does without.
    func passOn(ended address: Value) {
        guard role.hasPrefix("proxy-"), outbox.count < Self.hintLimit else { return }
        send(["op": "ended", "address": address])
    }

    /// With so many messages waiting a hint would come too late to be of use.
    private static let hintLimit = 256

    /// Answers the request, if the other side waits for an answer.
    func reply(to request: Value, _ answer: Value) {
        guard let id = request["id"].int else { return }
        var answer = answer
        answer["reply"] = .int(id)
        send(answer)
    }

    func end() {
        guard isOpen else { return }
        watch?.cancel()
        watch = nil
        closeDescriptor(socket)
        outbox = []
        onEnd(self)
    }

    private func flush() {
        var sent = 0
        defer { if isOpen { outbox.removeFirst(sent) } }
        while sent < outbox.count {
            let (bytes, descriptor) = outbox[sent]
            do throws(LinuxError) {
                try DescriptorPassing.send(bytes, descriptors: descriptor.map { [$0] } ?? [], over: socket)
            } catch  where error.isWouldBlock {
                watch?.update([.read, .write])
                return
            } catch {
                loop.later { [weak self] in self?.end() }
                return
            }
            sent += 1
        }
        watch?.update(.read)
    }

    private func onReady(_ readiness: EventLoop.Readiness) {
        if readiness.isWritable { flush() }
        while isOpen {
            do throws(LinuxError) {
                guard let (bytes, descriptors) = try DescriptorPassing.receive(from: socket) else { return }
                guard !bytes.isEmpty, let message = try? JSON.parse(bytes) else {
                    descriptors.forEach(closeDescriptor)
                    return end()
                }
                onMessage(self, message, descriptors)
            } catch {
                return end()
            }
        }
    }
}
