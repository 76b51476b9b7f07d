import Journal
import Linux
import Registry
import Resources
import Timing

/// When the next copy of the state is due. Restarts do not put it off: the time of the newest copy on disk counts.
final class CopySchedule {
    private let settings: CopySettings
    private let loop: EventLoop
    private var due: Timestamp
    private var timer: EventLoop.Timer?
    private var isUnderWay = false
    /// How far the journal was when the last copy was taken: nothing new is not copied again.
    private var copied: Revision?
    /// Of the copy under way.
    private var taken: Revision?

    /// The first copy of an instance, and one that was due while it was stopped: soon, but not in the middle of the start.
    private static let settlingTime = Duration.seconds(60)
    /// Clocks jump and sleep; no timer runs longer than this.
    private static let longestTimer = Duration.seconds(600)

    init(_ settings: CopySettings, loop: EventLoop, startingAt now: Timestamp) {
        self.settings = settings
        self.loop = loop
        let names = (try? Files.list(settings.directory)) ?? []
        let newest = names.compactMap { SnapshotCopies.time(of: $0).flatMap { Timestamp(rfc3339: $0) } }.max()
        let earliest = now + min(Self.settlingTime, settings.interval)
        // A copy from the future is the work of a clock that was set back.
        due = newest.map { $0 > now ? earliest : max($0 + settings.interval, earliest) } ?? earliest
    }

    /// Calls `copy` whenever one is due and the last one has ended.
    ///
    /// - Parameter failed: the directory cannot be used.
    func schedule(_ copy: @escaping (_ disk: any JournalDisk, _ keep: Int) -> Void, failed: @escaping (JournalError) -> Void) {
        let wait = max(.milliseconds(1), min(due - Clock.realtime(), Self.longestTimer))
        timer = loop.schedule(after: wait) { [weak self] in
            guard let self else { return }
            if Clock.realtime() >= self.due, !self.isUnderWay {
                self.due = Clock.realtime() + self.settings.interval
                // The directory is made when it is needed: an instance without copies has none.
                do throws(JournalError) { copy(try SystemDisk(self.settings.directory), self.settings.keep) } catch { failed(error) }
            }
            self.schedule(copy, failed: failed)
        }
    }

    /// Whether a copy at this revision says anything new; it is under way then, until `ended`.
    func takes(_ revision: Revision) -> Bool {
        if copied == revision { return false }
        taken = revision
        isUnderWay = true
        return true
    }

    /// A copy that failed is made when the next one is due, also if nothing has changed.
    func ended(isDone: Bool) {
        isUnderWay = false
        if isDone { copied = taken }
    }

    func cancel() { timer?.cancel() }
}
