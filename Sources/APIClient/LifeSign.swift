import Linux
import Timing

/// When an instance last showed that something of it lived: what the next `up` can tell of how long it was away.
///
/// Each agent touches a directory in memory with every beat, which costs no disk anything. Where there is none, or the machine was booted since, it is
/// the newest file that Steady itself writes.
package struct LifeSign: Hashable, Sendable {
    package let at: Timestamp
    /// The file or directory that bears the time.
    package let path: String

    /// Of a node's agent. Nothing where the directory is not in memory.
    package static func give(ofNode name: String, in directory: DataDirectory) {
        let run = DataDirectory.run(ofNode: directory.node(name))
        guard Files.linkTarget(run) != nil else { return }
        try? Files.touch(run)
    }

    /// BEFORE anything is written by a new `up`. Nil where nothing is kept.
    package static func last(in directory: DataDirectory) -> LifeSign? {
        let runs = names(directory.nodes).map { DataDirectory.run(ofNode: directory.node($0)) }
        let logs = names(directory.roles).filter { $0.hasSuffix(".log") }.map { "\(directory.roles)/\($0)" }
        let journal = names(directory.journal).map { "\(directory.journal)/\($0)" }
        let found = (runs + logs + journal + [directory.decisionLog]).compactMap { path in
            Files.modified(path).map { LifeSign(at: Timestamp(nanosecondsSince1970: $0), path: path) }
        }
        return found.max { ($0.at.nanosecondsSince1970, $0.path) < ($1.at.nanosecondsSince1970, $1.path) }
    }

    private static func names(_ path: String) -> [String] { (try? Files.list(path)) ?? [] }
}
