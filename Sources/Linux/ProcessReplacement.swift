import CLinux
import Glibc
import Timing

extension Processes {
    /// Makes this process another program: the pid, the children and what stands in the process' name with the kernel stay, memory, threads and
    /// descriptors from 3 on go. Returns only to say why it could not; everything is as before then.
    ///
    /// Blocked signals stay blocked, so that one which comes meanwhile is not lost: the next program asks for the same ones.
    ///
    /// - Parameters:
    ///   - input: becomes standard input; nil: it stays.
    ///   - deadline: SIGALRM ends the process after this time, unless the program calls `clearDeadline`; whole seconds.
    package static func become(_ path: String, arguments: [String], input: Int32? = nil, deadline: Duration? = nil) -> LinuxError {
        var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) }
        words.append(nil)
        defer { words.forEach { free($0) } }
        let before = clinux_duplicate(0)
        if let input { dup2(input, 0) }
        if let deadline { alarm(UInt32(clamping: max(1, deadline.components.seconds))) }
        clinux_close_on_exec_from(3)
        execve(path, words, environ)
        let error = LinuxError(errno: errno, operation: "execute \(path)")
        if deadline != nil { alarm(0) }
        if input != nil { dup2(before, 0) }
        close(before)
        return error
    }

    /// This program works: see `become`.
    package static func clearDeadline() { alarm(0) }

    /// A descriptor that stands for a program file, to be executed as `/proc/self/fd/N`; nothing can be read by it.
    package static func openProgram(_ path: String) throws(LinuxError) -> Int32 { try Files.open(path, clinux_path_only) }

    /// Whose child it is; nil when there is no such process.
    package static func parent(of pid: Int32) -> Int32? {
        guard let text = try? Files.text("/proc/\(pid)/stat"), let close = text.lastIndex(of: ")") else { return nil }
        let fields = text[text.index(after: close)...].split(separator: " ")
        return fields.count > 1 ? Int32(fields[1]) : nil
    }
}
