import APIClient
import Commands
import Glibc
import Host
import Linux
import Resources
import Timing

/// What every role does before it becomes itself: takes its lock, raises its limits, says hello to `up`, helps to bring `up` back when it
/// dies, and sees to it that it dies when it hangs.
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
        let revival = HostRevival(directory: directory, loop: loop)
        // An agent buries whatever it has.
        if !RoleName.isAgent(name) { revival.knowChildren() }
        link.onBecome = { program, arguments in
            RoleLog.say(.notice, "becomes the program of steady up")
            let error = Processes.become("/proc/self/fd/\(program)", arguments: arguments)
            closeDescriptor(program)
            RoleLog.say(.error, "\(error)")
            link.tell(["op": "cannot", "reason": .string("\(error)")])
        }
        let watch = HostWatch(link, loop: loop, directory: directory)
        link.onHostLost = {
            watch.lost()
            revival.attempt()
        }
        link.onHostBack = {
            watch.welcomed()
            revival.isOver()
        }
        let role = try body(loop, link)
        loop.run()
        withExtendedLifetime((role, revival, watch, lock)) {}
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

/// Brings `up` back when it has died: the first role that gets its lock starts it from the recorded arguments.
final class HostRevival {
    private let directory: DataDirectory
    private let loop: EventLoop
    private let launcher = Launcher()

    init(directory: DataDirectory, loop: EventLoop) {
        self.directory = directory
        self.loop = loop
    }

    /// Set by a service manager's unit: it starts `up` again itself.
    private let isSupervised = Processes.environment("STEADY_SUPERVISED") != nil

    private var isLost = false
    private var pace = RevivalPace()

    /// A new `up` was reached.
    func isOver() {
        isLost = false
        pace.isOver()
        RoleLog.say(.information, "steady up is back")
    }

    /// Does nothing while somebody else holds the lock: then a new `up` is on its way. One that cannot start, as on a full disk, is tried ever more
    /// rarely.
    func attempt() {
        if !isLost { RoleLog.say(.warning, "steady up is gone\(isSupervised ? "; its service manager starts it again" : "")") }
        isLost = true
        let now = loop.now
        if isSupervised || !pace.isDue(now: now) { return }
        // A stopped instance leaves no socket: it is not to be brought back.
        guard Files.exists(directory.hostSocket) else { return }
        guard let lock = (try? FileLock.take(directory.hostLock)) ?? nil else { return pace.othersTry() }
        defer { lock.release() }
        guard pace.isFree(now: now) else { return }
        pace.tried(now: now)
        guard let log = try? Files.open(directory.roleLog("up"), Files.appending) else { return }
        defer { closeDescriptor(log) }
        // The lock travels as standard input: it is never free in between.
        let launch = Launch(
            "/proc/self/exe", arguments: ["steady", "up", "--resume", "--data-dir", directory.path],
            environment: Processes.environmentList(),
            directory: "/", input: lock.fd, output: log, error: log)
        if let process = try? launcher.launch(launch) { bury(process.pidfd) }
        RoleLog.say(.notice, "brings steady up back")
    }

    /// Whoever starts an `up` is its parent and buries it when it ends, though another may bring back the next.
    private func bury(_ descriptor: Int32) {
        var watch: EventLoop.Watch?
        watch = try? loop.watch(descriptor, .read) { _ in
            if case .running = Processes.reap(descriptor) { return }
            watch?.cancel()
            watch = nil
            closeDescriptor(descriptor)
        }
    }

    /// A role that became another program may have started an `up` before: it still is its parent.
    func knowChildren() {
        for pid in Survivors.children() { if let descriptor = try? Processes.openDescriptor(pid) { bury(descriptor) } }
    }
}
