import Glibc

/// Paths, and what they lead to.
extension Files {
    /// Everything before the last slash: `.` where there is none.
    package static func directory(of path: String) -> String {
        guard let slash = path.lastIndex(of: "/") else { return "." }
        return slash == path.startIndex ? "/" : String(path[..<slash])
    }

    /// What stands behind the last slash.
    package static func name(of path: String) -> String { path.split(separator: "/").last.map(String.init) ?? path }

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

    /// Whether there is anything at the path, behind symbolic links.
    package static func exists(_ path: String) -> Bool { access(path, F_OK) == 0 }

    /// Whether the path leads to a directory.
    package static func isDirectory(_ path: String) -> Bool {
        var status = stat()
        return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    /// Whether this process may execute the file.
    package static func isExecutable(_ path: String) -> Bool { access(path, X_OK) == 0 && !isDirectory(path) }

    /// Whether another user may execute the file: by the mode of the file and of the directories that lead to it. For root, who may become
    /// that user.
    package static func isExecutable(_ path: String, by user: Launch.User) -> Bool {
        guard isExecutable(path), let real = resolved(path) else { return false }
        guard user.user != 0 else { return true }
        func admits(_ path: Substring) -> Bool {
            var status = stat()
            guard stat(String(path), &status) == 0 else { return false }
            let bit: mode_t =
                status.st_uid == user.user ? 0o100 : status.st_gid == user.group || user.groups.contains(status.st_gid) ? 0o010 : 0o001
            return status.st_mode & bit != 0
        }
        return admits("/") && real.indices.dropFirst().filter { real[$0] == "/" }.allSatisfy { admits(real[..<$0]) } && admits(real[...])
    }

    /// Whether this process may reach what is in a directory; true also where there is none.
    package static func isPassable(_ path: String) -> Bool { access(path, X_OK) == 0 || errno != EACCES }

    /// Whether this process may write there.
    package static func isWritable(_ path: String) -> Bool { access(path, W_OK) == 0 }

    /// 0 when there is no such file.
    package static func size(_ path: String) -> Int64 {
        var status = stat()
        return stat(path, &status) == 0 ? Int64(status.st_size) : 0
    }

    /// When its content was changed last, in nanoseconds since 1970; nil when nothing is there.
    package static func modified(_ path: String) -> Int64? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Int64(status.st_mtim.tv_sec) * 1_000_000_000 + Int64(status.st_mtim.tv_nsec)
    }

    /// Makes now the time of its last change; needs no room on the disk.
    package static func touch(_ path: String) throws(LinuxError) { try attempt("touch \(path)") { utimensat(AT_FDCWD, path, nil, 0) } }

    /// `mode` as `stat` has it; nil when nothing is there.
    package static func mode(of path: String) -> mode_t? {
        var status = stat()
        return stat(path, &status) == 0 ? status.st_mode : nil
    }
}
