import APIClient
import Linux

/// That a stop was asked for and is not over: an `up` that comes back in the midst of one goes on with it. Kept beside the roles' locks.
enum StopNote: String {
    case stop
    /// What the instance kept is deleted at the end.
    case purge

    /// Nil: no stop is under way.
    static func read(_ directory: DataDirectory) -> StopNote? {
        guard let text = try? Files.text(directory.stopNote) else { return nil }
        return StopNote(rawValue: text) ?? .stop
    }

    /// Not synced: it is of use only while roles live, which no loss of power leaves. Without room on the disk a stop is as good as ever, and begins
    /// anew only where `up` is killed in the midst of it.
    func write(_ directory: DataDirectory) {
        do throws(LinuxError) { try Files.replace(directory.stopNote, with: rawValue.utf8) } catch {
            RoleLog.say(
                .warning, "\(directory.stopNote) cannot be written (\(error)): should steady up die now, the stop has to be asked for again"
            )
        }
    }

    static func remove(_ directory: DataDirectory) { try? Files.removeTree(directory.stopNote) }
}

extension HostRole {
    /// The stop that this `up` has to go on with: it comes back for one that has died; or a service manager, which cannot tell a death from a start,
    /// has started it, and roles of that stop still live. Whoever else starts an instance wants it to run.
    func stopToGoOn() -> StopNote? {
        guard let note = StopNote.read(directory) else { return nil }
        if isResuming { return note }
        if HostWatch.isSupervised, roles.contains(where: { Self.lockHolder(directory.roleLock($0.name)) != nil }) { return note }
        StopNote.remove(directory)
        return nil
    }
}
