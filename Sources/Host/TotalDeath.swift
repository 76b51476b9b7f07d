import APIClient
import Timing

/// That all of an instance had died without a stop, as whoever starts it again finds it.
package struct TotalDeath {
    private let lastSign: LifeSign

    /// Nil where it was stopped or never ran, or where a part of it lives: then connections waited, and were not refused. BEFORE a `HostRole` is made.
    package init?(in directory: DataDirectory) {
        guard let recorded = HostRole.recorded(directory), !recorded.isStopped, !directory.roleLives,
            let sign = LifeSign.last(in: directory)
        else { return nil }
        lastSign = sign
    }

    /// For how long connections were refused, for a person to read; nil where the clock was set back meanwhile.
    ///
    /// - Parameter now: its API answers.
    package func words(now: Timestamp) -> String? {
        guard now >= lastSign.at else { return nil }
        let seconds = ((now - lastSign.at).inSeconds * 10).rounded() / 10
        return
            "all of it had died: its API was away for \(seconds) s at most, since its last sign of life at \(lastSign.at.rfc3339) (\(lastSign.path))"
    }
}
