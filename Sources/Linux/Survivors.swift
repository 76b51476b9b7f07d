import CLinux
import Glibc

/// Processes that outlived the program that started them, found where there is no control group.
///
/// Best effort: what has left its session, cleared its environment and is no child of ours cannot be told from a stranger.
package enum Survivors {
    /// Sends a signal to a process group; false when nobody is in it any more.
    @discardableResult
    package static func signal(group: Int32, _ signal: Int32) -> Bool { group > 1 && kill(-group, signal) == 0 }

    /// Sends a signal to one process, by pid: only for processes that cannot have been reaped by others meanwhile.
    package static func signal(_ pid: Int32, _ signal: Int32) { if pid > 1 { kill(pid, signal) } }

    /// The children of this process. Orphans of our programs are among them, since we are a subreaper.
    package static func children() -> [Int32] {
        let own = getpid()
        guard let text = try? Files.text("/proc/\(own)/task/\(own)/children") else { return [] }
        return text.split(separator: " ").compactMap { Int32($0) }
    }

    /// Every process of the machine. A scan costs about a millisecond per thousand.
    package static func everybody() -> [Int32] { ((try? Files.list("/proc")) ?? []).compactMap { Int32($0) } }

    /// Whether the process was started with this `NAME=value`. False for zombies and for what may not be looked at.
    package static func isMarked(_ pid: Int32, _ marker: String) -> Bool {
        let marker = Array(marker.utf8)[...]
        return environment(pid).contains { $0 == marker }
    }

    /// Whether the process was started with one of these `NAME=value`, which may have a `/` and more behind it.
    package static func isMarked(_ pid: Int32, amongst markers: Set<ArraySlice<UInt8>>) -> Bool {
        environment(pid).contains { markers.contains($0.prefix { $0 != UInt8(ascii: "/") }) }
    }

    /// Whether the process has thrown away the environment that it was started with: then it bears no marker.
    package static func environmentIsCleared(_ pid: Int32) -> Bool { !environment(pid).contains { $0.starts(with: markerName) } }
    private static let markerName = Array("STEADY_CONTAINER=".utf8)

    /// Whether its standard descriptors or its working directory are of a path that has this name in it.
    package static func uses(_ pid: Int32, anythingNamed name: String) -> Bool {
        ["fd/0", "fd/1", "fd/2", "cwd"].contains {
            Files.linkTarget("/proc/\(pid)/\($0)")?.split(separator: "/").contains { $0 == name } ?? false
        }
    }

    private static func environment(_ pid: Int32) -> [ArraySlice<UInt8>] {
        ((try? Files.read("/proc/\(pid)/environ")) ?? []).split(separator: 0)
    }
}
