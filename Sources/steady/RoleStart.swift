import APIClient
import Commands
import Glibc
import Host
import Linux
import Resources
import Timing

/// What every role does before it becomes itself: takes its lock, raises its limits, says hello to `up`, and keeps an `up` beside it.
enum RoleStart {
    /// How long a role waits for its lock: an earlier process of it may still be ending.
    private static let lockPatience: Duration = .seconds(10)

    /// Runs `body` with a loop and a line to `up`, until the loop stops.
    ///
    /// - Parameter body: sets the role up; it returns what must live as long as the loop runs.
    static func run(
        _ name: String, in directory: DataDirectory, _ body: (EventLoop, HostLink) throws -> AnyObject
    ) throws -> Int32 {
        signal(SIGPIPE, SIG_IGN)
        Processes.name("steady-\(name)")
        Limits.raiseOpenFiles()
        let loop = try EventLoop()
        try Files.makeDirectories(directory.roles)
        let lock = try waitForLock(directory.roleLock(name), loop)
        Files.overwrite(lock.fd, with: "\(Processes.current)\n")
        let link = try HostLink(loop: loop, socketPath: directory.hostSocket, role: name, program: Release.program)
        begin(name, in: directory)
        let watch = HostWatch(link, loop: loop, directory: directory)
        // An agent buries whatever it has.
        if !RoleName.isAgent(name) { watch.knowChildren() }
        link.onBecome = { program, arguments in
            RoleLog.say(.notice, "becomes the program of steady up")
            let error = Processes.become("/proc/self/fd/\(program)", arguments: arguments)
            closeDescriptor(program)
            RoleLog.say(.error, "\(error)")
            link.tell(["op": "cannot", "reason": .string("\(error)")])
        }
        let role = try body(loop, link)
        loop.run()
        withExtendedLifetime((role, watch, lock)) {}
        return 0
    }

    /// From now on this process speaks as the role.
    static func begin(_ name: String, in directory: DataDirectory) {
        RoleLog.begin(name, path: directory.roleLog(name))
        RoleLog.say(.information, "started (pid \(Processes.current))")
    }

    private static func waitForLock(_ path: String, _ loop: EventLoop) throws -> FileLock {
        var taken: FileLock?
        var failure: (any Error)?
        let isTaken = loop.runUntil(within: lockPatience) {
            do { taken = try FileLock.take(path) } catch { failure = error }
            if taken == nil, failure == nil { loop.schedule(after: .milliseconds(5)) {} }
            return taken != nil || failure != nil
        }
        if let failure { throw failure }
        guard isTaken, let taken else { throw CommandError("another process holds \(path)") }
        return taken
    }
}
