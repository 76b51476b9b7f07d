import Timing

/// One life of a role, of a program, or of the world's own actors: what was arranged for it happens only while it lasts.
///
/// A paused life (SIGSTOP) loses nothing: what came due meanwhile happens, in its order, when it goes on.
final class Life {
    let name: String
    private(set) var isOver = false
    private(set) var isPaused = false
    /// When it last went on after a pause.
    private(set) var wentOnAt: Instant?
    private var held: [() -> Void] = []

    init(_ name: String) { self.name = name }

    /// SIGKILL: whatever was arranged for it never happens.
    func end() {
        isOver = true
        held = []
    }

    func pause() { isPaused = true }

    /// Returns what came due while it was paused, to be arranged again for now.
    func goOn(at now: Instant) -> [() -> Void] {
        isPaused = false
        wentOnAt = now
        defer { held = [] }
        return held
    }

    func hold(_ body: @escaping () -> Void) { held.append(body) }
}
