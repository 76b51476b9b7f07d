import Glibc

extension Files {
    /// Copies a file with its permissions and its time, so that it is known as the same; on disk when this returns. Costs a second for each
    /// gigabyte or so. What was begun is gone when it throws.
    package static func copy(_ path: String, to target: String) throws(LinuxError) {
        let source = try open(path, O_RDONLY)
        defer { close(source) }
        var status = stat()
        try attempt("stat \(path)") { fstat(source, &status) }
        let temporary = "\(target).tmp\(getpid())"
        unlink(temporary)
        let copy = try open(temporary, O_WRONLY | O_CREAT | O_EXCL, mode: status.st_mode & 0o755 | 0o200)
        do throws(LinuxError) {
            defer { close(copy) }
            var left = Int(status.st_size)
            while left > 0 {
                let count = sendfile(copy, source, nil, min(left, 16 << 20))
                if count < 0, errno == EINTR { continue }
                if count < 0 { throw .last("copy \(path) to \(target)") }
                // It was cut meanwhile.
                if count == 0 { throw LinuxError(errno: EIO, operation: "copy \(path) to \(target)") }
                left -= count
            }
            let times = [status.st_mtim, status.st_mtim]
            try attempt("set the time of \(target)") { futimens(copy, times) }
            try attempt("fsync \(target)") { fsync(copy) }
        } catch {
            unlink(temporary)
            throw error
        }
        try attempt("rename to \(target)") { rename(temporary, target) }
        try synchronizeDirectory(directory(of: target))
    }
}
