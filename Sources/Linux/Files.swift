import CLinux
import Glibc

/// Files and directories. Errors name the path.
package enum Files {
    /// The whole content. Also for files of /proc, which have no size.
    package static func read(_ path: String) throws(LinuxError) -> [UInt8] {
        let fd = try open(path, O_RDONLY)
        defer { close(fd) }
        var out: [UInt8] = []
        var status = stat()
        var room = 4096
        if fstat(fd, &status) == 0, status.st_size > 0 {
            out.reserveCapacity(Int(status.st_size) + 1)
            room = min(Int(status.st_size) + 1, 65536)
        }
        var buffer = [UInt8](repeating: 0, count: room)
        while true {
            let got = Glibc.read(fd, &buffer, buffer.count)
            if got > 0 { out.append(contentsOf: buffer[..<got]) }
            if got == 0 { return out }
            if got < 0, errno != EINTR { throw .last("read \(path)") }
        }
    }

    /// The whole content as text; bytes that are not UTF-8 are replaced.
    package static func text(_ path: String) throws(LinuxError) -> String { String(decoding: try read(path), as: UTF8.self) }

    /// Opens with close-on-exec.
    package static func open(_ path: String, _ flags: Int32, mode: mode_t = 0o600) throws(LinuxError) -> Int32 {
        try attempt("open \(path)") { clinux_open(path, flags | O_CLOEXEC, mode) }
    }

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

    /// Makes renames and new names in the directory durable.
    package static func synchronizeDirectory(_ path: String) throws(LinuxError) {
        let fd = try open(path, O_RDONLY | O_DIRECTORY)
        defer { close(fd) }
        try attempt("fsync \(path)") { fsync(fd) }
    }

    /// Everything before the last slash: `.` where there is none.
    package static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// What stands behind the last slash.
    package static func name(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

    /// The directory and its parents, where they are not there yet.
    package static func makeDirectories(_ path: String, mode: mode_t = 0o700) throws(LinuxError) {
        if mkdir(path, mode) == 0 { return }
        switch errno {
        case EEXIST:
            guard isDirectory(path) else { throw LinuxError(errno: ENOTDIR, operation: "make directory \(path)") }
        case ENOENT:
            try makeDirectories(directory(of: path), mode: mode)
            if mkdir(path, mode) != 0, errno != EEXIST { throw .last("make directory \(path)") }
        default: throw .last("make directory \(path)")
        }
    }

    /// Whether there is anything at the path, behind symbolic links.
    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }
    /// Whether this process may execute the file.
    package static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 && !isDirectory(path) }

    /// Whether the path leads to a directory.
    package static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// The names in a directory, sorted, without `.` and `..`.
    package static func list(_ path: String) throws(LinuxError) -> [String] {
        guard let stream = opendir(path) else { throw .last("list \(path)") }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                pointer.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    /// Removes a file or a directory with all that is in it; symbolic links are removed, not followed. What is not there is fine.
    package static func removeTree(_ path: String) throws(LinuxError) {
        if unlink(path) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else { throw .last("remove \(path)") }
        for name in try list(path) { try removeTree("\(path)/\(name)") }
        if rmdir(path) != 0, errno != ENOENT { throw .last("remove \(path)") }
    }

    /// Points the symbolic link at a new target in one step.
    package static func swapLink(_ path: String, to target: String) throws(LinuxError) {
        let temporary = "\(path).tmp\(getpid())"
        unlink(temporary)
        try attempt("link \(path)") { symlink(target, temporary) }
        try attempt("rename to \(path)") { rename(temporary, path) }
    }

    /// Where the symbolic link points; nil when it is none.
    package static func linkTarget(_ path: String) -> String? {
        var buffer = [UInt8](repeating: 0, count: 4096)
        let count = buffer.withUnsafeMutableBytes { readlink(path, $0.baseAddress!, $0.count) }
        return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
    }

    /// Absolute, with `.`, `..` and doubled slashes folded; links are not followed.
    package static func absolute(_ path: String, from base: String? = nil) -> String {
        let whole = path.hasPrefix("/") ? path : (base ?? workingDirectory()) + "/" + path
        var parts: [Substring] = []
        for part in whole.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/")
    }

    /// Where relative paths begin.
    package static func workingDirectory() -> String {
        guard let text = getcwd(nil, 0) else { return "/" }
        defer { free(text) }
        return String(cString: text)
    }
}

/// An exclusive lock on a file (flock): held while the descriptor, or a copy of it in any process, is open.
package struct FileLock: Sendable {
    package let fd: Int32

    /// A lock that an inherited descriptor holds already.
    package init(fd: Int32) { self.fd = fd }

    /// Nil when somebody else holds it. The file is made where it is missing and keeps its content.
    package static func take(_ path: String) throws(LinuxError) -> FileLock? {
        let fd = try Files.open(path, O_RDWR | O_CREAT)
        if flock(fd, LOCK_EX | LOCK_NB) == 0 { return FileLock(fd: fd) }
        let reason = errno
        close(fd)
        if reason == EWOULDBLOCK { return nil }
        throw LinuxError(errno: reason, operation: "lock \(path)")
    }

    /// Gives the lock back.
    package func release() { close(fd) }
}

extension Files {
    /// Open flags for a log: made where missing, every write goes to the end.
    package static let appending: Int32 = O_WRONLY | O_CREAT | O_APPEND
    package static let readWriteCreating: Int32 = O_RDWR | O_CREAT

    /// 0 when there is no such file.
    package static func size(_ path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Renames; a file at the target is replaced.
    package static func move(_ path: String, to target: String) throws(LinuxError) {
        try attempt("rename \(path) to \(target)") { rename(path, target) }
    }
}

extension Files {
    /// Replaces the content of an open file in place: for files whose lock must stay the same.
    package static func overwrite(_ fd: Int32, with text: String) {
        ftruncate(fd, 0)
        let bytes = Array(text.utf8)
        _ = bytes.withUnsafeBytes { pwrite(fd, $0.baseAddress, $0.count, 0) }
    }
}

extension Files {
    /// False when it is not empty, or not there.
    package static func removeEmptyDirectory(_ path: String) -> Bool { rmdir(path) == 0 }
}

extension Files {
    /// Whether this process may reach what is in a directory; true also where there is none.
    package static func isPassable(_ path: String) -> Bool { access(path, X_OK) == 0 || errno != EACCES }

    /// Whether this process may write there.
    package static func isWritable(_ path: String) -> Bool { access(path, W_OK) == 0 }
}

extension Files {
    package static func openForReading(_ path: String) throws(LinuxError) -> Int32 { try open(path, O_RDONLY) }

    /// The size of an open file.
    package static func size(of fd: Int32) -> Int64 {
        var status = stat()
        return fstat(fd, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// Bytes from a place of an open file, fewer at its end; 0 also for what cannot be read. `limit` is at most the buffer's count.
    package static func read(_ fd: Int32, at offset: Int64, into buffer: inout [UInt8], upTo limit: Int) -> Int {
        max(0, buffer.withUnsafeMutableBytes { pread(fd, $0.baseAddress, min(limit, $0.count), off_t(offset)) })
    }
}

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
