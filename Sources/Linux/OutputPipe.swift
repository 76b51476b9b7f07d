import CLinux
import Glibc

/// A named pipe that takes what a program prints and keeps it until it was stored.
///
/// Every holder opens it for reading and writing, so the program sees no SIGPIPE and its reader no end, whoever dies.
package final class OutputPipe {
    /// Non-blocking, for the reader.
    package let fd: Int32
    private let scratch: (read: Int32, write: Int32)
    private var buffer = [UInt8](repeating: 0, count: OutputPipe.chunkSize)

    /// One pass of `store` sees at most this much: a pipe's usual capacity.
    package static let chunkSize = 65_536

    /// Opens the pipe, which is made where it is missing, with mode 0600 and this owner.
    package init(_ path: String, owner: Launch.User?) throws(LinuxError) {
        if mkfifo(path, 0o600) != 0, errno != EEXIST { throw .last("make pipe \(path)") }
        if let owner { chown(path, owner.user, owner.group) }
        fd = try Files.open(path, O_RDWR | O_NONBLOCK)
        var ends: [Int32] = [-1, -1]
        guard pipe(&ends) == 0 else {
            let error = LinuxError.last("pipe")
            Glibc.close(fd)
            throw error
        }
        for end in ends {
            _ = fcntl(end, F_SETFD, FD_CLOEXEC)
            _ = fcntl(end, F_SETFL, O_NONBLOCK)
        }
        scratch = (ends[0], ends[1])
    }

    /// A descriptor for the program: it waits when the pipe is full. The caller closes it.
    package static func openForProgram(_ path: String) throws(LinuxError) -> Int32 { try Files.open(path, O_RDWR) }

    /// A descriptor for one more reader: it finds nothing rather than wait. The caller closes it.
    package static func openForReader(_ path: String) throws(LinuxError) -> Int32 { try Files.open(path, O_RDWR | O_NONBLOCK) }

    /// Hands what is there to `body` and discards it AFTER `body` has stored it: a death in between repeats a chunk and loses none. Says
    /// whether there was something.
    package func store(_ body: (ArraySlice<UInt8>) -> Void) -> Bool {
        let copied = clinux_tee(fd, scratch.write, Self.chunkSize)
        guard copied > 0 else { return false }
        let count = Glibc.read(scratch.read, &buffer, copied)
        guard count > 0 else { return false }
        body(buffer[..<count])
        var left = count
        while left > 0 {
            let discarded = Glibc.read(fd, &buffer, left)
            if discarded <= 0 { break }
            left -= discarded
        }
        return true
    }

    package func close() {
        Glibc.close(fd)
        Glibc.close(scratch.read)
        Glibc.close(scratch.write)
    }
}
