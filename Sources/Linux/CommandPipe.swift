import CLinux
import Glibc

/// What a probe's or a hook's command prints, on its way to the one who asked. A pipe and not a socket, so that the command may open
/// `/dev/stdout` and `/dev/stderr` by name.
package struct CommandPipe {
    /// Does not block; for the reader.
    package let source: Int32
    /// Blocks; for the program.
    package let sink: Int32

    /// Both ends, closed on exec. The caller closes them.
    ///
    /// - Parameter owner: who may open the pipe by name; the program's user.
    package init(owner: Launch.User?) throws(LinuxError) {
        var ends: [Int32] = [-1, -1]
        try attempt("pipe") { pipe(&ends) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        if let owner { _ = fchown(ends[1], owner.user, owner.group) }
        (source, sink) = (ends[0], ends[1])
    }
}
