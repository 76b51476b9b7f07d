import Linux

/// The directory in which a journal lives, as the journal needs it. Tests put a disk that fails in its place.
package protocol JournalDisk: Sendable {
    /// For messages.
    var path: String { get }
    func names() throws(LinuxError) -> [String]
    func read(_ name: String) throws(LinuxError) -> [UInt8]
    /// An empty file where `truncating`, else the one that is there.
    func open(_ name: String, truncating: Bool) throws(LinuxError) -> any JournalFile
    func rename(_ name: String, to newName: String) throws(LinuxError)
    func remove(_ name: String) throws(LinuxError)
    /// Makes new names and renames durable.
    func synchronize() throws(LinuxError)
}

/// An open file of a `JournalDisk`.
package protocol JournalFile: Sendable {
    func write(_ bytes: [UInt8], at offset: Int) throws(LinuxError)
    func synchronize() throws(LinuxError)
    func truncate(to size: Int) throws(LinuxError)
    func reserve(_ count: Int, from offset: Int) throws(LinuxError)
    func close()
}

extension DiskFile: JournalFile {}

/// A directory of this machine.
package struct SystemDisk: JournalDisk {
    package let path: String

    /// Makes the directory where it is missing, for its owner alone.
    package init(_ path: String) throws(JournalError) {
        self.path = path
        do throws(LinuxError) {
            try Files.makeDirectories(path)
        } catch {
            throw .unreadable(path, error)
        }
    }

    /// A directory that is there.
    init(existing path: String) { self.path = path }

    /// The files' names, in no order.
    package func names() throws(LinuxError) -> [String] { try Files.list(path) }
    /// A file's whole content.
    package func read(_ name: String) throws(LinuxError) -> [UInt8] { try Files.read("\(path)/\(name)") }

    /// A file to append to.
    package func open(_ name: String, truncating: Bool) throws(LinuxError) -> any JournalFile {
        try DiskFile("\(path)/\(name)", truncating: truncating)
    }

    /// Takes effect as a whole; durable AFTER `synchronize`.
    package func rename(_ name: String, to newName: String) throws(LinuxError) {
        try Files.move("\(path)/\(name)", to: "\(path)/\(newName)")
    }
    /// Nothing happens when there is no such file.
    package func remove(_ name: String) throws(LinuxError) { try Files.removeTree("\(path)/\(name)") }
    /// Makes names durable: what was made, renamed and removed.
    package func synchronize() throws(LinuxError) { try Files.synchronizeDirectory(path) }
}
