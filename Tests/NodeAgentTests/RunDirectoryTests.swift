import APIClient
import Formats
import Foundation
import Linux
import Testing

@testable import NodeAgent

/// A node's directory, with what it has in memory.
private final class Node {
    let directory = NSTemporaryDirectory() + "steady-run-\(UUID().uuidString.prefix(8))"
    var target: String { VolatileDirectory.path(Fingerprint.text(of: Array(directory.utf8))) }
    var pods: String { directory + "/pods" }

    init() throws { try Files.makeDirectories(pods) }
    deinit {
        try? Files.removeTree(target)
        try? Files.removeTree(directory)
    }
}

struct `What need not outlive a boot` {
    @Test func `is in memory, this user's alone, and found again by the next agent`() throws {
        let node = try Node()
        #expect(try !RunDirectory.prepare(node.directory))
        #expect(Files.linkTarget(RunDirectory.path(node.directory)) == node.target)
        #expect(Files.mode(of: node.target).map { $0 & 0o777 } == 0o700)
        try Files.makeDirectories(RunDirectory.path(node.directory) + "/uid")
        #expect(try !RunDirectory.prepare(node.directory))
        #expect(RunDirectory.pods(node.directory) == ["uid"])
    }

    @Test func `of a newer version is refused by name, and left as it is`() throws {
        let node = try Node()
        try NodeFormat.claim(node.directory)
        #expect(try Files.text(node.directory + "/format") == "\(NodeFormat.newest)\n")
        try NodeFormat.claim(node.directory)
        let newer = "\(NodeFormat.newest + 1)\n"
        try Files.replace(node.directory + "/format", with: newer.utf8)
        let error = try #require(throws: NodeFormatError.self) { try NodeFormat.claim(node.directory) }
        #expect(error.description.contains("were written by a newer Steady (\(node.directory)/format: format \(NodeFormat.newest + 1)"))
        #expect(throws: NodeFormatError.self) {
            try AgentRole(
                loop: EventLoop(),
                configuration: {
                    var configuration = AgentConfiguration(nodeName: "a1", zone: "a", directory: DataDirectory(node.directory + "/data"))
                    configuration.usesControlGroups = false
                    try Files.makeDirectories(configuration.nodeDirectory)
                    try Files.replace(configuration.nodeDirectory + "/format", with: newer.utf8)
                    return configuration
                }(), api: MemoryAPI(loop: EventLoop()))
        }
        #expect(try Files.text(node.directory + "/format") == newer)
    }

    @Test func `is deleted by a purge`() throws {
        let node = try Node()
        let data = DataDirectory(node.directory + "/data")
        try Files.makeDirectories(data.node("a1"))
        #expect(try !RunDirectory.prepare(data.node("a1")))
        let target = try #require(Files.linkTarget(RunDirectory.path(data.node("a1"))))
        #expect(Files.isDirectory(target))
        for path in data.everything { try Files.removeTree(path) }
        #expect(!Files.exists(target))
    }

    @Test(arguments: ["a link", "a file", "a directory that others may enter"])
    func `is kept in the node's own directory where somebody planted something else`(planted: String) throws {
        let node = try Node()
        switch planted {
        case "a link":
            try Files.makeDirectories(node.directory + "/trap")
            try Files.link(node.target, to: node.directory + "/trap")
        case "a file": try Files.replace(node.target, with: [])
        default: try Files.makeDirectories(node.target, mode: 0o755)
        }
        #expect(try !RunDirectory.prepare(node.directory))
        #expect(Files.linkTarget(RunDirectory.path(node.directory)) == nil)
        #expect(Files.isDirectory(RunDirectory.path(node.directory)))
        // It stays there, also when the name is free again.
        try Files.removeTree(node.target)
        #expect(try !RunDirectory.prepare(node.directory))
        #expect(Files.linkTarget(RunDirectory.path(node.directory)) == nil)
    }

    @Test func `is said to be lost when there are pods and it is gone`() throws {
        let node = try Node()
        #expect(try !RunDirectory.prepare(node.directory))
        try Files.makeDirectories(node.pods + "/uid")
        #expect(try !RunDirectory.prepare(node.directory))
        try Files.removeTree(node.target)
        #expect(try RunDirectory.prepare(node.directory))
        #expect(try !RunDirectory.prepare(node.directory))
    }

    @Test func `is cleared away by others when its data directory was deleted by hand`() throws {
        let (gone, other) = (try Node(), try Node())
        #expect(try !RunDirectory.prepare(gone.directory))
        try Files.removeTree(gone.directory)
        #expect(try !RunDirectory.prepare(other.directory))
        #expect(!Files.exists(gone.target))
        #expect(Files.exists(other.target))
    }
}

struct `What the pods of a node keep to` {
    private let file = NSTemporaryDirectory() + "steady-memories-\(UUID().uuidString.prefix(8))"

    private func memory(_ image: String) -> PodMemory {
        var memory = PodMemory(namespace: "default", name: "web")
        memory.address = 0x7F40_0001
        memory.images = ["main": ["command": [.string(image)]]]
        return memory
    }

    @Test func `is known to the next agent as it was said last, and forgotten with the pod`() throws {
        defer { try? Files.removeTree(file) }
        let memories = PodMemories(file, pods: [])
        try memories.save(memory("/one"), of: "a")
        try memories.save(memory("/two"), of: "a")
        try memories.save(memory("/three"), of: "b")
        let next = PodMemories(file, pods: ["a"])
        #expect(next["a"] == memory("/two"))
        #expect(next["b"] == nil)
        #expect(PodMemories(file, pods: ["a", "b"])["b"] == nil)
    }

    @Test func `survives an entry that a death cut off`() throws {
        defer { try? Files.removeTree(file) }
        let memories = PodMemories(file, pods: [])
        try memories.save(memory("/one"), of: "a")
        let whole = try Files.read(file)
        for count in 0...whole.count {
            let cut = try Files.openForAppending(file)
            try Files.writeAll(whole.prefix(count), to: cut)
            closeDescriptor(cut)
            let next = PodMemories(file, pods: ["a", "b"])
            #expect(next["a"] == memory("/one"))
            try next.save(memory("/two"), of: "b")
            #expect(PodMemories(file, pods: ["a", "b"])["b"] == memory("/two"))
        }
    }

    @Test func `takes room for the pods that there are, however many there were`() throws {
        defer { try? Files.removeTree(file) }
        let memories = PodMemories(file, pods: [])
        for number in 0..<3000 {
            try memories.save(memory("/\(number)"), of: "pod-\(number)")
            memories.forget("pod-\(number)")
        }
        try memories.save(memory("/last"), of: "last")
        #expect(Files.size(file) < 128 << 10)
        #expect(PodMemories(file, pods: ["last"])["last"] == memory("/last"))
    }
}
