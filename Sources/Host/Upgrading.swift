import APIClient
import Formats
import Linux
import Supervision
import Timing

/// Going over to another program: first `up` itself, by `execve` in place, then the roles, one after the other.
///
/// `up` holds nothing then that the roles do not give to the next one, as after its death; only its pid and its lock stay. When the new program does not
/// come up, or hangs until SIGALRM, a role brings `up` back, and it does so with the old program, which it still runs itself.
extension HostRole {
    /// How long the new `up` may take until all roles have come back to it; see `UpgradeMachine.limit`.
    private static let deadline: Duration = UpgradeMachine.limit + .seconds(2)
    /// For the answer to go out first.
    private static let answerDelay: Duration = .milliseconds(10)

    /// What `up` says of its program.
    var programValue: Value {
        var out = statement.value
        out["identity"] = .string(Release.program)
        return out
    }

    /// Begins an upgrade to the program that the message names; the answer says why not, where it cannot be.
    func beginUpgrade(_ message: Value) -> Value {
        guard let path = message["path"].string, let version = message["version"].string else {
            return ["error": "the upgrade names no program"]
        }
        if let obstacle { return ["error": .string(obstacle)] }
        let next = UpgradeRecord.Program(version: version, identity: Release.identity(path, version: version), path: path)
        do throws(LinuxError) {
            let old = UpgradeRecord.Program(
                version: Release.version, identity: Release.program, path: try ProgramShelf(directory: directory).keepRunning())
            var record = UpgradeRecord(from: old, to: next, startedAt: Clock.realtime())
            record.previous = (upgradeRecord ?? UpgradeRecord.read(directory))?.back
            record.lines = ["steady \(old.version) goes over to steady \(next.version) (\(next.path))"]
            try record.save(directory)
            upgradeRecord = record
            isGoingOver = true
            RoleLog.say(.notice, "upgrade: \(record.lines[0])")
            loop.schedule(after: Self.answerDelay) { [unowned self] in goOver(record) }
            return ["ok": true]
        } catch {
            return ["error": .string("the program that runs cannot be kept: \(error)")]
        }
    }

    /// Nil when every role works.
    private var obstacle: String? {
        if stop != nil { return "the instance is being stopped" }
        if isGoingOver || upgrade != nil { return "an upgrade is under way; see: steady upgrade --status" }
        let silent = roles.first { role in
            role.machine.state != .failed && !retired.contains(role.name) && connection(role.name)?.isReady != true
        }
        return silent.map { "\($0.name) is not ready (\($0.stateText)): an upgrade begins when every role works; see: steady status" }
    }

    private func goOver(_ record: UpgradeRecord) {
        isGoingOver = false
        guard stop == nil else { return }
        var record = record
        let error = become(record.to.path, deadline: Self.deadline)
        record.phase = .reverted
        record.reason = "steady up cannot become \(record.to.path): \(error.reason)"
        keep(record)
        RoleLog.say(.error, "upgrade: \(record.reason ?? "")")
    }

    /// Returns only when it cannot be done.
    private func become(_ path: String, deadline: Duration?) -> LinuxError {
        Processes.become(
            path, arguments: ["steady", "up", "--resume", "--planned", "--data-dir", directory.path], input: lock.fd, deadline: deadline)
    }

    /// This process came in the midst of an upgrade: planned, or since `up` has died on the way. Called BEFORE any role is started.
    func continueUpgrade(isPlanned: Bool) {
        guard var record = UpgradeRecord.read(directory), !record.phase.isOver else {
            guard isPlanned else { return }
            // Without a record there is no way, and this program works: better than to be ended by the deadline.
            Processes.clearDeadline()
            return RoleLog.say(
                .error,
                "upgrade: nothing to go on by: \(UpgradeRecord.lastWord(in: directory)); the roles stay as they are, and the next upgrade moves them"
            )
        }
        let isNew = record.to.identity == Release.program
        guard isPlanned || record.phase == .back && !isNew else {
            return goBack(record, because: record.reason ?? "steady up \(record.to.version) ended in the midst of the upgrade")
        }
        if record.phase == .forward, !isNew {
            // The new program went back to this one, and could not write why.
            record.phase = .back
            record.reason = "steady up \(record.to.version) gave the upgrade up, and could not write why in \(directory.upgradeRecord)"
            keep(record)
        }
        upgrade = RoleUpgrade(self, record)
    }

    /// For whoever asks, and for the next `up` as far as the disk takes it: a full one costs the progress, not the upgrade.
    func keep(_ record: UpgradeRecord) {
        upgradeRecord = record
        try? record.save(directory)
    }

    /// To the program that ran before. Returns where this is it, and the roles come back to it from here on; or where it cannot be executed.
    func goBack(_ record: UpgradeRecord, because reason: String) {
        var record = record
        record.phase = .back
        record.reason = reason
        record.lines += [reason, "going back to steady \(record.from.version)"]
        for line in record.lines.suffix(2) { RoleLog.say(.warning, "upgrade: \(line)") }
        // Not written: a full disk. The old program finds a record that is on the way forward, to another one than itself, and goes back as well.
        keep(record)
        if record.from.identity == Release.program { return upgrade = RoleUpgrade(self, record) }
        let error = become(record.from.path, deadline: nil)
        record.phase = .reverted
        record.reason = "\(reason); and there is no way back: \(error)"
        record.lines.append("\(record.from.path) cannot be executed (\(error.reason)): the roles stay as they are")
        keep(record)
        RoleLog.say(.error, "upgrade: \(record.lines.last ?? "")")
    }
}
