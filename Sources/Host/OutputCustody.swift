import Linux
import Timing

/// Decides when `up` reads the output of a node's programs: while no agent does, so that none of them waits for its log.
///
/// An agent reads from when it says so until it ends; one that is stopped (SIGSTOP, a debugger) does not. The kernel tells a parent with SIGCHLD
/// when its child stops and goes on, which costs nothing; an agent that an earlier `up` started is no child, and is looked at periodically.
final class OutputCustody {
    private let loop: EventLoop
    private let agent: RoleProcess
    private let drain: () -> Cancellation?
    /// Called when a stopped agent goes on, AFTER the drain has ended.
    private let onResume: () -> Void
    private var isAttended = false
    private var isStopped = false
    private var begin: EventLoop.Timer?
    private var look: EventLoop.Timer?
    private var running: Cancellation?

    /// An agent that comes back within this time finds everything in the pipes: they hold 64 KiB.
    static let patience: Duration = .milliseconds(20)
    /// How often the state of an agent that is no child is looked at: with `patience`, less than 100 ms.
    static let lookPeriod: Duration = .milliseconds(50)

    init(loop: EventLoop, agent: RoleProcess, drain: @escaping () -> Cancellation?, onResume: @escaping () -> Void) {
        self.loop = loop
        self.agent = agent
        self.drain = drain
        self.onResume = onResume
    }

    /// Whether the programs' output is stored here just now.
    var isDraining: Bool { running != nil }

    /// The agent reads from now on; the drain ends BEFORE this returns.
    func agentReads() {
        isAttended = true
        update()
    }

    /// An agent of an earlier `up` was taken over: it reads already.
    func agentAdopted() {
        isAttended = true
        lookAtAgent()
    }

    func agentEnded() {
        isAttended = false
        isStopped = false
        update()
    }

    /// A child has changed its state, or time has passed.
    func lookAtAgent() {
        look?.cancel()
        guard agent.isRunning else { return }
        let state = Processes.state(of: agent.pid)
        isStopped = state == "T" || state == "t"
        update()
        if !agent.isChild { look = loop.schedule(after: Self.lookPeriod) { [weak self] in self?.lookAtAgent() } }
    }

    /// For good: everything stops, or the node was failed.
    func end() {
        begin?.cancel()
        look?.cancel()
        running?.cancel()
        running = nil
    }

    private func update() {
        guard !isAttended || isStopped else {
            begin?.cancel()
            guard let running else { return }
            running.cancel()
            self.running = nil
            RoleLog.say(.information, "\(agent.name) reads its programs' output again")
            return onResume()
        }
        guard running == nil, begin?.isPending != true, agent.machine.state != .failed else { return }
        begin = loop.schedule(after: Self.patience) { [weak self] in
            guard let self, running == nil, agent.machine.state != .failed else { return }
            running = drain()
            guard running != nil else { return }
            RoleLog.say(.notice, "\(agent.name) is \(isStopped ? "stopped" : "not there"): its programs' output is stored here")
        }
    }
}
