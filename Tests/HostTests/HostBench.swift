import APIClient
import Formats
import Foundation
import Linux
import Synchronization
import Testing
import Timing

@testable import Host

/// How long a test waits for what must come. It comes in milliseconds; only a machine with too much to do needs more.
let patience = Duration.seconds(60)

/// Looks again, and lets others run, until it holds; false when it never does.
func eventually(_ condition: () -> Bool) -> Bool {
    let end = Clock.monotonic() + patience
    while !condition() {
        if Clock.monotonic() >= end { return false }
        sched_yield()
    }
    return true
}

/// A directory of a test's own; everything in it is gone afterwards.
final class Scratch {
    let path: String

    init() throws {
        path = NSTemporaryDirectory() + "sh\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    /// F_SETLEASE of fcntl(2), which Glibc's module does not show.
    private static let setLease: Int32 = 1024

    /// A program that does what the script says.
    func program(_ script: String) throws -> String {
        let file = path + "/program"
        try Data("#!/bin/sh\n\(script)\n".utf8).write(to: URL(fileURLWithPath: file))
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: file)
        // A child that another test starts at this moment may have the file open for writing, and it cannot be executed (ETXTBSY) until that child
        // is its program. A lease for reading is granted once no writer is left.
        let descriptor = try Files.openForReading(file)
        defer { closeDescriptor(descriptor) }
        try #require(eventually { fcntl(descriptor, Self.setLease, F_RDLCK) == 0 || errno != EAGAIN })
        return file
    }
}

/// `up` on a thread of its own, with roles that are what the script says; the test talks to it over its socket as roles and verbs do.
final class HostBench {
    let scratch: Scratch
    let directory: DataDirectory
    let loop: EventLoop
    private let seen = Seen()
    private var links: [HostLink] = []

    /// What happened on the host's thread.
    final class Seen: Sendable {
        struct State {
            var leftovers: [String] = []
            var drains: [String: Int] = [:]
            var leftPods: [String] = []
            var progress: [String] = []
            var hasStopped = false
            var failure: String?
            var isServing = false
            var isToDie = false
            var address: String?
        }
        let state = Mutex(State())
    }

    /// The next `up` in this directory takes addresses that are free: others on this machine may have those of the last one by now.
    static func forgetAddresses(of directory: DataDirectory) throws {
        var record = try #require(HostRole.recorded(directory))
        (record.block, record.apiAddress) = (nil, .ipv4(.loopback, port: 0))
        try Files.replace(directory.hostRecord, with: JSON.serialize(record.value))
    }

    init(
        configuration: HostConfiguration = HostConfiguration(zones: ["a", "b"]), script: String = "exec sleep 1000", at path: String? = nil,
        isPlanned: Bool = false, isResuming: Bool = false
    ) throws {
        scratch = try Scratch()
        directory = DataDirectory(path ?? scratch.path + "/data")
        loop = try EventLoop()
        let (directory, seen, program) = (directory, seen, try scratch.program(script))
        Thread {
            do {
                let loop = try EventLoop()
                let host = try HostRole(
                    loop: loop, directory: directory, requested: configuration, isResuming: isResuming, inheritedLock: nil,
                    deputy: AgentDeputy(
                        killLeftovers: { node, done in
                            seen.state.withLock { $0.leftovers.append(node) }
                            done()
                        },
                        drainOutput: { node in
                            seen.state.withLock { $0.drains[node, default: 0] += 1 }
                            return OutputReading(
                                leave: { pod in seen.state.withLock { $0.leftPods.append(pod) } },
                                end: { seen.state.withLock { $0.drains[node, default: 0] -= 1 } })
                        }), reapsOrphans: false, program: program)
                host.onProgress = { words in seen.state.withLock { $0.progress.append(words) } }
                host.onStopped = { loop.stop() }
                host.onReady = { address in seen.state.withLock { $0.address = "\(address)" } }
                host.onServing = { _ in seen.state.withLock { $0.isServing = true } }
                host.start(isPlanned: isPlanned)
                Self.lookForDeath(loop, seen)
                loop.run()
                if let failure = host.failure { seen.state.withLock { $0.failure = failure } }
                withExtendedLifetime(host) {}
            } catch {
                seen.state.withLock { $0.failure = "\(error)" }
            }
            seen.state.withLock { $0.hasStopped = true }
        }.start()
        _ = wait { $0.address != nil || $0.failure != nil }
    }

    deinit {
        for link in links { link.close() }
        if state.failure == nil, !state.hasStopped { stop() }
    }

    var state: Seen.State { seen.state.withLock { $0 } }
    var failure: String { state.failure ?? "" }
    func node(_ name: String) -> String { directory.node(name) }

    func wait(within limit: Duration = patience, _ condition: (Seen.State) -> Bool) -> Bool {
        until(within: limit) { condition(state) }
    }

    /// Looks again every few milliseconds: what is waited for happens in other processes.
    func until(within limit: Duration = patience, _ condition: () -> Bool) -> Bool {
        loop.runUntil(within: limit) {
            if condition() { return true }
            loop.schedule(after: .milliseconds(2)) {}
            return false
        }
    }

    /// As `until`, while the links of another bench go on as well.
    func until(beside other: HostBench, _ condition: () -> Bool) -> Bool {
        until {
            _ = other.loop.runUntil(within: .milliseconds(1)) { false }
            return condition()
        }
    }

    func link(_ role: String) throws -> HostLink {
        let link = try HostLink(loop: loop, socketPath: directory.hostSocket, role: role)
        links.append(link)
        return link
    }

    /// Asks as a verb does.
    func ask(_ message: Value) throws -> Value {
        let link = try HostLink(loop: loop, socketPath: directory.hostSocket, role: "verb")
        defer { link.close() }
        var answer = Value.null
        link.request(message) { answer = $0 }
        _ = until { !answer.isNull }
        return answer
    }

    func role(_ name: String) throws -> Value {
        try ask(["op": "status"])["roles"].elements.first { $0["name"].string == name } ?? .null
    }

    func pid(_ name: String) throws -> Int32 { Int32(try role(name)["pid"].int ?? 0) }

    /// Kills a role that must be there. Never pid 0, which is the whole process group of the tests.
    func strike(_ name: String) throws -> Int32 {
        let pid = try pid(name)
        try #require(pid > 1)
        kill(pid, SIGKILL)
        return pid
    }

    /// `up` is gone as if killed: it asks nobody to stop, and its descriptors are closed. So are the scripts in place of its roles; the lines of a test
    /// stay, as those of roles that live on do.
    func die() throws {
        let pids = try ask(["op": "status"])["roles"].elements.compactMap { $0["pid"].int }.filter { $0 > 1 }
        seen.state.withLock { $0.isToDie = true }
        _ = wait { $0.hasStopped }
        for pid in pids { kill(pid_t(pid), SIGKILL) }
    }

    private static func lookForDeath(_ loop: EventLoop, _ seen: Seen) {
        if seen.state.withLock({ $0.isToDie }) { return loop.stop() }
        loop.schedule(after: .milliseconds(2)) { lookForDeath(loop, seen) }
    }

    /// Stops it in order.
    func stop(purging: Bool = false) {
        _ = try? ask(["op": "down", "purge": .bool(purging)])
        _ = wait { $0.hasStopped }
    }
}
