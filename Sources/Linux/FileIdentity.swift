import Glibc

/// Which file it is, whatever its name.
package struct FileIdentity: Hashable, Sendable {
    private let device: UInt64
    private let inode: UInt64

    private init(_ status: stat) {
        device = UInt64(status.st_dev)
        inode = UInt64(status.st_ino)
    }

    /// Nil when there is none.
    package static func of(_ path: String) -> FileIdentity? {
        var status = stat()
        return stat(path, &status) == 0 ? FileIdentity(status) : nil
    }

    package static func of(_ fd: Int32) -> FileIdentity? {
        var status = stat()
        return fstat(fd, &status) == 0 ? FileIdentity(status) : nil
    }
}
