import Glibc

/// Files and directories. Errors name the path. Here: a file's content as a whole.
package enum Files {
    /// The whole content. Also for files of /proc, which have no size.
    package static func read(_ path: String) throws(LinuxError) -> [UInt8] { try read(path, atMost: .max) ?? [] }

    /// The whole content; nil where it is longer than `limit`: of such a one no more than that is read.
    package static func read(_ path: String, atMost limit: Int) throws(LinuxError) -> [UInt8]? {
        let fd = try open(path, O_RDONLY)
        defer { close(fd) }
        var out: [UInt8] = []
        var status = stat()
        var room = 4096
        if fstat(fd, &status) == 0, status.st_size > 0 {
            if status.st_size > limit { return nil }
            out.reserveCapacity(Int(status.st_size) + 1)
            room = min(Int(status.st_size) + 1, 65536)
        }
        var buffer = [UInt8](repeating: 0, count: room)
        while true {
            let got = Glibc.read(fd, &buffer, buffer.count)
            if got > limit - out.count { return nil }
            if got > 0 { out.append(contentsOf: buffer[..<got]) }
            if got == 0 { return out }
            if got < 0, errno != EINTR { throw .last("read \(path)") }
        }
    }

    /// What a regular file begins with: so many bytes, or fewer where it has no more. With one read. A pipe or a device is not waited for, but refused
    /// with EINVAL.
    package static func head(_ path: String, limit: Int) throws(LinuxError) -> [UInt8] {
        let fd = try open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
        defer { closeDescriptor(fd) }
        var status = stat()
        guard fstat(fd, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw LinuxError(errno: EINVAL, operation: "read \(path): no regular file")
        }
        var count = 0
        let bytes = [UInt8](unsafeUninitializedCapacity: limit) { room, used in
            count = Glibc.read(fd, room.baseAddress, room.count)
            used = max(0, count)
        }
        if count < 0 { throw .last("read \(path)") }
        return bytes
    }

    /// The whole content as text; bytes that are not UTF-8 are replaced.
    package static func text(_ path: String) throws(LinuxError) -> String { String(decoding: try read(path), as: UTF8.self) }

    /// Writes all of it or throws.
    package static func writeAll(_ bytes: some Collection<UInt8>, to fd: Int32, named path: String = "file") throws(LinuxError) {
        let array = Array(bytes)
        var done = 0
        while done < array.count {
            let wrote = array.withUnsafeBytes { Glibc.write(fd, $0.baseAddress! + done, $0.count - done) }
            if wrote >= 0 {
                done += wrote
            } else if errno != EINTR {
                throw .last("write \(path)")
            }
        }
    }

    /// Replaces the file as a whole: readers see the old or the new content. With `durably`, it is on disk when this returns.
    package static func replace(_ path: String, with bytes: some Collection<UInt8>, mode: mode_t = 0o600, durably: Bool = false)
        throws(LinuxError)
    {
        let temporary = "\(path).tmp\(getpid())"
        // What stands there, left over or put there by somebody who may write in the directory, is neither written nor followed.
        unlink(temporary)
        let fd = try open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        do throws(LinuxError) {
            defer { close(fd) }
            try writeAll(bytes, to: fd, named: path)
            if durably { try attempt("fsync \(path)") { fsync(fd) } }
        } catch {
            unlink(temporary)
            throw error
        }
        try attempt("rename to \(path)") { rename(temporary, path) }
        if durably { try synchronizeDirectory(directory(of: path)) }
    }

    /// Makes the file, whole, unless there is one: of several who try at once all find the same afterwards.
    package static func establish(_ path: String, with bytes: some Collection<UInt8>, mode: mode_t = 0o600) throws(LinuxError) {
        let temporary = "\(path).tmp\(getpid())"
        unlink(temporary)
        let fd = try open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: mode)
        defer { unlink(temporary) }
        do {
            defer { close(fd) }
            try writeAll(bytes, to: fd, named: path)
        }
        if Glibc.link(temporary, path) != 0, errno != EEXIST { throw .last("link \(path)") }
    }

    /// Replaces the content of an open file in place: for files whose lock must stay the same.
    package static func overwrite(_ fd: Int32, with text: String) {
        let bytes = Array(text.utf8)
        // In the place that it has: on a full disk there is no other, once that is given up.
        let count = bytes.withUnsafeBytes { pwrite(fd, $0.baseAddress, $0.count, 0) }
        ftruncate(fd, max(0, count))
    }

    /// Makes renames and new names in the directory durable.
    package static func synchronizeDirectory(_ path: String) throws(LinuxError) {
        let fd = try open(path, O_RDONLY | O_DIRECTORY)
        defer { close(fd) }
        try attempt("fsync \(path)") { fsync(fd) }
    }
}
