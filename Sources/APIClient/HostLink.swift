import Formats
import Linux
import Timing

/// A role's line to `steady up`: descriptor store, heartbeat, and requests both ways.
///
/// When `up` dies, the link notices at once, helps to start a new one (`onHostLost`), comes back to it and stores again all that it had stored: a
/// role needs to do nothing of its own.
package final class HostLink: DescriptorStore {
    private let loop: EventLoop
    private let path: String
    private let role: String
    private var socket: Int32 = -1
    private var watch: EventLoop.Watch?
    private var outbox: [(bytes: [UInt8], descriptor: Int32?)] = []
    private var stored: [String: Int32] = [:]
    private var fetched: [(name: String, descriptor: Int32)] = []
    private var replies: [Int64: (Value) -> Void] = [:]
    private var nextRequest: Int64 = 1
    private var isClosed = false
    private let greetingLimit: Duration
    /// Set from the hello to a new `up` until its welcome: nothing but the hello is sent, and what it kept is not needed.
    private var isGreeting = false
    private var greetingTimer: EventLoop.Timer?
    /// What was said during a greeting; it follows the welcome.
    private var waiting: [Value] = []

    /// What `up` asks of this role: an object with `op`.
    package var onMessage: (Value) -> Void = { _ in }
    /// `up` is gone. Called before the first attempt to reach a new one, and again before each further one.
    package var onHostLost: () -> Void = {}
    /// A new `up` was reached; it has everything that the old one had of this role.
    package var onHostBack: () -> Void = {}

    /// What `up` gives to every role under such a name is only held, so that it outlives `up`; a new `up` gets it back.
    package static let heldPrefix = "held:"
    /// How often a role says that it lives. `up` gives up on a silent one after several of these.
    package static let heartbeatPeriod: Duration = .seconds(2)
    /// How long to wait between attempts to reach a new `up`.
    private static let reconnectDelay: Duration = .milliseconds(20)
    /// How long the first exchange may take, in which `up` hands over what it kept.
    package static let greetingLimit: Duration = .seconds(10)
    /// Messages that wait for a slow `up`, or for its welcome; beyond it the link starts anew, which stores everything again.
    private static let outboxLimit = 65_536

    /// Says hello to `up` and takes what it kept for this role. Blocks until then (milliseconds); only here: a later `up` is greeted from the loop,
    /// which has traffic to serve meanwhile.
    package init(
        loop: EventLoop, socketPath: String, role: String, greetingLimit: Duration = HostLink.greetingLimit
    ) throws(LinuxError) {
        self.loop = loop
        self.greetingLimit = greetingLimit
        path = socketPath
        self.role = role
        try connect()
        for (name, descriptor) in try receiveKept() {
            if name.hasPrefix(Self.heldPrefix) { stored[name] = descriptor } else { fetched.append((name, descriptor)) }
        }
        try attach()
        beat()
    }

    // MARK: - Descriptor store

    package func store(_ name: String, _ descriptor: Int32) {
        // A copy of our own: it is what is stored again with a new `up`.
        guard let copy = try? Sockets.duplicate(descriptor) else { return }
        if let old = stored.updateValue(copy, forKey: name) { closeDescriptor(old) }
        // The welcome is followed by all that is stored then.
        if !isGreeting { send(["op": "store", "name": .string(name)], descriptor: copy) }
    }

    package func remove(_ name: String) {
        guard let old = stored.removeValue(forKey: name) else { return }
        closeDescriptor(old)
        // What is not stored any more is not stored again after the welcome.
        if !isGreeting { send(["op": "remove", "name": .string(name)]) }
    }

    package func fetchAll() -> [(name: String, descriptor: Int32)] {
        defer { fetched = [] }
        for (name, descriptor) in fetched where stored[name] == nil {
            if let copy = try? Sockets.duplicate(descriptor) { stored[name] = copy }
        }
        return fetched
    }

    // MARK: - Requests

    /// Asks `up` for something; `done` is called with its answer. A lost `up` is asked again by whoever asked: the request is forgotten, and
    /// `done` gets null. So it does, later, while there is no line; one that is being greeted is a line.
    package func request(_ message: Value, _ done: @escaping (Value) -> Void) {
        guard socket >= 0 else { return loop.later { done(.null) } }
        var message = message
        message["id"] = .int(nextRequest)
        replies[nextRequest] = done
        nextRequest += 1
        send(message)
    }

    /// Tells `up` something; no answer is expected.
    package func tell(_ message: Value) { send(message) }

    /// Tells `up` what is of use at once or not at all: dropped while there is no line, or many messages wait.
    package func hint(_ message: Value) { if !isGreeting, outbox.count < Self.hintLimit { send(message) } }

    /// With so many messages waiting a hint would come too late to be of use.
    private static let hintLimit = 256

    /// Ends the link without telling anybody.
    package func close() {
        isClosed = true
        disconnect()
        for descriptor in stored.values { closeDescriptor(descriptor) }
        stored = [:]
    }

    // MARK: - The line

    private func connect() throws(LinuxError) {
        socket = try Sockets.connect(to: .unix(path), type: .sequencedPackets)
        outbox = []
        send(["op": "hello", "role": .string(role)])
    }

    private func receiveKept() throws(LinuxError) -> [(name: String, descriptor: Int32)] {
        var kept: [(name: String, descriptor: Int32)] = []
        let deadline = Clock.monotonic() + greetingLimit
        while true {
            guard let (bytes, descriptors) = try DescriptorPassing.receive(from: socket) else {
                let left = deadline - Clock.monotonic()
                guard left > .zero else { throw .timedOut("greeting of steady up at \(path)") }
                Sockets.waitUntilReadable(socket, within: left)
                continue
            }
            guard !bytes.isEmpty, let message = try? JSON.parse(bytes) else {
                throw .connectionReset("greeting of steady up at \(path)")
            }
            if message["op"].string == "welcome" { return kept }
            if let name = message["name"].string, let descriptor = descriptors.first { kept.append((name, descriptor)) }
        }
    }

    private func attach() throws(LinuxError) {
        watch = try loop.watch(socket, .read) { [weak self] readiness in self?.onReady(readiness) }
        flush()
    }

    /// All that is stored goes out before what waits: `up` then knows it when it answers.
    private func welcomed() {
        endGreeting()
        let waited = waiting
        waiting = []
        for (name, descriptor) in stored.sorted(by: { $0.key < $1.key }) {
            send(["op": "store", "name": .string(name)], descriptor: descriptor)
        }
        for message in waited { send(message) }
        if socket >= 0 { onHostBack() }
    }

    private func endGreeting() {
        isGreeting = false
        greetingTimer?.cancel()
        greetingTimer = nil
    }

    private func disconnect() {
        endGreeting()
        waiting = []
        watch?.cancel()
        watch = nil
        if socket >= 0 { closeDescriptor(socket) }
        socket = -1
        outbox = []
        let unanswered = replies.sorted { $0.key < $1.key }
        replies = [:]
        for (_, done) in unanswered { done(.null) }
    }

    private func lost() {
        guard !isClosed, socket >= 0 else { return }
        disconnect()
        retry()
    }

    private func retry() {
        guard !isClosed else { return }
        onHostLost()
        loop.schedule(after: Self.reconnectDelay) { [weak self] in
            guard let self, !isClosed, socket < 0 else { return }
            do throws(LinuxError) {
                try connect()
                isGreeting = true
                greetingTimer = loop.schedule(after: greetingLimit) { [weak self] in self?.lost() }
                try attach()
            } catch {
                disconnect()
                retry()
            }
        }
    }

    private func beat() {
        guard !isClosed else { return }
        if !isGreeting { send(["op": "beat"]) }
        loop.schedule(after: Self.heartbeatPeriod) { [weak self] in self?.beat() }
    }

    private func send(_ message: Value, descriptor: Int32? = nil) {
        guard socket >= 0 else { return }
        if isGreeting {
            guard waiting.count < Self.outboxLimit else { return lost() }
            return waiting.append(message)
        }
        guard outbox.count < Self.outboxLimit else { return lost() }
        outbox.append((JSON.serialize(message), descriptor))
        flush()
    }

    private func flush() {
        var sent = 0
        defer { outbox.removeFirst(sent) }
        while sent < outbox.count {
            let (bytes, descriptor) = outbox[sent]
            do throws(LinuxError) {
                // A descriptor that was removed meanwhile is closed and cannot be sent; its removal follows.
                try DescriptorPassing.send(bytes, descriptors: descriptor.map { [$0] } ?? [], over: socket)
            } catch  where error.isWouldBlock {
                watch?.update([.read, .write])
                return
            } catch  where error.isBadDescriptor {
            } catch {
                loop.later { [weak self] in self?.lost() }
                return
            }
            sent += 1
        }
        watch?.update(.read)
    }

    private func onReady(_ readiness: EventLoop.Readiness) {
        if readiness.isWritable { flush() }
        while socket >= 0 {
            do throws(LinuxError) {
                guard let (bytes, descriptors) = try DescriptorPassing.receive(from: socket) else { return }
                for descriptor in descriptors { closeDescriptor(descriptor) }
                guard !bytes.isEmpty, let message = try? JSON.parse(bytes) else { return lost() }
                if isGreeting {
                    if message["op"].string == "welcome" { welcomed() }
                } else if let request = message["reply"].int {
                    replies.removeValue(forKey: request)?(message)
                } else {
                    onMessage(message)
                }
            } catch {
                return lost()
            }
        }
    }
}
