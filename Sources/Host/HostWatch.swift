import APIClient
import Linux
import Supervision
import Timing

/// Keeps an `up` beside a role: kills one that hangs, and brings one back where there is none.
///
/// Several roles may notice the same in the same moment: a process dies once, and the first role that gets its lock starts the next.
package final class HostWatch {
    private let link: HostLink
    private let loop: EventLoop
    private let directory: DataDirectory
    private let launcher = Launcher()
    private var silence: HostSilence
    private var look: EventLoop.Timer?
    private var pace = RevivalPace()
    /// There is no `up`.
    private var isLost = false
    /// The `up` at the other end of the line. The descriptor is had while it lives: no other process can be hit by it, whatever becomes of the pid.
    private var host: (pid: Int32, descriptor: Int32)?

    /// Set by a service manager's unit: it starts `up` again itself.
    static var isSupervised: Bool { Processes.environment("STEADY_SUPERVISED") != nil }

    /// The line is up, and from now on what it calls for anything heard, for beats, losses and returns is this one's. It calls nobody else: who sets one
    /// of them later has to call what was there before.
    package init(_ link: HostLink, loop: EventLoop, directory: DataDirectory) {
        self.link = link
        self.loop = loop
        self.directory = directory
        silence = HostSilence(period: HostLink.heartbeatPeriod, now: loop.now)
        link.onHeard = { [weak self] in
            guard let self else { return }
            silence.heard(now: self.loop.now)
            planLook()
        }
        link.onBeat = { [weak self] in self?.asked() }
        link.onHostLost = { [weak self] in
            self?.lost()
            self?.revive()
        }
        link.onHostBack = { [weak self] in
            guard let self else { return }
            isLost = false
            pace.isOver()
            RoleLog.say(.information, "steady up is back")
            welcomed()
        }
        welcomed()
    }

    deinit {
        look?.cancel()
        if let host { closeDescriptor(host.descriptor) }
    }

    // MARK: - One that hangs

    private func welcomed() {
        lost()
        if let pid = link.hostProcess, let descriptor = try? Processes.openDescriptor(pid) { host = (pid, descriptor) }
        silence.welcomed(answersBeats: link.answersBeats && host != nil, now: loop.now)
    }

    private func lost() {
        silence.lost()
        if let host { closeDescriptor(host.descriptor) }
        host = nil
    }

    private func asked() {
        if silence.asked(now: loop.now, waitsForDisk: { waitsForDisk }) { kill("for \(Int(HostSilence.limit.inSeconds)) s") }
        planLook()
    }

    private func looked() {
        let isMissed = { MissedRoles.areThere(in: self.directory) }
        if silence.looked(now: loop.now, waitsForDisk: { waitsForDisk }, isMissed: isMissed) { kill("while a role is dead or stopped") }
        planLook()
    }

    /// Only while an answer is missing: one that comes calls it off.
    private func planLook() {
        look?.cancel()
        look = silence.lookAgain.map { at in loop.schedule(at: at) { [weak self] in self?.looked() } }
    }

    /// Uninterruptible, as in an fsync; see proc_pid_stat(5).
    private var waitsForDisk: Bool { host.flatMap { Processes.state(of: $0.pid) } == "D" }

    /// Only what holds the lock of `up`: who is at the line's end and does not is dying, or another's business.
    private func kill(_ how: String) {
        guard let host, HostRole.lockHolder(directory.hostLock) == host.pid else { return }
        RoleLog.say(.warning, "steady up (pid \(host.pid)) is silent \(how): killed")
        do throws(LinuxError) { try Processes.signal(host.descriptor, 9) } catch {
            RoleLog.say(.error, "steady up cannot be killed: \(error)")
        }
    }

    // MARK: - One that is gone

    /// Does nothing while somebody else holds the lock: then a new `up` is on its way. One that cannot start, as on a full disk, is tried ever more
    /// rarely.
    private func revive() {
        let isSupervised = Self.isSupervised
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
        guard let process = try? HostRevival.start(in: directory, with: lock, by: launcher) else { return }
        bury(process.pidfd)
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
    package func knowChildren() {
        for pid in Survivors.children() { if let descriptor = try? Processes.openDescriptor(pid) { bury(descriptor) } }
    }
}
