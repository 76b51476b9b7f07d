import Linux
import Timing

/// Takes the output of adopted programs over from `up`, one pod after the other: `up` reads each until the moment in which the agent can, so that no
/// program is without a reader for longer than a question and its answer take, however many there are.
///
/// An `up` that does not answer (it is stopped, or just died) reads nothing either: the agent then reads everything at once. Both may read for a
/// moment; lines of that moment may change places, none is lost.
final class OutputTakeover {
    private let loop: EventLoop
    private let ask: (_ pod: String?, _ done: @escaping () -> Void) -> Void
    private let read: (_ pod: String) -> Void
    private let done: () -> Void
    private var left: ArraySlice<String>
    private var asked: String?
    private var silence: EventLoop.Timer?
    private var hasEnded = false

    /// How long an answer may take: programs that print 10 MB a second fill their pipes in five times that.
    static let patience: Duration = .milliseconds(20)

    /// - Parameters:
    ///   - ask: has `up` leave one pod's output, or, with nil, all output of the node. Whatever it answers, `done` is called.
    ///   - read: takes over what `up` has stored of a pod, and reads. Called again for the pods that `up` was silent about, once it answers.
    ///   - done: called once, AFTER everything is read here.
    init(
        loop: EventLoop, pods: [String], ask: @escaping (_ pod: String?, _ done: @escaping () -> Void) -> Void,
        read: @escaping (_ pod: String) -> Void, done: @escaping () -> Void
    ) {
        self.loop = loop
        self.ask = ask
        self.read = read
        self.done = done
        left = pods[...]
    }

    /// Begins to ask.
    func start() { askNext() }

    private func askNext() {
        guard let pod = left.popFirst() else { return end() }
        asked = pod
        silence = loop.schedule(after: Self.patience) { [weak self] in self?.isSilent() }
        ask(pod) { [weak self] in
            guard let self, asked == pod, !hasEnded else { return }
            silence?.cancel()
            read(pod)
            askNext()
        }
    }

    private func isSilent() {
        guard !hasEnded else { return }
        let late = [asked].compactMap(\.self) + left
        left = []
        late.forEach(read)
        // Once `up` answers, what it read until then is taken over as well.
        end { [read] in late.forEach(read) }
    }

    /// `up` hears that nothing is its own any more.
    private func end(_ answered: @escaping () -> Void = {}) {
        guard !hasEnded else { return }
        hasEnded = true
        silence?.cancel()
        ask(nil, answered)
        done()
    }
}
