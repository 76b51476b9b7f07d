import Linux
import Supervision

/// How a container is held to its limits when its program starts.
extension ContainerProcess {
    /// Has the program start in groups that hold it to its limits, or holds each process by itself where there are none, and says so once.
    ///
    /// - Returns: descriptors to close AFTER the launch.
    func limit(_ launch: inout Launch, to limits: ContainerLimits) -> [Int32] {
        let (members, missing) = context.limits.limit(groupName, to: limits)
        launch.cgroupMembers += members
        isLimited = !members.isEmpty
        if missing.contains(.memory), let bytes = limits.memoryBytes { launch.dataLimit = UInt64(clamping: bytes) }
        // Of a user all processes count together, and root's are not counted: what is left is for whoever has to end a program that multiplies.
        if missing.contains(.pids) { launch.processLimit = Limits.processes.map { $0 / 2 } }
        let unenforced = limits.unenforced(without: missing)
        if let unenforced, unenforced != lastUnenforced { warn("LimitsNotEnforced", unenforced) }
        lastUnenforced = unenforced
        return members
    }
}
