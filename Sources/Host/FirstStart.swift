import APIClient
import Linux

/// Takes back what a start has made in a directory that held no instance before.
package struct FirstStart {
    private let directory: DataDirectory
    private let isFirst: Bool
    private let hadDirectory: Bool

    /// Looks at the directory BEFORE anything is made in it.
    package init(_ directory: DataDirectory) {
        self.directory = directory
        isFirst =
            ![directory.hostRecord, directory.journal, directory.snapshots, directory.kubeconfig].contains { Files.exists($0) }
            && ((try? Files.list(directory.nodes)) ?? []).isEmpty
        hadDirectory = Files.exists(directory.path)
    }

    /// The start has failed. Nothing is touched where an instance was kept, or where somebody else holds the lock by now.
    ///
    /// - Parameter holdsLock: whether this process has it.
    package func undo(holdsLock: Bool) {
        guard isFirst, Files.exists(directory.hostLock) else { return }
        let lock = holdsLock ? nil : (try? FileLock.take(directory.hostLock)) ?? nil
        guard holdsLock || lock != nil else { return }
        directory.purge()
        lock?.release()
        if !hadDirectory { _ = Files.removeEmptyDirectory(directory.path) }
    }

    /// Whether the instance's lock names this process.
    package var isOurs: Bool { (try? Files.text(directory.hostLock)) == "\(Processes.current)\n" }
}
