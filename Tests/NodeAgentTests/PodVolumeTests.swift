import Foundation
import Linux
import Resources
import Supervision
import Testing

@testable import NodeAgent

struct PodVolumeTests {
    private let directory = NSTemporaryDirectory() + "steady-volumes-\(UUID().uuidString.prefix(8))"
    private var volumes: PodVolumes { PodVolumes(paths: PodPaths(node: directory, uid: "pod"), owner: nil) }
    private var outside: String { directory + "/outside" }

    private func mount(_ name: String, at path: String, subPath: String = "") -> VolumeMount {
        VolumeMount(["name": .string(name), "mountPath": .string(path), "subPath": .string(subPath)])
    }

    private func prepare() throws {
        try Files.makeDirectories(outside)
        for name in ["a", "b", "c"] { try volumes.provide(name, .emptyDirectory) }
    }

    @Test(arguments: ["evil", "evil/new", "evil/new/deep", "dangling"]) func `a subPath that a link leads out of the volume is refused`(
        sub: String
    ) throws {
        try prepare()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try Files.link(volumes.paths.volume("a") + "/evil", to: outside)
        try Files.link(volumes.paths.volume("a") + "/dangling", to: outside + "/missing")
        #expect(throws: LinuxError.self) { try volumes.mount([mount("a", at: "/data", subPath: sub)]) { _ in } }
        #expect(try Files.list(outside).isEmpty)
    }

    @Test func `a mount place that a link leads out of the pod is refused`() throws {
        try prepare()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        try Files.makeDirectories(volumes.paths.tree)
        try Files.link(volumes.paths.tree + "/etc", to: outside)
        #expect(throws: LinuxError.self) { try volumes.mount([mount("a", at: "/etc/cron.d")]) { _ in } }
        #expect(throws: LinuxError.self) { try volumes.mount([mount("a", at: "/etc/deep/er")]) { _ in } }
        try Files.link(volumes.paths.tree + "/up", to: volumes.paths.volumes + "/a/../../../outside")
        #expect(throws: LinuxError.self) { try volumes.mount([mount("a", at: "/up/x")]) { _ in } }
        #expect(try Files.list(outside).isEmpty)
    }

    private func file(_ path: String, _ text: String) -> VolumeFile { VolumeFile(path: path, bytes: Array(text.utf8), mode: 0o644) }

    /// What an agent leaves that dies between any two steps of an update.
    @Test func `an update that was broken off is completed, and nothing of it stays behind`() throws {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let path = volumes.paths.volume("config")
        #expect(try volumes.provide("config", .files([file("a", "1"), file("b", "1")])))
        let first = try #require(Files.linkTarget(path + "/..data"))
        // A version that never came into force, the link on its way there, and a name that was not made yet.
        try Files.makeDirectories(path + "/..0123")
        try Files.link(path + "/..data.tmp7", to: "..0123")
        try Files.removeTree(path + "/b")
        #expect(try !volumes.provide("config", .files([file("a", "1"), file("b", "1")])))
        #expect(try Files.list(path).sorted() == [first, "..data", "a", "b"].sorted())
        #expect(try Files.text(path + "/b") == "1")
        // A version before the one in force.
        try Files.makeDirectories(path + "/..4567")
        #expect(try volumes.provide("config", .files([file("a", "2")])))
        #expect(try Files.list(path).sorted() == [Files.linkTarget(path + "/..data") ?? "", "..data", "a"].sorted())
        #expect(try Files.text(path + "/a") == "2")
    }

    @Test func `a missing subPath is made, and mounts lie in mounts`() throws {
        try prepare()
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let mounts = [mount("a", at: "/m", subPath: "x/./y"), mount("b", at: "/m/n"), mount("c", at: "/m/n/o/p")]
        let made = try volumes.mount(mounts) { Issue.record("taken: \($0)") }
        #expect(made.map(\.1) == ["/m", "/m/n", "/m/n/o/p"].map { volumes.paths.tree + $0 })
        try Files.replace(volumes.paths.tree + "/m/n/o/p/file", with: "c".utf8)
        #expect(try Files.text(volumes.paths.volume("c") + "/file") == "c")
        #expect(Files.isDirectory(volumes.paths.volume("a") + "/x/y"))
        #expect(Files.linkTarget(volumes.paths.volume("b") + "/o/p") == volumes.paths.volume("c"))
    }
}
