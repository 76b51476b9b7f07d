import Formats
import Foundation
import Linux
import Synchronization
import Testing
import Timing

@testable import APIClient

/// The other end of a role's line, which does only what a test tells it.
private final class ScriptedHost {
    let path = NSTemporaryDirectory() + "sl\(UUID().uuidString.prefix(8))"
    let loop: EventLoop
    private let listener: Int32
    private(set) var line: Int32 = -1

    init() throws {
        loop = try EventLoop()
        listener = try Sockets.listen(unix: path, type: .sequencedPackets)
    }

    deinit {
        hangUp()
        closeDescriptor(listener)
        try? FileManager.default.removeItem(atPath: path)
    }

    /// A link that was greeted as at a role's start: by another thread, because the start waits for it.
    func link(greetingLimit: Duration = HostLink.greetingLimit) throws -> HostLink {
        let ended = DispatchSemaphore(value: 0)
        let listener = listener
        let accepted = Accepted()
        Thread {
            Sockets.waitUntilReadable(listener, within: .seconds(60))
            let socket = ((try? Sockets.accept(listener)) ?? nil)?.fd ?? -1
            try? DescriptorPassing.send(JSON.serialize(["op": "welcome"]), over: socket)
            accepted.socket.withLock { $0 = socket }
            ended.signal()
        }.start()
        let link = try HostLink(loop: loop, socketPath: path, role: "proxy-1", greetingLimit: greetingLimit)
        ended.wait()
        line = accepted.socket.withLock { $0 }
        #expect(try next()?.message["op"].string == "hello")
        return link
    }

    private final class Accepted: Sendable {
        let socket = Mutex<Int32>(-1)
    }

    func hangUp() {
        if line >= 0 { closeDescriptor(line) }
        line = -1
    }

    /// Takes the next connection, and says nothing.
    func accept() -> Bool {
        until {
            guard let socket = ((try? Sockets.accept(listener)) ?? nil)?.fd else { return false }
            hangUp()
            line = socket
            return true
        }
    }

    func say(_ message: Value, descriptor: Int32? = nil) throws {
        try DescriptorPassing.send(JSON.serialize(message), descriptors: descriptor.map { [$0] } ?? [], over: line)
    }

    /// The next message of the link but heartbeats; nil when there is none now.
    func next() throws -> (message: Value, descriptors: Int)? {
        while let (bytes, descriptors) = try DescriptorPassing.receive(from: line) {
            for descriptor in descriptors { closeDescriptor(descriptor) }
            let message = try JSON.parse(bytes)
            if message["op"].string != "beat" { return (message, descriptors.count) }
        }
        return nil
    }

    /// What the link has said by the time it says `op`, each with its name and the number of its descriptors.
    func heard(upTo op: String) -> [String] {
        var heard: [String] = []
        _ = until {
            while let (message, descriptors) = (try? next()) ?? nil {
                heard.append("\(message["op"].string ?? "") \(message["name"].string ?? "-") \(descriptors)")
                if message["op"].string == op { return true }
            }
            return false
        }
        return heard
    }

    func until(_ condition: () -> Bool) -> Bool {
        loop.runUntil(within: .seconds(60)) {
            if condition() { return true }
            loop.schedule(after: .milliseconds(2)) {}
            return false
        }
    }
}

