import Linux

/// Starting `up` anew in the place of one that has died, by whoever misses it and could take its lock.
package enum HostRevival {
    /// The new process takes over what lives, and goes on with a stop that was under way. It has the lock as standard input: while the caller keeps its own
    /// copy until this returns, the lock is never free in between.
    package static func start(in directory: DataDirectory, with lock: FileLock, by launcher: Launcher) throws -> LaunchedProcess {
        let log = try Files.open(directory.roleLog("up"), Files.appending)
        defer { closeDescriptor(log) }
        return try launcher.launch(
            Launch(
                "/proc/self/exe", arguments: ["steady", "up", "--resume", "--data-dir", directory.path],
                environment: Processes.environmentList(), directory: "/", input: lock.fd, output: log, error: log))
    }
}
