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
                running.forEach(stage.ask)
                timer = loop.schedule(after: stage.limit) { running.forEach { $0.signal(9) } }
                return
            }
            stages.removeFirst()
        }
        isDone = true
        whenDone.forEach { $0() }
    }
}
