import CLinux
import Glibc

/// Directories of this user in memory, for what need not outlive a boot: making a file there costs a fraction of what it costs on disk, where a file
/// system that has just removed many files looks long for a free inode.
package enum VolatileDirectory {
    /// Where every Linux has its file system in memory. Not the runtime directory of a session: it goes when its user logs out, and what Steady runs
    /// goes on.
    private static let place = "/dev/shm"
    /// `f_type` of tmpfs, statfs(2).
    private static let memoryType = 0x0102_1994

    private static var prefix: String { "steady-\(geteuid())-" }

    /// Where the directory of this key is, if there is one.
    package static func path(_ key: String) -> String { "\(place)/\(prefix)\(key)" }

    /// All of this user, sorted.
    package static var all: [String] {
        ((try? Files.list(place)) ?? []).filter { $0.hasPrefix(prefix) }.map { "\(place)/\($0)" }.filter(isOurs)
    }

    /// Makes the directory where it is not there; nil where the machine has no such place, or somebody else has the name. Says whether it is new.
    package static func make(_ path: String) -> Bool? {
        guard isInMemory(place) else { return nil }
        let isNew = mkdir(path, 0o700) == 0
        return isOurs(path) ? isNew : nil
    }

    /// A directory, no link, of this user, in which nobody else may do anything. In a sticky directory nobody can put another in its place.
    package static func isOurs(_ path: String) -> Bool {
        var status = stat()
        guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR else { return false }
        return status.st_uid == geteuid() && status.st_mode & 0o077 == 0
    }

    private static func isInMemory(_ path: String) -> Bool {
        var system = statfs()
        var status = stat()
        guard statfs(path, &system) == 0, Int(system.f_type) == memoryType, stat(path, &status) == 0 else { return false }
        // Others could rename what is ours where the directory is not sticky.
        return status.st_mode & S_ISVTX != 0 || (status.st_uid == geteuid() && status.st_mode & 0o022 == 0)
    }
}
