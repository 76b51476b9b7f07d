import CLinux
import Glibc

/// A named pipe that takes what a program prints and keeps it until it was stored.
///
/// Every holder opens it for reading and writing, so the program sees no SIGPIPE and its reader no end, whoever dies.
package final class OutputPipe {
    /// Non-blocking, for the reader.
    package let fd: Int32
    private let tray: OutputTray
    /// What it holds beyond its usual size, of the tray's room for that.
    private var growth = 0

    /// Opens the pipe, which is made where it is missing, with mode 0600 and this owner.
    package init(_ path: String, owner: Launch.User?, through tray: OutputTray) throws(LinuxError) {
        self.tray = tray
        if mkfifo(path, 0o600) != 0, errno != EEXIST { throw .last("make pipe \(path)") }
        if let owner { chown(path, owner.user, owner.group) }
        fd = try Files.open(path, O_RDWR | O_NONBLOCK)
    }

    /// A descriptor for the program: it waits when the pipe is full. The caller closes it.
    package func openForProgram() throws(LinuxError) -> Int32 {
        // By the descriptor: the name may be gone while the pipe is in use.
        try Files.open("/proc/self/fd/\(fd)", O_RDWR)
    }

    /// A descriptor for one more reader: it finds nothing rather than wait. The caller closes it.
    package static func openForReader(_ path: String) throws(LinuxError) -> Int32 { try Files.open(path, O_RDWR | O_NONBLOCK) }

    /// Hands what is there to `body` and discards it AFTER `body` has stored it: a death in between repeats a chunk and loses none. Says
    /// whether there was something.
    package func store(_ body: (ArraySlice<UInt8>) -> Void) -> Bool {
        guard let count = tray.copy(from: fd) else { return false }
        // Its program prints faster than this turn comes round: with more room it goes on while its reader is busy, or is being replaced.
        if count == OutputTray.size, growth == 0 { growth = tray.grow(fd) }
        body(tray.bytes[..<count])
        tray.discard(count, from: fd)
        return true
    }

    /// Closes this end; others that hold the pipe open keep what is in it.
    package func close() {
        Glibc.close(fd)
        tray.growth -= growth
        growth = 0
    }
}

/// What output passes through on its way from a pipe to its log: shared by all pipes of a thread, of which one at a time is stored. A
/// thousand containers then cost no thousand buffers.
package final class OutputTray {
    private let pipe: (read: Int32, write: Int32)
    fileprivate var bytes = [UInt8](repeating: 0, count: OutputTray.size)

    /// One pass of `store` sees at most this much: a pipe's usual capacity.
    package static let size = 65_536
    /// What a pipe gets that was found full: the output of 100 ms at 10 MB a second. The kernel gives an ordinary user no more for one pipe.
    package static let grownSize = 1 << 20
    /// What the pipes of one thread may hold beyond their usual size, together; the next ones that fill up stay as they are, and their programs
    /// wait sooner. An ordinary user may have 64 MiB in all of its pipes; where the kernel refuses for that, they stay as well.
    package static let growthLimit = 8 << 20
    fileprivate var growth = 0

    package init() throws(LinuxError) {
        var ends: [Int32] = [-1, -1]
        try attempt("pipe") { Glibc.pipe(&ends) }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        pipe = (ends[0], ends[1])
    }

    deinit {
        close(pipe.read)
        close(pipe.write)
    }

    /// Copies what the pipe holds and leaves it there; nil when there is nothing.
    fileprivate func copy(from fd: Int32) -> Int? {
        let copied = clinux_tee(fd, pipe.write, Self.size)
        guard copied > 0 else { return nil }
        let count = read(pipe.read, &bytes, copied)
        return count > 0 ? count : nil
    }

    /// Makes room in a pipe; says how much was made, 0 where it may not be.
    fileprivate func grow(_ fd: Int32) -> Int {
        let more = Self.grownSize - Self.size
        guard growth + more <= Self.growthLimit, fcntl(fd, Self.setPipeSize, Int32(Self.grownSize)) >= Int32(Self.grownSize) else {
            return 0
        }
        growth += more
        return more
    }

    /// F_SETPIPE_SZ.
    private static let setPipeSize: Int32 = 1031

    fileprivate func discard(_ count: Int, from fd: Int32) {
        var left = count
        while left > 0 {
            let discarded = read(fd, &bytes, left)
            if discarded <= 0 { return }
            left -= discarded
        }
    }
}
