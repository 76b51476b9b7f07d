import CLinux
import Glibc
import Timing

/// One thread's world: descriptors, timers and signals are handled one after the other, so nothing that is confined to a loop needs a lock.
///
/// In one turn: first what descriptors report, then due timers, then what was put off with `later`; then it sleeps until the next event.
/// A handler runs to its end; it must not block.
package final class EventLoop {
    private let epoll: Int32
    private let wake: Int32
    private let watches: WatchTable
    private var timers = TimerQueue()
    private var postponed: [() -> Void] = []
    private var atTurnEnd: [any TurnEndListener] = []
    private var signalDescriptor: Int32 = -1
    private var signalBodies: [Int32: [() -> Void]] = [:]
    private let inbox: Inbox
    private var isStopped = false
    private var events = [epoll_event](repeating: epoll_event(), count: 256)

    /// The time of this turn of the loop: read once a turn, so that all decisions of a turn agree.
    package private(set) var now: Instant

    package init() throws(LinuxError) {
        epoll = try attempt("epoll_create") { epoll_create1(Int32(EPOLL_CLOEXEC)) }
        watches = WatchTable(epoll: epoll)
        let wake = try attempt("eventfd") { eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK)) }
        self.wake = wake
        let inbox = Inbox(wake: wake)
        self.inbox = inbox
        now = Clock.monotonic()
        _ = try watch(wake, .read) { _ in
            var count: UInt64 = 0
            _ = Glibc.read(wake, &count, 8)
            for body in inbox.take() { body() }
        }
    }

    deinit {
        watches.clear()
        if signalDescriptor >= 0 { close(signalDescriptor) }
        close(wake)
        close(epoll)
    }

    /// What a watcher wants to hear of.
    package struct Interest: OptionSet, Sendable {
        package let rawValue: UInt32
        package init(rawValue: UInt32) { self.rawValue = rawValue }
        package static let read = Interest(rawValue: EPOLLIN.rawValue | EPOLLRDHUP.rawValue)
        package static let write = Interest(rawValue: EPOLLOUT.rawValue)
        /// Reports changes only: the handler must read or write until EAGAIN.
        package static let edge = Interest(rawValue: EPOLLET.rawValue)
        /// Of several loops that watch one listener, wakes one.
        package static let exclusive = Interest(rawValue: EPOLLEXCLUSIVE.rawValue)
        /// The kernel refuses EPOLLRDHUP together with EPOLLEXCLUSIVE; a listener has no use for it.
        var kernelBits: UInt32 { contains(.exclusive) ? rawValue & ~EPOLLRDHUP.rawValue : rawValue }
        /// Nothing but errors and hang-ups, which are always reported.
        package static let none: Interest = []
    }

    /// What happened to a descriptor.
    package struct Readiness: Sendable {
        let bits: UInt32
        package var isReadable: Bool { bits & (EPOLLIN.rawValue | EPOLLHUP.rawValue | EPOLLRDHUP.rawValue | EPOLLERR.rawValue) != 0 }
        package var isWritable: Bool { bits & (EPOLLOUT.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 }
        /// Both directions are over (a socket), or the last writer left (a pipe).
        package var isHungUp: Bool { bits & EPOLLHUP.rawValue != 0 }
        /// The other side will send no more.
        package var isReadHungUp: Bool { bits & EPOLLRDHUP.rawValue != 0 }
        package var isError: Bool { bits & EPOLLERR.rawValue != 0 }
    }

    /// A watched descriptor. Cancelling does not close it; cancel BEFORE closing.
    package final class Watch {
        private let table: WatchTable
        private let key: UInt64
        package let fd: Int32
        package private(set) var interest: Interest
        fileprivate var handler: ((Readiness) -> Void)?

        fileprivate init(table: WatchTable, key: UInt64, fd: Int32, interest: Interest, handler: @escaping (Readiness) -> Void) {
            self.table = table
            self.key = key
            self.fd = fd
            self.interest = interest
            self.handler = handler
        }

        /// Changes what is reported; nothing is asked of the kernel when it is the same.
        package func update(_ interest: Interest) {
            guard handler != nil, interest != self.interest else { return }
            self.interest = interest
            table.change(key, fd, interest)
        }

        /// After this the handler is not called again, not even for events of this turn.
        package func cancel() { cancel(isClosing: false) }

        /// Like `cancel`, for a descriptor that is closed next and of which nobody has a copy: that spares a system call.
        package func cancelBeforeClosing() { cancel(isClosing: true) }

        private func cancel(isClosing: Bool) {
            guard handler != nil else { return }
            handler = nil
            table.remove(key, fd, isClosing: isClosing)
        }
    }

    /// Calls `handler` on the loop whenever the descriptor is ready. The descriptor should be non-blocking and stays the caller's.
    package func watch(_ fd: Int32, _ interest: Interest, _ handler: @escaping (Readiness) -> Void) throws(LinuxError) -> Watch {
        try watches.add(fd, interest) { Watch(table: watches, key: $0, fd: fd, interest: interest, handler: handler) }
    }

    /// Something to be done at a time. Cancelling one that was done does nothing.
    package final class Timer {
        fileprivate var body: (() -> Void)?
        package let at: Instant
        fileprivate init(at: Instant, _ body: @escaping () -> Void) {
            self.at = at
            self.body = body
        }
        package var isPending: Bool { body != nil }
        /// The body is not run any more.
        package func cancel() { body = nil }
    }

    /// Calls `body` once, not before `at`; those due together run in the order of their times, then of their making.
    @discardableResult
    package func schedule(at: Instant, _ body: @escaping () -> Void) -> Timer {
        let timer = Timer(at: at, body)
        timers.insert(timer)
        return timer
    }

    /// Like `schedule(at:)`, counted from this turn's `now`.
    @discardableResult
    package func schedule(after delay: Duration, _ body: @escaping () -> Void) -> Timer { schedule(at: now + delay, body) }

    /// Calls `body` at the end of this turn, before the loop sleeps; what it puts off in turn runs in the next turn, which comes at once.
    package func later(_ body: @escaping () -> Void) { postponed.append(body) }

    /// Calls `turnEnds` of the object once, as the last thing of this turn, or of the next one while that is under way. Costs no allocation.
    package func tellTurnEnd(_ listener: any TurnEndListener) { atTurnEnd.append(listener) }

    /// Calls `body` on the loop; may be called from any thread through `remote`, wakes the loop.
    package func submit(_ body: @escaping @Sendable () -> Void) { inbox.put(body) }

    /// A handle that other threads may hold to submit to this loop.
    package var remote: Remote { Remote(inbox: inbox) }

    /// What other threads may hold of a loop.
    package struct Remote: Sendable {
        fileprivate let inbox: Inbox
        /// Calls `body` on the loop, in the order of submission.
        package func submit(_ body: @escaping @Sendable () -> Void) { inbox.put(body) }
    }

    /// Calls `body` on the loop for each delivery of the signal, which is blocked for the whole process from now on. Call it BEFORE other threads
    /// start.
    package func onSignal(_ signal: Int32, _ body: @escaping () -> Void) throws(LinuxError) {
        signalBodies[signal, default: []].append(body)
        var set = sigset_t()
        sigemptyset(&set)
        for signal in signalBodies.keys { sigaddset(&set, signal) }
        pthread_sigmask(SIG_BLOCK, &set, nil)
        let previous = signalDescriptor
        signalDescriptor = try attempt("signalfd") { signalfd(previous, &set, Int32(SFD_CLOEXEC | SFD_NONBLOCK)) }
        guard previous < 0 else { return }
        let fd = signalDescriptor
        _ = try watch(fd, .read) { [unowned self] _ in
            var info = signalfd_siginfo()
            while Glibc.read(fd, &info, MemoryLayout<signalfd_siginfo>.size) > 0 {
                for body in signalBodies[Int32(info.ssi_signo)] ?? [] { body() }
            }
        }
    }

    /// Turns until `stop`.
    package func run() {
        isStopped = false
        while !isStopped { turn(upTo: nil) }
    }

    /// Makes `run` return after this turn.
    package func stop() { isStopped = true }

    /// Turns until `done()` holds (looked at after each turn) or the time is over; says whether it holds.
    @discardableResult
    package func runUntil(within limit: Duration, _ done: () -> Bool) -> Bool {
        let deadline = Clock.monotonic() + limit
        while !done() {
            if Clock.monotonic() >= deadline { return false }
            turn(upTo: deadline)
        }
        return true
    }

    private func turn(upTo deadline: Instant?) {
        var timeout: Int32 = -1
        if !postponed.isEmpty || !atTurnEnd.isEmpty {
            timeout = 0
        } else {
            var next = timers.nextTime
            if let deadline { next = min(next ?? deadline, deadline) }
            if let next, next != .never { timeout = Int32(clamping: (next - Clock.monotonic()).millisecondsRoundedUp) }
        }
        let count = events.withUnsafeMutableBufferPointer { epoll_wait(epoll, $0.baseAddress, Int32($0.count), timeout) }
        now = Clock.monotonic()
        if count > 0 {
            for i in 0..<Int(count) {
                let key = withUnsafePointer(to: events[i]) { clinux_epoll_data($0) }
                guard let handler = watches.watch(key)?.handler else { continue }
                handler(Readiness(bits: events[i].events))
            }
        }
        while let timer = timers.popDue(now) {
            let body = timer.body
            timer.body = nil
            body?()
        }
        if !postponed.isEmpty {
            let bodies = postponed
            postponed.removeAll(keepingCapacity: true)
            for body in bodies { body() }
        }
        // What is added meanwhile is told in the next turn, which comes at once.
        let ending = atTurnEnd.count
        for place in 0..<ending { atTurnEnd[place].turnEnds() }
        if ending > 0 { atTurnEnd.removeFirst(ending) }
    }
}

/// Does something once for all that happened in a turn of the loop.
package protocol TurnEndListener: AnyObject {
    func turnEnds()
}
