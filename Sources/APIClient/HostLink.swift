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
    /// What the hello says of the program that this process runs; see `Release.program`.
    private let program: String
    private var isReady = false
    /// Nil while there is no `up`.
    private var line: MessageLine?
    private var lostAt: Instant?
    private var stored: [String: Int32] = [:]
    private var fetched: [(name: String, descriptor: Int32)] = []
    private var replies: [Int64: (Value) -> Void] = [:]
    private var nextRequest: Int64 = 1
    private var isClosed = false
    private let greetingLimit: Duration
    /// Set from the hello to a new `up` until its welcome: nothing but the hello is sent, and what it kept is not needed.
    private var isGreeting = false
    private var greetingTimer: EventLoop.Timer?
    /// What `up` has of this role and is not stored here, as it says in a greeting.
    private var found: [String: Int32] = [:]
    /// What was said during a greeting; it follows the welcome.
    private var waiting: [Value] = []

    /// What `up` asks of this role: an object with `op`.
    package var onMessage: (Value) -> Void = { _ in }
    /// A descriptor that an earlier process of this role had under way to `up` when it died, and that came after `fetchAll`; or one that was removed
    /// here while there was no line. It is the receiver's own, who removes what it does not want. Nil: nothing is wanted.
    package var onDescriptor: ((_ name: String, _ descriptor: Int32) -> Void)?
    /// `up` runs another program by now, and so is this process to do, with these arguments: the descriptor stands for the program and is the
    /// receiver's. Called AFTER all that this role has said is with `up`.
    package var onBecome: (_ program: Int32, _ arguments: [String]) -> Void = { program, _ in closeDescriptor(program) }
    /// `up` is gone. Called before the first attempt to reach a new one, and again before each further one.
    package var onHostLost: () -> Void = {}
    /// A new `up` was reached; it has everything that the old one had of this role.
    package var onHostBack: () -> Void = {}

    /// `up` was asked for a sign of life, as every `heartbeatPeriod`, or would have been if there were one.
    package var onBeat: () -> Void = {}
    /// `up` has said something. Not while it is being greeted.
    package var onHeard: () -> Void = {}
    /// Whether the present `up` says of itself that it answers beats; an older version does not.
    package private(set) var answersBeats = false

    /// What `up` gives to every role under such a name is only held, so that it outlives `up`; a new `up` gets it back.
    package static let heldPrefix = "held:"
    private static let releaseOperation = "release"
    private static let beatOperation = "beat"
    /// In a role's beat: `up` is to answer it, which it does with the same word. In a welcome: it will.
    private static let answeringField = "answers"
    private static let welcomeOperation = "welcome"
    /// With what `up` ends its greeting.
    package static let welcome: Value = ["op": .string(welcomeOperation), answeringField: true]
    private static let beatMessage: Value = ["op": .string(beatOperation), answeringField: true]
    /// What `up` answers to a beat; nil where the role, of an older version, does not ask for it.
    package static func answer(toBeat beat: Value) -> Value? {
        beat[answeringField].bool == true ? ["op": .string(beatOperation)] : nil
    }
    /// What `up` says to a role that is to hold something no more.
    package static func release(_ name: String) -> Value { ["op": .string(releaseOperation), "name": .string(name)] }
    /// How often a role says that it lives. `up` gives up on a silent one after several of these.
    package static let heartbeatPeriod: Duration = .seconds(2)
    /// How long to wait between attempts to reach a new `up`.
    private static let reconnectDelay: Duration = .milliseconds(20)
    /// How long the first exchange may take, in which `up` hands over what it kept.
    package static let greetingLimit: Duration = .seconds(10)
    /// What waits for a welcome; beyond it the link starts anew, which stores everything again.
    private static let waitingLimit = MessageLine.outboxLimit
    /// How long `up` may be away or not read before launches go on without its custody. A new one is there within a tenth of it.
    package static let custodyPatience: Duration = .seconds(1)

    /// Says hello to `up` and takes what it kept for this role. Blocks until then (milliseconds); only here: a later `up` is greeted from the loop,
    /// which has traffic to serve meanwhile.
    package init(
        loop: EventLoop, socketPath: String, role: String, program: String = "", greetingLimit: Duration = HostLink.greetingLimit
    ) throws(LinuxError) {
        self.loop = loop
        self.program = program
        self.greetingLimit = greetingLimit
        path = socketPath
        self.role = role
        let line = try connect()
        for (name, descriptor) in try receiveKept(line) {
            if name.hasPrefix(Self.heldPrefix) { stored[name] = descriptor } else { fetched.append((name, descriptor)) }
        }
        beat()
    }

    // MARK: - Descriptor store

    package func store(_ name: String, _ descriptor: Int32) {
        hold(name, descriptor)
        // The welcome is followed by all that is stored then.
        if !isGreeting, let copy = stored[name] { send(Self.storing(name), descriptor: copy) }
    }

    package func remove(_ name: String) {
        if let old = stored.removeValue(forKey: name) { closeDescriptor(old) }
        // What is not stored any more is not stored again after the welcome.
        if !isGreeting { send(["op": "remove", "name": .string(name)]) }
    }

    package func custody(of name: String) -> CustodyAnswer {
        // What was sent before must be with `up` before, or it could come to a removal of what the child has stored.
        if let line, !isGreeting, line.isClear { return .line(line.socket, JSON.text(Self.storing(name))) }
        guard let since = lostAt ?? line?.blockedSince, loop.now - since < Self.custodyPatience else { return .nowhere }
        return .later
    }

    package func isStored(_ name: String, _ descriptor: Int32) { hold(name, descriptor) }

    package func want(_ name: String) { send(["op": "want", "name": .string(name)]) }

    /// A copy of our own: it is what is stored again with a new `up`.
    private func hold(_ name: String, _ descriptor: Int32) {
        guard let copy = try? Sockets.duplicate(descriptor) else { return }
        if let old = stored.updateValue(copy, forKey: name) { closeDescriptor(old) }
    }

    private static func storing(_ name: String) -> Value { ["op": "store", "name": .string(name)] }

    /// Whether a copy of this is kept here, for a new `up`.
    package func holds(_ name: String) -> Bool { stored[name] != nil }

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
        guard line != nil else { return loop.later { done(.null) } }
        var message = message
        message["id"] = .int(nextRequest)
        replies[nextRequest] = done
        nextRequest += 1
        send(message)
    }

    /// Tells `up` something; no answer is expected.
    package func tell(_ message: Value) { send(message) }

    /// This role does its work from now on. Every later `up` is told so, too.
    package func ready() {
        isReady = true
        send(["op": "ready"])
    }

    /// Tells `up` what is of use at once or not at all: dropped while there is no line, or many messages wait.
    package func hint(_ message: Value) { if !isGreeting { line?.hint(message) } }

    /// The process that listened when the line was made: `up`, whatever program it has become since.
    package var hostProcess: Int32? { line.map { PeerIdentity.ofUnix($0.socket).pid }.flatMap { $0 > 1 ? $0 : nil } }

    /// Ends the link without telling anybody.
    package func close() {
        isClosed = true
        disconnect()
        for descriptor in stored.values { closeDescriptor(descriptor) }
        stored = [:]
        for (_, descriptor) in fetched { closeDescriptor(descriptor) }
        fetched = []
    }

    // MARK: - The line

    private func connect() throws(LinuxError) -> MessageLine {
        let line = try MessageLine(loop: loop, socket: try Sockets.connect(to: .unix(path), type: .sequencedPackets))
        line.onMessage = { [weak self] in self?.received($0, $1) }
        line.onEnd = { [weak self] in self?.lost() }
        line.send(["op": "hello", "role": .string(role), "program": .string(program), "ready": .bool(isReady)])
        self.line = line
        return line
    }

    private func receiveKept(_ line: MessageLine) throws(LinuxError) -> [(name: String, descriptor: Int32)] {
        var kept: [(name: String, descriptor: Int32)] = []
        let deadline = Clock.monotonic() + greetingLimit
        while true {
            guard let (message, descriptors) = try line.receive() else {
                let left = deadline - Clock.monotonic()
                guard left > .zero else { throw .timedOut("greeting of steady up at \(path)") }
                Sockets.waitUntilReadable(line.socket, within: left)
                continue
            }
            if isWelcome(message) { return kept }
            if let name = message["name"].string, let descriptor = descriptors.first { kept.append((name, descriptor)) }
        }
    }

    /// Whether that ends a greeting. If so, it says what can be expected of this `up`.
    private func isWelcome(_ message: Value) -> Bool {
        guard message["op"].string == Self.welcomeOperation else { return false }
        answersBeats = message[Self.answeringField].bool ?? false
        return true
    }

    /// All that is stored goes out before what waits: `up` then knows it when it answers.
    private func welcomed() {
        let found = found.sorted { $0.key < $1.key }
        self.found = [:]
        endGreeting()
        lostAt = nil
        let waited = waiting
        waiting = []
        for (name, descriptor) in stored.sorted(by: { $0.key < $1.key }) { send(Self.storing(name), descriptor: descriptor) }
        for message in waited { send(message) }
        for (name, descriptor) in found { offer(name, descriptor) }
        if line != nil { onHostBack() }
    }

    private func offer(_ name: String, _ descriptor: Int32) {
        if name.hasPrefix(Self.heldPrefix) {
            hold(name, descriptor)
        } else if stored[name] == nil, let onDescriptor {
            return onDescriptor(name, descriptor)
        }
        closeDescriptor(descriptor)
        if stored[name] == nil { remove(name) }
    }

    private func endGreeting() {
        isGreeting = false
        for descriptor in found.values { closeDescriptor(descriptor) }
        found = [:]
        greetingTimer?.cancel()
        greetingTimer = nil
    }

    private func disconnect() {
        endGreeting()
        waiting = []
        line?.close()
        line = nil
        if lostAt == nil { lostAt = loop.now }
        let unanswered = replies.sorted { $0.key < $1.key }
        replies = [:]
        for (_, done) in unanswered { done(.null) }
    }

    private func lost() {
        guard !isClosed, line != nil else { return }
        disconnect()
        retry()
    }

    private func retry() {
        guard !isClosed else { return }
        onHostLost()
        loop.schedule(after: Self.reconnectDelay) { [weak self] in
            guard let self, !isClosed, line == nil else { return }
            do throws(LinuxError) {
                _ = try connect()
                isGreeting = true
                greetingTimer = loop.schedule(after: greetingLimit) { [weak self] in self?.lost() }
            } catch {
                disconnect()
                retry()
            }
        }
    }

    private func beat() {
        guard !isClosed else { return }
        if !isGreeting { send(Self.beatMessage) }
        onBeat()
        loop.schedule(after: Self.heartbeatPeriod) { [weak self] in self?.beat() }
    }

    private func send(_ message: Value, descriptor: Int32? = nil) {
        guard isGreeting else { line?.send(message, descriptor: descriptor); return }
        guard waiting.count < Self.waitingLimit else { return lost() }
        waiting.append(message)
    }

    /// Before what was said is looked at again, whether it has gone out.
    private static let clearingDelay: Duration = .milliseconds(5)

    private func become(_ program: Int32, _ arguments: [String]) {
        guard let line else { return closeDescriptor(program) }
        if line.isClear { return onBecome(program, arguments) }
        loop.schedule(after: Self.clearingDelay) { [weak self] in
            guard let self else { return closeDescriptor(program) }
            become(program, arguments)
        }
    }

    private func received(_ message: Value, _ descriptors: [Int32]) {
        if !isGreeting { onHeard() }
        if !isGreeting, message["op"].string == "become", let program = descriptors.first {
            descriptors.dropFirst().forEach(closeDescriptor)
            return become(program, message["arguments"].elements.compactMap(\.string))
        }
        if message["op"].string == "descriptor", let name = message["name"].string, let descriptor = descriptors.first {
            descriptors.dropFirst().forEach(closeDescriptor)
            guard isGreeting else { return offer(name, descriptor) }
            if stored[name] != nil { return closeDescriptor(descriptor) }
            if let double = found.updateValue(descriptor, forKey: name) { closeDescriptor(double) }
            return
        }
        descriptors.forEach(closeDescriptor)
        if isGreeting {
            if isWelcome(message) { welcomed() }
        } else if message["op"].string == Self.beatOperation {
            // It was all that there is to say.
        } else if message["op"].string == Self.releaseOperation, let name = message["name"].string {
            if let old = stored.removeValue(forKey: name) { closeDescriptor(old) }
        } else if let request = message["reply"].int {
            replies.removeValue(forKey: request)?(message)
        } else {
            onMessage(message)
        }
    }
}
