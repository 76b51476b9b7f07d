import Glibc

/// Symbolic links.
extension Files {
    /// Makes a symbolic link, or points one at a new target in one step; what stood there is replaced.
    package static func link(_ path: String, to target: String) throws(LinuxError) {
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

    /// A symbolic link in an open directory; what stood there is replaced.
    package static func link(_ name: String, in directory: Int32, to target: String) throws(LinuxError) {
        let temporary = "\(name).tmp\(getpid())"
        unlinkat(directory, temporary, 0)
        try attempt("link \(name)") { symlinkat(target, directory, temporary) }
        try attempt("rename to \(name)") { renameat(directory, temporary, directory, name) }
    }

    /// The path without symbolic links; nil when nothing is there.
    package static func resolved(_ path: String) -> String? {
        guard let text = realpath(path, nil) else { return nil }
        defer { free(text) }
        return String(cString: text)
    }
}
