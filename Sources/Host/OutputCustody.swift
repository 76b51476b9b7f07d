import Linux
import Timing

/// Decides when `up` reads the output of a node's programs: while no agent does, so that none of them waits for its log.
///
/// An agent takes the output over pod by pod, once it is ready to read it, and reads until it ends; one that is stopped (SIGSTOP, a debugger) does
/// not. The kernel tells a parent with SIGCHLD when its child stops and goes on, which costs nothing; an agent that an earlier `up` started is no
/// child, and is looked at periodically.
final class OutputCustody {
    private let loop: EventLoop
    private let agent: RoleProcess
    private let drain: () -> OutputReading?
    /// Called when a stopped agent goes on, AFTER the drain has ended.
    private let onResume: () -> Void
    /// The agent reads everything.
    private var isAttended = false
    /// What the agent reads already while it takes over.
    private var attended: Set<String> = []
    private var isStopped = false
    private var begin: EventLoop.Timer?
    private var look: EventLoop.Timer?
    private var running: OutputReading?

    /// An agent that comes back within this time finds everything in the pipes: they hold 64 KiB. Only for one that was just seen to go: nobody knows
    /// how long an `up` was away that starts.
    static let patience: Duration = .milliseconds(20)
    /// How often the state of an agent that is no child is looked at.
    static let lookPeriod: Duration = .milliseconds(25)

    init(loop: EventLoop, agent: RoleProcess, drain: @escaping () -> OutputReading?, onResume: @escaping () -> Void) {
        self.loop = loop
        self.agent = agent
        self.drain = drain
        self.onResume = onResume
    }

    /// Nobody reads yet what may still run there, nor has for a while.
    func start() { update(patience: .zero) }

    /// The agent reads everything from now on; the drain ends BEFORE this returns.
    func agentReads() {
        isAttended = true
        update(patience: .zero)
    }

    /// The agent reads this pod's output from now on, and the drain does not, also when it begins later.
    func agentReads(pod: String) {
        attended.insert(pod)
        running?.leave(pod)
    }

    /// An agent of an earlier `up` was taken over: it reads already, unless it says otherwise.
    func agentAdopted() {
        isAttended = true
        lookAtAgent()
    }

    /// The agent says that it has not begun to read.
    func agentComes() {
        isAttended = false
        attended = []
        update(patience: .zero)
    }

    func agentEnded() {
        isAttended = false
        attended = []
        isStopped = false
        update(patience: Self.patience)
    }

    /// A child has changed its state, or time has passed.
    func lookAtAgent() {
        look?.cancel()
        guard agent.isRunning else { return }
        let state = Processes.state(of: agent.pid)
        isStopped = state == "T" || state == "t"
        update(patience: agent.isChild ? Self.patience : .zero)
        if !agent.isChild { look = loop.schedule(after: Self.lookPeriod) { [weak self] in self?.lookAtAgent() } }
    }

    /// For good: everything stops, or the node was failed.
    func end() {
        begin?.cancel()
        look?.cancel()
        running?.end()
        running = nil
    }

    private func update(patience: Duration) {
        guard !isAttended || isStopped else {
            begin?.cancel()
            guard let running else { return }
            running.end()
            self.running = nil
            RoleLog.say(.information, "\(agent.name) reads its programs' output again")
            return onResume()
        }
        guard running == nil, begin?.isPending != true, agent.machine.state != .failed else { return }
        begin = loop.schedule(after: patience) { [weak self] in self?.beginDrain() }
    }

    private func beginDrain() {
        guard running == nil, agent.machine.state != .failed else { return }
        running = drain()
        guard running != nil else { return }
        // One that is stopped in the midst of taking over reads nothing.
        if !isStopped { for pod in attended.sorted() { running?.leave(pod) } }
        RoleLog.say(.notice, "\(agent.name) is \(isStopped ? "stopped" : "not there"): its programs' output is stored here")
    }
}
