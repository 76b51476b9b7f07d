import APIClient
import Linux

/// Which address blocks the stopped instances of this user keep, so that a new instance chooses another while there is one.
///
/// Services keep their addresses over a stop, and those lie in the instance's block: an instance whose block was taken meanwhile cannot start
/// as it was. The memory only orders the choice. What cannot be read is no claim, what cannot be written is forgotten, and with no free block
/// but remembered ones, the first of them is taken.
package struct BlockMemory: Hashable, Sendable {
    /// One file a block, named by its number, with the path of the data directory that had it last.
    package let folder: String

    package init(folder: String) { self.folder = folder }

    /// Beside where data directories are by default; nil for a user without a home. Never a place that others may write in.
    package static var ofThisUser: BlockMemory? { DataDirectory.stateHome().map { BlockMemory(folder: $0 + "/steady-blocks") } }

    /// The instances that still keep a block, by its number: their data directory is there, and records it. After a purge it does not.
    package var keepers: [Int: DataDirectory] {
        var out: [Int: DataDirectory] = [:]
        for block in 0..<HostConfiguration.blockCount {
            guard let path = (try? Files.text(file(block)))?.split(separator: "\n").first, path.hasPrefix("/") else { continue }
            let directory = DataDirectory(String(path))
            if HostRole.recorded(directory)?.block == block { out[block] = directory }
        }
        return out
    }

    /// The order in which an instance tries the blocks: those that nobody keeps first, each part by number.
    package func order(for directory: DataDirectory) -> [Int] { Self.order(keepers: keepers, for: directory) }

    static func order(keepers: [Int: DataDirectory], for directory: DataDirectory) -> [Int] {
        let isKept = { (block: Int) in keepers[block].map { $0 != directory } ?? false }
        let all = 0..<HostConfiguration.blockCount
        return all.filter { !isKept($0) } + all.filter(isKept)
    }

    /// Notes that the instance has the block from now on. Called AFTER it was claimed: nobody else writes this file then.
    package func remember(_ block: Int, for directory: DataDirectory) {
        do throws(LinuxError) {
            try Files.makeDirectories(folder)
            try Files.replace(file(block), with: "\(directory.path)\n".utf8)
        } catch {
            RoleLog.say(.warning, "the address block \(block) is not kept for this instance while it is stopped: \(error)")
        }
    }

    private func file(_ block: Int) -> String { "\(folder)/\(block)" }
}
