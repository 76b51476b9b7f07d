import Foundation
import Testing

@testable import Linux

/// With real programs, where this machine lets us write control groups; what it does not have is named and passed over.
@Suite(.serialized) struct LimitTreeTests {
    private static let treeName = "steady-limits-\(getpid())"

    private func tree(_ controller: String) -> LimitTree? {
        let group = ControlGroup.below(own: Self.treeName, .unified)
        let tree = LimitTree.find(controller, name: Self.treeName, unified: group)
        if tree?.isUnified != true { group?.remove() }
        if tree == nil {
            print("no control group with \(controller) may be written here")
        }
        return tree
    }

    /// Runs a program in a group with these settings and says how it ended, and how many of it were killed for want of memory.
    private func run(_ tree: LimitTree, _ settings: [(String, String)], _ script: String) throws -> (code: Int, kills: Int) {
        defer {
            tree.clear()
            ControlGroup(path: tree.path).remove()
        }
        let group = tree.isUnified ? ControlGroup(path: tree.path).emptyChild("pod.main") : nil
        #expect(tree.set("pod.main", settings.map { (file: $0.0, value: $0.1, isOptional: false) }))
        let place = group?.open()
        let members = tree.members(of: "pod.main")
        defer { for descriptor in [place, members].compactMap(\.self) { close(descriptor) } }
        let bench = Workbench()
        let process = try bench.launch("/bin/sh", ["-c", script]) { launch in
            launch.enter(group, by: place)
            if let members { launch.cgroupMembers.append(members) }
        }
        let code = Int(bench.wait(process))
        let kills = tree.outOfMemoryKills(in: "pod.main")
        let inGroup = ControlGroup(path: "\(tree.path)/pod.main")
        for pid in inGroup.members { kill(pid, SIGKILL) }
        let end = Date().addingTimeInterval(10)
        while !inGroup.members.isEmpty, Date() < end { sched_yield() }
        tree.remove("pod.main")
        group?.remove()
        return (code, kills)
    }

    @Test func `a program that takes more memory than its limit is killed, and the kernel's count says why`() throws {
        guard let tree = tree("memory") else { return }
        let settings = [(tree.isUnified ? "memory.max" : "memory.limit_in_bytes", "\(32 << 20)")]
        // tail keeps all of a line that has no end.
        let end = try run(tree, settings, "head -c 200M /dev/zero | tail -n 1 > /dev/null")
        #expect(end.code == 128 + 9 && end.kills > 0)
    }

    @Test func `a program that stays below its limit is left alone`() throws {
        guard let tree = tree("memory") else { return }
        let settings = [(tree.isUnified ? "memory.max" : "memory.limit_in_bytes", "\(64 << 20)")]
        let end = try run(tree, settings, "exec true")
        #expect(end.code == 0 && end.kills == 0)
    }

    @Test func `a fork bomb has as many processes as its limit, and no more`() throws {
        guard let tree = tree("pids") else { return }
        // The shell itself is the first: of twenty only nine can be made.
        let end = try run(
            tree, [("pids.max", "10")], "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 60 & done; true")
        #expect(end.code == 2)
    }

    @Test func `a setting that the kernel refuses is told`() throws {
        guard let tree = tree("pids") else { return }
        defer {
            tree.clear()
            ControlGroup(path: tree.path).remove()
        }
        if tree.isUnified { _ = ControlGroup(path: tree.path).emptyChild("pod.main") }
        #expect(!tree.set("pod.main", [(file: "pids.max", value: "many", isOptional: false)]))
        #expect(tree.set("pod.main", [(file: "no.such.file", value: "1", isOptional: true)]))
        #expect(!tree.set("pod.main", [(file: "no.such.file", value: "1", isOptional: false)]))
        if tree.isUnified { ControlGroup(path: "\(tree.path)/pod.main").remove() }
    }
}

@Suite struct CPUPressureTests {
    @Test func `the share of time in which somebody waited is read, and a kernel that does not tell is none`() {
        #expect(CPUPressure.share(of: "some avg10=98.84 avg60=99.14 avg300=94.03 total=7974857782\nfull avg10=0.00\n") == 98.84)
        #expect(CPUPressure.share(of: "") == nil)
    }
}
