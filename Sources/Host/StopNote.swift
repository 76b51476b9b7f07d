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

    /// Not synced: a loss of power leaves no role that could bring an `up` back, and only such a one believes the note. It may be found much later,
    /// where all of Steady died in the midst of a stop; see `stopToGoOn`. Without room on the disk a stop is as good as ever, and begins anew only
    /// where `up` is killed in the midst of it.
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
    /// The stop that this `up` has to go on with, where it comes back for one that has died. Whoever starts an instance wants it to run, a service manager
    /// as well: who asked for the stop asks again. Of another program's `up` the note is old: none becomes another program in a stop, and a version that
    /// knows no note left it where it was.
    func stopToGoOn(isPlanned: Bool) -> StopNote? {
        if isResuming, !isPlanned { return StopNote.read(directory) }
        StopNote.remove(directory)
        return nil
    }
}
