import CLinux
import Glibc

/// A regular file written at offsets, for journals: the caller decides where bytes go and when they must be on disk.
package struct DiskFile: Sendable {
    package let fd: Int32
    package let path: String

    /// Opens for reading and writing.
    ///
    /// - Parameter truncating: start with an empty file; makes it where there is none.
    package init(_ path: String, truncating: Bool) throws(LinuxError) {
        fd = try Files.open(path, O_RDWR | (truncating ? O_CREAT | O_TRUNC : 0))
        self.path = path
    }

    /// A new file, for this user alone. What stands there, left over or put there by somebody who may write in the directory, is neither written
    /// nor followed.
    package init(new path: String) throws(LinuxError) {
        unlink(path)
        fd = try Files.open(path, O_RDWR | O_CREAT | O_EXCL)
        self.path = path
    }

    /// Writes all of it at the offset or throws; some of it may be written then.
    package func write(_ bytes: [UInt8], at offset: Int) throws(LinuxError) {
        var done = 0
        while done < bytes.count {
            let wrote = bytes.withUnsafeBytes { pwrite(fd, $0.baseAddress! + done, $0.count - done, off_t(offset + done)) }
            if wrote >= 0 {
                done += wrote
            } else if errno != EINTR {
                throw .last("write \(path)")
            }
        }
    }

    /// Returns once the content, and the size where it changed, are on disk.
    package func synchronize() throws(LinuxError) { try attempt("fdatasync \(path)") { fdatasync(fd) } }

    /// Cuts or extends the file.
    package func truncate(to size: Int) throws(LinuxError) { try attempt("truncate \(path)") { ftruncate(fd, off_t(size)) } }

    /// Reserves space, so that writing there cannot fail for a full disk.
    package func reserve(_ count: Int, from offset: Int) throws(LinuxError) {
        var result: Int32
        repeat { result = posix_fallocate(fd, off_t(offset), off_t(count)) } while result == EINTR
        if result != 0 { throw LinuxError(errno: result, operation: "reserve space for \(path)") }
    }

    /// Closes the file.
    package func close() { Glibc.close(fd) }
}
