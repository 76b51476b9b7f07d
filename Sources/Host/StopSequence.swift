import Linux
import Timing

/// Stops groups of roles one after the other: each is asked, waited for, and killed when its time is over.
final class StopSequence {
    struct Stage {
        let words: String
        let roles: [RoleProcess]
        let limit: Duration
        /// How a role is asked; SIGTERM where nothing else is said.
        let ask: (RoleProcess) -> Void

        init(_ words: String, _ roles: [RoleProcess], limit: Duration, ask: @escaping (RoleProcess) -> Void = { $0.signal(15) }) {
            self.words = words
            self.roles = roles
            self.limit = limit
            self.ask = ask
        }
    }

    private let loop: EventLoop
    private var stages: [Stage]
    private let onProgress: (String) -> Void
    private var whenDone: [() -> Void] = []
    private var timer: EventLoop.Timer?
    private var isDone = false
    private var isHurried = false

    private static let kill: Int32 = 9
    private static let goOn: Int32 = 18

    init(loop: EventLoop, stages: [Stage], onProgress: @escaping (String) -> Void) {
        self.loop = loop
        self.stages = stages
        self.onProgress = onProgress
    }

    /// Called in order when everything has stopped; at once when it has.
    func alsoCall(_ body: @escaping () -> Void) {
        if isDone { body() } else { whenDone.append(body) }
    }

    func begin() {
        for stage in stages { stage.roles.forEach { $0.handle(.stop) } }
        enter()
    }

    /// Nobody waits any longer: what runs of this stage and the next ones is killed.
    func hurry() {
        isHurried = true
        stages.first?.roles.forEach { $0.signal(Self.kill) }
    }

    /// A role can be spoken to from now on: one that was asked to stop before is asked again.
    func roleCame(_ role: RoleProcess) {
        if let stage = stages.first, stage.roles.contains(where: { $0 === role }) { stage.ask(role) }
    }

    /// A role's process has ended.
    func roleEnded() {
        guard let stage = stages.first, stage.roles.allSatisfy({ !$0.isRunning }) else { return }
        timer?.cancel()
        stages.removeFirst()
        enter()
    }

    private func enter() {
        while let stage = stages.first {
            let running = stage.roles.filter(\.isRunning)
            guard running.isEmpty else {
                onProgress(stage.words)
                for role in running {
                    // One that was stopped could not do as it is asked.
                    role.signal(Self.goOn)
                    if isHurried { role.signal(Self.kill) } else { stage.ask(role) }
                }
                timer = loop.schedule(after: stage.limit) { running.forEach { $0.signal(Self.kill) } }
                return
            }
            stages.removeFirst()
        }
        isDone = true
        whenDone.forEach { $0() }
    }
}
