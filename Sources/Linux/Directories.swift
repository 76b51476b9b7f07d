import Glibc

/// Names in directories, and trees.
extension Files {
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

    /// Renames; a file at the target is replaced.
    package static func move(_ path: String, to target: String) throws(LinuxError) {
        try attempt("rename \(path) to \(target)") { rename(path, target) }
    }

    /// Removes a file or a directory with all that is in it; symbolic links are removed, not followed. What is not there is fine.
    package static func removeTree(_ path: String) throws(LinuxError) {
        if unlink(path) == 0 || errno == ENOENT { return }
        guard errno == EISDIR || errno == EPERM else { throw .last("remove \(path)") }
        for name in try list(path) { try removeTree("\(path)/\(name)") }
        if rmdir(path) != 0, errno != ENOENT { throw .last("remove \(path)") }
    }

    /// False when it is not empty, or not there.
    package static func removeEmptyDirectory(_ path: String) -> Bool { rmdir(path) == 0 }
}
