import APIClient
import Linux

/// `steady logs --role`: the files that `up` lets the roles write to; `agent` and `proxy` mean all of them.
enum RoleLogs {
    /// Looks this often where the directory cannot be watched.
    private static let lookPeriod: Duration = .milliseconds(200)

    static func run(_ role: String, _ invocation: Invocation) throws(CommandError) -> Int32 {
        let directory = try invocation.dataDirectory
        let names: [String]
        do throws(LinuxError) {
            names = try Files.list(directory.roles).filter { $0.hasSuffix(".log") }.map { String($0.dropLast(4)) }.sorted()
        } catch { throw CommandError("no instance is kept in \(directory.path)") }
        let chosen = names.filter { $0 == role || $0.hasPrefix(role + "-") }
        guard !chosen.isEmpty else { throw CommandError("no role \"\(role)\"; there are: \(names.joined(separator: ", "))") }
        let tail = try invocation.integer("tail", in: -1...Int.max) ?? -1
        let logs = chosen.map { name in
            (tail: LogTail(directory.roleLog(name)), prefix: chosen.count > 1 ? Array("[\(name)] ".utf8) : [])
        }
        let write = { (prefix: [UInt8], line: ArraySlice<UInt8>) in invocation.terminal.write(bytes: prefix + line + [10]) }
        let isFollowing = invocation.isSet("follow")
        let loop: EventLoop
        var watch: DirectoryWatch?
        var hasChanged = false
        do throws(LinuxError) { loop = try EventLoop() } catch { throw CommandError("\(error)") }
        // BEFORE the first look: what comes after it is told.
        if isFollowing { watch = try? DirectoryWatch(loop: loop, directory.roles) { hasChanged = true } }
        for log in logs {
            if tail < 0 {
                log.tail.look { write(log.prefix, $0) }
                if !isFollowing { log.tail.finish { write(log.prefix, $0) } }
                continue
            }
            var last: [ArraySlice<UInt8>] = []
            let keep = { (line: ArraySlice<UInt8>) in
                last.append(line)
                // Cut now and then, not at every line.
                if last.count > 2 * tail + 1_000 { last.removeFirst(last.count - tail) }
            }
            log.tail.look(keep)
            if !isFollowing { log.tail.finish(keep) }
            for line in last.suffix(tail) { write(log.prefix, line) }
        }
        while isFollowing {
            _ = loop.runUntil(within: watch == nil ? lookPeriod : .seconds(3600)) { hasChanged }
            hasChanged = false
            for log in logs { log.tail.look { write(log.prefix, $0) } }
        }
        return 0
    }
}
