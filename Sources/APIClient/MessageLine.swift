import Formats
import Linux
import Timing

/// One end of a line between `steady up` and a role or a client verb: JSON objects over a socket of sequenced packets, a descriptor with one where it
/// belongs to it.
package final class MessageLine {
    package let socket: Int32
    private let loop: EventLoop
    private var watch: EventLoop.Watch?
    private var outbox: [(bytes: [UInt8], descriptor: Int32?)] = []
    /// Since when messages wait that the other side does not take; nil when none does.
    package private(set) var blockedSince: Instant?
    /// The descriptors are the receiver's.
    package var onMessage: (Value, [Int32]) -> Void = { _, _ in }
    /// Called once, on the loop, when the other side is gone, speaks another language or does not read; not after `close`. The socket is closed then.
    package var onEnd: () -> Void = {}

    /// Whoever does not read this many messages is cut off: it comes back and is told everything again.
    package static let outboxLimit = 65_536

    /// The socket is the line's from now on, also when this throws.
    package init(loop: EventLoop, socket: Int32) throws(LinuxError) {
        self.loop = loop
        self.socket = socket
        do throws(LinuxError) {
            watch = try loop.watch(socket, .read) { [weak self] in self?.onReady($0) }
        } catch {
            closeDescriptor(socket)
            throw error
        }
    }

    deinit { close() }

    package var isOpen: Bool { watch != nil }

    /// Nothing waits: what is sent next goes out at once, and what was sent is with the other side.
    package var isClear: Bool {
        if isOpen { flush() }
        return isOpen && outbox.isEmpty
    }

    /// The descriptor is copied into the message when it goes out. One that was closed before that is not sent, nor is its message.
    package func send(_ message: Value, descriptor: Int32? = nil) {
        guard isOpen else { return }
        guard outbox.count < Self.outboxLimit else { return endLater() }
        outbox.append((JSON.serialize(message), descriptor))
        flush()
    }

    /// Sends what is of use at once or not at all.
    package func hint(_ message: Value) { if outbox.count < Self.hintLimit { send(message) } }

    /// With so many messages waiting a hint would come too late to be of use.
    private static let hintLimit = 256

    /// The next message, without the loop: nil when there is none yet.
    package func receive() throws(LinuxError) -> (message: Value, descriptors: [Int32])? {
        guard let (bytes, descriptors) = try DescriptorPassing.receive(from: socket) else { return nil }
        guard !bytes.isEmpty, let message = try? JSON.parse(bytes) else {
            descriptors.forEach(closeDescriptor)
            throw .connectionReset("message of steady up or one of its roles")
        }
        return (message, descriptors)
    }

    /// Ends the line without telling anybody.
    package func close() {
        guard isOpen else { return }
        watch?.cancel()
        watch = nil
        closeDescriptor(socket)
        outbox = []
        blockedSince = nil
    }

    private func end() {
        guard isOpen else { return }
        close()
        onEnd()
    }

    /// Whoever sends is in the midst of something.
    private func endLater() { loop.later { [weak self] in self?.end() } }

    private func flush() {
        var sent = 0
        defer { outbox.removeFirst(min(sent, outbox.count)) }
        while sent < outbox.count {
            let (bytes, descriptor) = outbox[sent]
            do throws(LinuxError) {
                try DescriptorPassing.send(bytes, descriptors: descriptor.map { [$0] } ?? [], over: socket)
            } catch  where error.isWouldBlock {
                if blockedSince == nil { blockedSince = loop.now }
                watch?.update([.read, .write])
                return
            } catch  where error.isBadDescriptor {
            } catch {
                return endLater()
            }
            sent += 1
        }
        guard blockedSince != nil else { return }
        blockedSince = nil
        watch?.update(.read)
    }

    private func onReady(_ readiness: EventLoop.Readiness) {
        if readiness.isWritable { flush() }
        while isOpen {
            do throws(LinuxError) {
                guard let (message, descriptors) = try receive() else { return }
                onMessage(message, descriptors)
            } catch {
                return end()
            }
        }
    }
}
