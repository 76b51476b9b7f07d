import Foundation
import Resources
import Testing
import Timing
import Traffic

@testable import ServiceProxy

/// Runs one of the scripts in `Tests/Fixtures/peers`; the page there says what the steps are.
final class PeerScript {
    /// Why a step is not what the script says.
    struct Failure: Error {
        var text: String
    }

    static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fixtures/peers").path

    /// The names of the scripts.
    static let all: [String] = ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [])
        .filter { $0.hasSuffix(".txt") }.map { String($0.dropLast(4)) }.sorted()

    private var harness: Harness?
    private var backends: [String: Backend] = [:]
    private var clients: [String: Peer] = [:]
    /// How much of what came was taken by the script.
    private var taken: [String: Int] = [:]

    /// Runs to the end; throws with the line that does not hold.
    func run(_ name: String) throws {
        let text = try String(contentsOfFile: "\(Self.folder)/\(name).txt", encoding: .utf8)
        for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated() {
            if line.isEmpty || line.hasPrefix("#") { continue }
            do { try step(String(line)) } catch let failure as Failure {
                throw Failure(text: "\(name).txt:\(index + 1): \(line.prefix(120)): \(failure.text)")
            }
        }
    }

    private func step(_ line: String) throws {
        let words = line.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false).map(String.init)
        let rest = words.count > 2 ? words[2] : ""
        switch words[0] {
        case "proxy": try begin(line.split(separator: " ").dropFirst().map(String.init))
        case "server": backends[words[1]] = try the(harness).backend { _ in }
        case "withdraw": try the(harness).set(the(backends[words[1]]).address, .terminating)
        case "refuse": try the(backends[words[1]]).stopListening()
        case "kill": try the(backends[words[1]]).kill()
        case "connections":
            let backend = try the(backends[words[1]])
            let count = try the(Int(rest))
            try waitFor("\(backend.peers.count) came") { backend.peers.count >= count }
            try the(harness).settle()
            if backend.peers.count != count { throw Failure(text: "\(backend.peers.count) came") }
        case "later": try the(harness).plane.sweep(now: the(harness).loop.now + .seconds(the(Int(words[1]))))
        case "finish": try the(harness).plane.finish(within: .seconds(60)) {}
        case "open":
            let plane = try the(harness).plane
            let count = try the(Int(words[1]))
            try waitFor("some are open still") { plane.openConnectionCount == count }
        case "buffered":
            try the(harness).settle()
            let count = try the(harness).plane.bufferedByteCount
            if try count > the(Int(words[1])) { throw Failure(text: "\(count) bytes wait") }
        default: try act(words[0], words.count > 1 ? words[1] : "", SmugglingCase.octets(rest))
        }
    }

    private func begin(_ words: [String]) throws {
        let harness = try Harness(words.first == "http" ? .exchanges : .flows, isDetected: words.first == "detected")
        harness.rules.proxyProtocol = ProtocolRules(
            expectsProxyHeader: words.contains("expects-proxy"), sendsProxyHeader: words.contains("sends-proxy"))
        self.harness = harness
    }

    private func act(_ name: String, _ verb: String, _ octets: [UInt8]) throws {
        let harness = try the(harness)
        if verb == "connect" {
            let before = harness.plane.openConnectionCount
            clients[name] = try harness.client()
            return try waitFor("nobody accepted") { harness.plane.openConnectionCount > before }
        }
        let peer = try peer(name)
        switch verb {
        case "accept": break
        case "send": peer.send(octets)
        case "drip":
            for octet in octets {
                peer.send([octet])
                var isTurned = false
                harness.loop.runUntil(within: .milliseconds(5)) {
                    defer { isTurned = true }
                    return isTurned
                }
            }
        case "expect", "hears":
            var end: Int?
            try waitFor("it has \(shown(peer, name))", or: { peer.isEnded || peer.failure != nil }) {
                end = Self.end(of: octets, in: peer.received, from: taken[name] ?? 0)
                return end != nil
            }
            guard let end else { throw Failure(text: "it has \(shown(peer, name))") }
            if verb == "hears", end - octets.count != taken[name] ?? 0 { throw Failure(text: "before it comes \(shown(peer, name))") }
            taken[name] = end
        case "takes":
            let count = try the(Int(String(decoding: octets, as: UTF8.self))) + (taken[name] ?? 0)
            try waitFor("\(peer.received.count) bytes came in all") { peer.received.count >= count }
            taken[name] = count
        case "silent":
            harness.settle()
            if peer.received.count > taken[name] ?? 0 || peer.isEnded { throw Failure(text: "it has \(shown(peer, name))") }
        case "ended":
            try waitFor("it goes on", or: { peer.failure != nil }) { peer.isEnded }
            if let failure = peer.failure { throw Failure(text: "\(failure)") }
        case "reset": try waitFor("it goes on", or: { peer.isEnded && peer.failure == nil }) { peer.failure != nil }
        case "half-close": peer.shutdown()
        case "close": peer.close()
        case "break": peer.reset()
        case "pause": peer.pause(true)
        case "resume": peer.pause(false)
        default: throw Failure(text: "no such step")
        }
    }

    /// A client by its name, a server's connection by its number.
    private func peer(_ name: String) throws -> Peer {
        if let client = clients[name] { return client }
        let backend = try the(backends[name.filter { !$0.isNumber }])
        let number = try the(Int(name.filter(\.isNumber)))
        try waitFor("no connection came") { backend.peers.count >= number }
        return backend.peers[number - 1]
    }

    private func waitFor(_ what: @autoclosure () -> String, or isVain: () -> Bool = { false }, _ done: () -> Bool) throws {
        let isDone = try the(harness).loop.runUntil(within: Harness.patience) { done() || isVain() }
        if !isDone || !done() { throw Failure(text: what()) }
    }

    private func the<Value>(_ value: Value?) throws -> Value {
        guard let value else { throw Failure(text: "this names nothing") }
        return value
    }

    private func shown(_ peer: Peer, _ name: String) -> String {
        SmugglingCase.latin(peer.received.dropFirst(taken[name] ?? 0).prefix(400)).debugDescription
    }

    /// Behind the first occurrence.
    private static func end(of part: [UInt8], in all: [UInt8], from start: Int) -> Int? {
        guard all.count >= start + part.count else { return nil }
        for at in start...(all.count - part.count) where all[at..<(at + part.count)].elementsEqual(part) { return at + part.count }
        return nil
    }
}

@Suite(.serialized) struct PeerScriptTests {
    @Test func `there are scripts for what peers do to each other`() { #expect(PeerScript.all.count >= 40) }

    @Test(arguments: PeerScript.all) func `both sides see what the script says`(name: String) throws {
        do { try PeerScript().run(name) } catch let failure as PeerScript.Failure { Issue.record("\(failure.text)") }
    }
}
