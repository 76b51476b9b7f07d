import APIClient
import Linux
import Resources

/// Whether a role is dead that should live, or stopped, whose work another would do: by what is on disk, for who gets no answer from `up`.
///
/// An `up` that works brings such a role back in milliseconds, but for one that dies again and again, which waits up to `RoleMachine.longestDelay`: an `up`
/// that gives no answer for `HostSilence.missedLimit` beside such a one is killed though it may only be slow, which costs nothing but its return.
enum MissedRoles {
    /// False where a role may end on purpose: in a stop, and in an upgrade.
    static func areThere(in directory: DataDirectory) -> Bool {
        guard StopNote.read(directory) == nil, UpgradeRecord.read(directory)?.phase.isOver ?? true,
            let configuration = HostRole.recorded(directory)
        else { return false }
        let names = [RoleName.server] + configuration.nodes.map { RoleName.agent($0.name) } + configuration.proxies
        return names.contains { isMissed($0, directory) && !Files.exists(HostRole.failedMark($0, in: directory)) }
    }

    /// Its lock's file names a process that is none any more, waits to be buried by an `up` that does not, or was stopped. A pid that somebody else has got by now
    /// counts as alive: nobody is harmed by waiting longer.
    private static func isMissed(_ role: String, _ directory: DataDirectory) -> Bool {
        guard let text = try? Files.text(directory.roleLock(role)), let pid = text.split(separator: "\n").first.flatMap({ Int32($0) })
        else { return false }
        return Processes.state(of: pid).map { "ZTt".contains($0) } ?? true
    }
}