@Suite(.serialized) struct HostLinkTests {
    @Test func `asks for a sign of life, and says whether up is one that gives any`() throws {
        let host = try ScriptedHost()
        let link = try host.link()
        defer { link.close() }
        // As an older version: it says nothing of beats.
        #expect(!link.answersBeats)
        var heardCount = 0
        var others = 0
        var backCount = 0
        link.onHeard = { heardCount += 1 }
        link.onMessage = { _ in others += 1 }
        link.onHostBack = { backCount += 1 }
        for welcome in [HostLink.welcome, ["op": "welcome"]] {
            host.hangUp()
            #expect(host.accept())
            let before = backCount
            try host.say(welcome)
            #expect(host.until { backCount > before })
            #expect(link.answersBeats == (welcome == HostLink.welcome))
            #expect(link.hostProcess == Processes.current)
        }
        heardCount = 0
        var beat = Value.null
        #expect(
            host.until {
                while let (bytes, _) = (try? DescriptorPassing.receive(from: host.line)) ?? nil {
                    if let message = try? JSON.parse(bytes), message["op"].string == "beat" { beat = message }
                }
                return !beat.isNull
            })
        let answer = try #require(HostLink.answer(toBeat: beat))
        #expect(HostLink.answer(toBeat: ["op": "beat"]) == nil, "an older role does not wait for it")
        try host.say(answer)
        #expect(host.until { heardCount == 1 })
        #expect(others == 0, "it is nobody's message")
    }

    @Test func `a new up that says nothing does not hold up the loop, and has everything once it welcomes`() throws {
        let host = try ScriptedHost()
        let link = try host.link()
        defer { link.close() }
        var isBack = false
        link.onHostBack = { isBack = true }
        var ends: [Int32] = [-1, -1]
        #expect(pipe(&ends) == 0)
        _ = fcntl(ends[0], F_SETFL, O_NONBLOCK)
        for name in ["a", "b"] { link.store(name, ends[0]) }
        host.hangUp()
        let lostAt = Clock.monotonic()
        #expect(host.accept())
        #expect(host.heard(upTo: "hello") == ["hello - 0"])
        var ticks = 0
        for delay in 1...5 { host.loop.schedule(after: .milliseconds(delay)) { ticks += 1 } }
        link.remove("b")
        link.store("c", ends[0])
        var answer = Value.null
        link.request(["op": "status"]) { answer = $0 }
        #expect(host.until { ticks == 5 })
        #expect(Clock.monotonic() - lostAt < HostLink.greetingLimit)
        #expect(!isBack)
        #expect(try host.next() == nil)

        // What an `up` kept is the link's already: its copies are closed, which the other end of the pipe sees.
        try host.say(["op": "descriptor", "name": "a"], descriptor: ends[1])
        closeDescriptor(ends[1])
        try host.say(["op": "welcome"])
        #expect(host.heard(upTo: "status") == ["store a 1", "store c 1", "status - 0"])
        #expect(isBack)
        var byte: UInt8 = 0
        #expect(read(ends[0], &byte, 1) == 0)
        closeDescriptor(ends[0])
        try host.say(["reply": 1, "ok": true])
        #expect(host.until { answer["ok"].bool == true })
    }

    @Test func `a greeting that takes too long is given up, and what was asked in it is answered with nothing`() throws {
        let host = try ScriptedHost()
        let link = try host.link(greetingLimit: .seconds(1))
        defer { link.close() }
        var losses = 0
        var isBack = false
        link.onHostLost = { losses += 1 }
        link.onHostBack = { isBack = true }
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        link.store("a", null)
        closeDescriptor(null)
        host.hangUp()
        #expect(host.accept())
        var isAnswered = false
        link.request(["op": "status"]) { isAnswered = $0.isNull }
        #expect(host.until { losses == 2 })
        #expect(isAnswered && !isBack)
        #expect(host.accept())
        try host.say(["op": "welcome"])
        #expect(host.heard(upTo: "store") == ["hello - 0", "store a 1"])
        #expect(isBack)
    }

    @Test func `what was removed while the line was down is removed from an up that has it still`() throws {
        let host = try ScriptedHost()
        let link = try host.link()
        defer { link.close() }
        let null = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { closeDescriptor(null) }
        for name in ["kept", "gone", "late"] { link.store(name, null) }
        var isBack = false
        link.onHostBack = { isBack = true }
        for isReceived in [false, true] {
            host.hangUp()
            link.remove("gone")
            link.remove("late")
            #expect(host.accept())
            var offered: [String] = []
            if isReceived {
                link.onDescriptor = { name, descriptor in
                    offered.append(name)
                    if name == "late" { link.isStored(name, descriptor) } else { link.remove(name) }
                    closeDescriptor(descriptor)
                }
            }
            for name in ["gone", "held:block", "kept", "late"] {
                try host.say(["op": "descriptor", "name": .string(name)], descriptor: null)
            }
            isBack = false
            try host.say(["op": "welcome"])
            #expect(host.until { isBack })
            link.tell(["op": "end"])
            let held = isReceived ? ["store held:block 1"] : []
            let removed = isReceived ? ["remove gone 0"] : ["remove gone 0", "remove late 0"]
            #expect(host.heard(upTo: "end") == ["hello - 0"] + held + ["store kept 1"] + removed + ["end - 0"])
            #expect(offered == (isReceived ? ["gone", "late"] : []))
        }
    }

    @Test func `custody is put off while up is away, given by the next, and done without when none comes in time`() throws {
        let host = try ScriptedHost()
        let link = try host.link()
        defer { link.close() }
        func isLine(_ answer: CustodyAnswer) -> Bool { if case .line = answer { true } else { false } }
        #expect(isLine(link.custody(of: "a")))
        host.hangUp()
        #expect(host.until { !isLine(link.custody(of: "a")) })
        #expect(link.custody(of: "a") == .later)
        #expect(host.accept())
        #expect(link.custody(of: "a") == .later)
        try host.say(["op": "welcome"])
        #expect(host.until { isLine(link.custody(of: "a")) })
        host.hangUp()
        #expect(host.until { link.custody(of: "a") == .nowhere })
    }

    @Test func `custody is put off while up does not read, since what was said before must come first`() throws {
        let host = try ScriptedHost()
        let link = try host.link()
        defer { link.close() }
        var said = 0
        while case .line = link.custody(of: "a"), said < 100_000 {
            link.tell(["op": "noise"])
            said += 1
        }
        #expect(said < 100_000 && link.custody(of: "a") == .later)
        while try host.next() != nil {}
        #expect(
            host.until {
                _ = try? host.next()
                if case .line = link.custody(of: "a") { return true }
                return false
            })
    }
}
