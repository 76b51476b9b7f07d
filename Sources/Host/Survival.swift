import APIClient
import Linux

/// Whether something of the instance can have lived on until this start. If not, what is stored of its pods is no longer so, and the server takes it back
/// BEFORE anybody reads it. After a death of all of Steady the pods run on, and stay Ready.
extension HostRole {
    static let nothingRunsFlag = "--nothing-runs"
    static let hasStateFlag = "--has-state"

    /// It was never started here (a snapshot may have been restored), or it was stopped to the end, or the machine was booted since.
    static func nothingCanRun(_ directory: DataDirectory) -> Bool {
        guard Files.exists(directory.hostRecord) else { return true }
        // Of a damaged record, and of one that an older version wrote, nothing is known.
        guard let last = recorded(directory) else { return false }
        return last.isStopped || last.boot.map { $0 != Processes.bootIdentity() } ?? false
    }

    /// The server serves: from now on agents may start something, and one that dies and comes back is told nothing more.
    func beginsToRun() {
        nothingRuns = false
        let server = roles.first { $0.name == "server" }
        server?.arguments.removeAll { $0 == Self.nothingRunsFlag }
        let before = configuration
        configuration.isStopped = false
        configuration.hasState = before.hasState || !((try? Files.list(directory.journal)) ?? []).isEmpty
        guard configuration != before else { return }
        if !before.hasState, configuration.hasState { server?.arguments.append(Self.hasStateFlag) }
        do { try recordConfiguration() } catch { RoleLog.say(.error, "\(directory.hostRecord) cannot be written: \(error)") }
    }

    /// All of it is dead. Where that cannot be written the next start believes that something may live.
    func noteStop() {
        configuration.isStopped = true
        do { try recordConfiguration() } catch { RoleLog.say(.error, "\(directory.hostRecord) cannot be written: \(error)") }
    }
}
