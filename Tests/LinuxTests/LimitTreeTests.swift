import Foundation
import Testing

@testable import Linux

/// With real programs, where this machine lets us write control groups; what it does not have is skipped, with the reason.
@Suite(.serialized) struct LimitTreeTests {
    private static let treeName = "steady-limits-\(getpid())"

    private static func find(_ controller: String) -> LimitTree? {
        let group = ControlGroup.below(own: Self.treeName, .unified)
        let tree = LimitTree.find(controller, name: Self.treeName, unified: group)
        if tree?.isUnified != true { group?.remove() }
        return tree
    }

    private static func isThere(_ controller: String) -> Bool {
        let tree = find(controller)
        if tree?.isUnified == true { tree.map { ControlGroup(path: $0.path).remove() } }
        return tree != nil
    }
    private static let (hasMemory, hasProcesses) = (isThere("memory"), isThere("pids"))

    private func tree(_ controller: String) throws -> LimitTree { try #require(Self.find(controller)) }

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

    @Test(.enabled(if: hasMemory, "no control group with memory may be written here"))
    func `a program that takes more memory than its limit is killed, and the kernel's count says why`() throws {
        let tree = try tree("memory")
        let settings = [(tree.isUnified ? "memory.max" : "memory.limit_in_bytes", "\(32 << 20)")]
        // tail keeps all of a line that has no end.
        let end = try run(tree, settings, "head -c 200M /dev/zero | tail -n 1 > /dev/null")
        #expect(end.code == 128 + 9 && end.kills > 0)
    }

    @Test(.enabled(if: hasMemory, "no control group with memory may be written here"))
    func `a program that stays below its limit is left alone`() throws {
        let tree = try tree("memory")
        let settings = [(tree.isUnified ? "memory.max" : "memory.limit_in_bytes", "\(64 << 20)")]
        let end = try run(tree, settings, "exec true")
        #expect(end.code == 0 && end.kills == 0)
    }

    @Test(.enabled(if: hasProcesses, "no control group with pids may be written here"))
    func `a fork bomb has as many processes as its limit, and no more`() throws {
        let tree = try tree("pids")
        // The shell itself is the first: of twenty only nine can be made.
        let end = try run(
            tree, [("pids.max", "10")], "for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do sleep 60 & done; true")
        #expect(end.code == 2)
    }

    @Test(.enabled(if: hasProcesses, "no control group with pids may be written here"))
    func `a setting that the kernel refuses is told`() throws {
        let tree = try tree("pids")
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

/// What `steady doctor` says of limits.
@Suite struct LimitProspectTests {
    private func unified(
        _ controllers: Set<String>, passedOn: Set<String> = [], isWritable: Bool = true, isRoot: Bool = false, isAlone: Bool = false
    ) -> LimitProspect.Surroundings.Unified {
        .init(
            path: "/g", controllers: controllers, passedOn: passedOn, isWritable: isWritable, isRoot: isRoot, isAlone: isAlone)
    }

    @Test func `limits hold where a group may be made for them, and else what is in the way is named`() {
        let (mine, others) = (
            LimitProspect.Surroundings.Separate(path: "/v1", isWritable: true),
            LimitProspect.Surroundings.Separate(path: "/v1", isWritable: false)
        )
        let table: [(LimitProspect.Surroundings, LimitProspect)] = [
            (.init(), .absent),
            // cgroup2 alone.
            (.init(unified: unified(["memory"], isAlone: true)), .holds(version: 2)),
            (.init(unified: unified(["memory"], passedOn: ["memory"])), .holds(version: 2)),
            (.init(unified: unified(["memory"], isRoot: true)), .holds(version: 2)),
            (.init(unified: unified(["memory"])), .crowded(group: "/g")),
            (.init(unified: unified(["memory"], passedOn: ["cpu"])), .crowded(group: "/g")),
            (.init(unified: unified(["cpu"], isAlone: true)), .withheld(group: "/g")),
            (.init(unified: unified(["memory"], isWritable: false, isAlone: true)), .foreign(directory: "/g")),
            (.init(unified: unified([], isWritable: false)), .foreign(directory: "/g")),
            // v1 alone, and a hybrid machine, whose cgroup2 tree has no controllers.
            (.init(v1: mine), .holds(version: 1)), (.init(v1: others), .foreign(directory: "/v1")),
            (.init(unified: unified([]), v1: mine), .holds(version: 1)),
            (.init(unified: unified([]), v1: others), .foreign(directory: "/v1")),
            (.init(unified: unified(["memory"]), v1: mine), .holds(version: 1)),
            (.init(unified: unified(["memory"], isAlone: true), v1: mine), .holds(version: 2)),
        ]
        for (found, prospect) in table { #expect(LimitProspect.judge("memory", found) == prospect, "\(found)") }
    }

    /// The tests' process is where an `up` would be that is started from here.
    @Test(arguments: ["memory", "cpu", "pids"]) func `what is said of this machine is so`(controller: String) {
        let group = ControlGroup.below(own: "steady-prospect-\(getpid())", .unified)
        defer { group?.remove() }
        let tree = LimitTree.find(controller, name: "steady-prospect-\(getpid())", unified: group)
        switch LimitProspect.look(controller) {
        case .holds(let version): #expect(tree?.isUnified == (version == 2) || version == 2 && tree == nil, "room is made by up alone")
        case let other: #expect(tree == nil, "\(other)")
        }
    }
}

@Suite struct CPUPressureTests {
    @Test func `the share of time in which somebody waited is read, and a kernel that does not tell is none`() {
        #expect(CPUPressure.share(of: "some avg10=98.84 avg60=99.14 avg300=94.03 total=7974857782\nfull avg10=0.00\n") == 98.84)
        #expect(CPUPressure.share(of: "") == nil)
    }
}
