import CLinux
import Glibc

/// Descriptors of files, always close-on-exec. Whoever gets one from here closes it.
extension Files {
    /// Opens with close-on-exec.
    package static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(LinuxError) -> Int32 {
        try attempt("open \(path)") { clinux_open(path, flags | O_CLOEXEC, mode) }
    }

    /// Open flags for a log: made where missing, every write goes to the end.
    package static let appending: Int32 = O_WRONLY | O_CREAT | O_APPEND

    package static let readWriteCreating: Int32 = O_RDWR | O_CREAT
    /// Of a new file to which several append, each of whom can read who came first.
    package static let ballot: Int32 = O_RDWR | O_CREAT | O_EXCL | O_APPEND

    package static func openForReading(_ path: String) throws(LinuxError) -> Int32 { try open(path, O_RDONLY) }

    /// Makes the file when it is not there.
    package static func openForAppending(_ path: String, mode: mode_t = 0o600) throws(LinuxError) -> Int32 {
        try open(path, O_WRONLY | O_CREAT | O_APPEND, mode: mode)
    }

    /// For standard input of programs that have none.
    package static func openNull() throws(LinuxError) -> Int32 { try open("/dev/null", O_RDONLY) }

    /// The size of an open file.
    package static func size(of fd: Int32) -> Int64 {
        var status = stat()
        return fstat(fd, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Bytes from a place of an open file, fewer at its end; 0 also for what cannot be read. `limit` is at most the buffer's count.
    package static func read(_ fd: Int32, at offset: Int64, into buffer: inout [UInt8], upTo limit: Int) -> Int {
        max(0, buffer.withUnsafeMutableBytes { pread(fd, $0.baseAddress, min(limit, $0.count), off_t(offset)) })
    }

    /// What a non-blocking descriptor has now, at most the buffer's size; 0 when it has nothing.
    package static func readAvailable(_ fd: Int32, into buffer: inout [UInt8]) -> Int { max(0, Glibc.read(fd, &buffer, buffer.count)) }
}
