import APIClient
import Formats
import Linux

/// Whether `journal.reached` is of the journal that is here. A version that does not know the note leaves it where it restores a snapshot, purges or begins
/// anew: a journal that is whole would be refused for it.
extension HostRole {
    /// Whether only versions ran since the note was written that know of it, as far as the files say: an `up` of another writes its record without the key, and
    /// its purge leaves neither record nor nodes. A record that is damaged, or that somebody removed, says nothing against it.
    package static func knowsReach(_ directory: DataDirectory) -> Bool {
        guard let bytes = try? Files.read(directory.hostRecord) else { return !((try? Files.list(directory.nodes)) ?? []).isEmpty }
        guard recorded(directory) != nil, let record = try? JSON.parse(bytes) else { return true }
        return record["hasState"].bool != nil
    }

    /// For good when it returns: what follows is a record that says that the note is known.
    static func forgetForeignReach(_ directory: DataDirectory) throws(LinuxError) {
        guard Files.exists(directory.journalReached), !knowsReach(directory) else { return }
        try Files.removeTree(directory.journalReached)
        try Files.synchronizeDirectory(directory.path)
    }
}
