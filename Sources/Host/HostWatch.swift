import APIClient
import Linux
import Supervision
import Timing

/// Kills an `up` that hangs, in every role. From there on all goes as after any death of `up`: the first role that gets its lock starts the next.
///
/// Several roles may notice it in the same moment: a process dies once, and the lock lets one of them start another.
package final class HostWatch {
    private let link: HostLink
    private let loop: EventLoop
    private let directory: DataDirectory
    private var silence: HostSilence
    /// The `up` at the other end of the line. The descriptor is had while it lives: no other process can be hit by it, whatever becomes of the pid.
    private var host: (pid: Int32, descriptor: Int32)?

    /// The line is up, and its callbacks for beats are this one's.
    package init(_ link: HostLink, loop: EventLoop, directory: DataDirectory) {
        self.link = link
        self.loop = loop
        self.directory = directory
        silence = HostSilence(period: HostLink.heartbeatPeriod, now: loop.now)
        link.onHeard = { [weak self] in
            guard let self else { return }
            silence.heard(now: self.loop.now)
        }
        link.onBeat = { [weak self] in
            guard let self, silence.asked(now: self.loop.now) else { return }
            kill()
        }
        welcomed()
    }

    deinit { if let host { closeDescriptor(host.descriptor) } }

    /// A new `up` was reached.
    package func welcomed() {
        lost()
        if let pid = link.hostProcess, let descriptor = try? Processes.openDescriptor(pid) { host = (pid, descriptor) }
        silence.welcomed(answersBeats: link.answersBeats && host != nil, now: loop.now)
    }

    /// `up` is gone.
    package func lost() {
        silence.lost()
        if let host { closeDescriptor(host.descriptor) }
        host = nil
    }

    /// Only what holds the lock of `up`: who is at the line's end and does not is dying, or another's business.
    private func kill() {
        guard let host, HostRole.lockHolder(directory.hostLock) == host.pid else { return }
        RoleLog.say(.warning, "steady up (pid \(host.pid)) is silent for \(Int(HostSilence.limit.inSeconds)) s: killed")
        do throws(LinuxError) { try Processes.signal(host.descriptor, 9) } catch {
            RoleLog.say(.error, "steady up cannot be killed: \(error)")
        }
    }
}
