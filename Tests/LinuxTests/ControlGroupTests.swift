import Foundation
import Testing

@testable import Linux

@Suite(.serialized) struct ControlGroupTests {
    private static func group(_ kind: ControlGroup.Kind) -> ControlGroup? { ControlGroup.below(own: "steady-test-\(getpid())", kind) }

    @Test(arguments: [ControlGroup.Kind.unified, .freezer])
    func `whatever a program forks in its group is killed with it, and the group goes when it is empty`(kind: ControlGroup.Kind) throws {
        guard let parent = Self.group(kind) else { return print("no \(kind) control group may be written here") }
        let group = try #require(parent.child("pod.main"))
        let place = try #require(group.open())
        defer { close(place) }
        let bench = Workbench()
        // Forks without end, out of its session and without its environment.
        let bomb = "while :; do env -i setsid /bin/sleep 1000 & n=$((n+1)); test $n -gt 50 && sleep 0.01; done"
        let process = try bench.launch("/bin/sh", ["-c", bomb]) { $0.enter(group, by: place) }
        let end = Date().addingTimeInterval(10)
        while group.members.count < 30, Date() < end { sched_yield() }
        #expect(group.isPopulated && group.members.contains(process.pid))
        let members = group.members
        group.remove()
        #expect(group.exists)
        group.kill()
        while group.isPopulated, Date() < end { sched_yield() }
        #expect(!group.isPopulated)
        #expect(bench.wait(process) == 128 + SIGKILL)
        #expect(members.allSatisfy { Processes.state(of: $0).map { $0 == "Z" } ?? true })
        group.remove()
        parent.remove()
        #expect(!parent.exists)
    }

    @Test func `empty groups of agents that were killed are removed by the next, populated ones and others stay`() throws {
        guard let own = Self.group(.unified) else { return print("no control group may be written here") }
        let parent = ControlGroup(path: Files.directory(of: own.path))
        let prefix = "steady-test-\(getpid())-"
        let (empty, full, other) = (parent.child(prefix + "a"), parent.child(prefix + "b"), parent.child("other-\(getpid())"))
        _ = full?.child("pod.main")
        own.removeEmptyNeighbours(prefix: prefix)
        #expect(empty?.exists == false && full?.exists == true && other?.exists == true && own.exists)
        for group in [full?.child("pod.main"), full, other, own] { group?.remove() }
    }
}
