import Foundation
import Synchronization
import Testing

@testable import Linux

@Suite(.serialized) struct ControlGroupTests {
    private static func group(_ kind: ControlGroup.Kind) -> ControlGroup? { ControlGroup.below(own: "steady-test-\(getpid())", kind) }

    /// The kinds of groups that may be written here: an empty list shows as a test that was skipped.
    private static let kinds = [ControlGroup.Kind.unified, .freezer].filter { kind in
        defer { group(kind)?.remove() }
        return group(kind) != nil
    }
    private static let hasUnified = kinds.contains(.unified)

    @Test(.enabled(if: !kinds.isEmpty, "no control group may be written here"), arguments: kinds)
    func `whatever a program forks in its group is killed with it, and the group goes when it is empty`(kind: ControlGroup.Kind) throws {
        let parent = try #require(Self.group(kind))
        let group = try #require(parent.child("pod.main"))
        let place = try #require(group.open())
        defer { close(place) }
        let bench = Workbench()
        // Forks without end, out of its session and without its environment.
        let bomb = "while :; do env -i setsid /bin/sleep 1000 & n=$((n+1)); test $n -gt 50 && sleep 0.01; done"
        let process = try bench.launch("/bin/sh", ["-c", bomb]) { $0.enter(group, by: place) }
        #expect(eventually { group.members.count >= 30 })
        #expect(group.isPopulated && group.members.contains(process.pid))
        let members = group.members
        group.remove()
        #expect(group.exists)
        group.kill()
        #expect(eventually { !group.isPopulated })
        #expect(bench.wait(process) == 128 + SIGKILL)
        #expect(members.allSatisfy { Processes.state(of: $0).map { $0 == "Z" } ?? true })
        group.remove()
        parent.remove()
        #expect(!parent.exists)
    }

    @Test(.enabled(if: hasUnified, "no cgroup2 group may be written here"))
    func `empty groups of agents that were killed are removed by the next, populated ones and others stay`() throws {
        let own = try #require(Self.group(.unified))
        let parent = ControlGroup(path: Files.directory(of: own.path))
        let prefix = "steady-test-\(getpid())-"
        let (empty, full, other) = (parent.child(prefix + "a"), parent.child(prefix + "b"), parent.child("other-\(getpid())"))
        _ = full?.child("pod.main")
        own.removeEmptyNeighbours(prefix: prefix)
        #expect(empty?.exists == false && full?.exists == true && other?.exists == true && own.exists)
        for group in [full?.child("pod.main"), full, other, own] { group?.remove() }
    }

    @Test(.enabled(if: hasUnified, "no cgroup2 group may be written here"))
    func `a program starts in a group of a name whose earlier group was killed`() throws {
        let parent = try #require(Self.group(.unified))
        let bench = Workbench()
        defer { parent.remove() }
        for expected: Int32 in [137, 137, 7] {
            let group = try #require(parent.emptyChild("main"))
            let place = try #require(group.open())
            defer { close(place) }
            let process = try bench.launch("/bin/sh", ["-c", expected == 7 ? "exit 7" : "sleep 60 & sleep 60"]) {
                $0.enter(group, by: place)
            }
            if expected == 137 {
                // It runs, and is not dead of what happened to the group before it.
                var poll = pollfd(fd: process.pidfd, events: Int16(POLLIN), revents: 0)
                #expect(Glibc.poll(&poll, 1, 20) == 0)
                group.kill()
            }
            #expect(bench.wait(process) == expected)
            #expect(eventually { !group.isPopulated })
        }
        parent.emptyChild("main")?.remove()
    }

    @Test(.enabled(if: !kinds.isEmpty, "no control group may be written here"), arguments: kinds)
    func `a group that was removed after it was opened is told from one that may not be entered`(kind: ControlGroup.Kind) throws {
        let parent = try #require(Self.group(kind))
        defer { parent.remove() }
        let group = try #require(parent.emptyChild("gone"))
        let place = try #require(group.open())
        defer { close(place) }
        group.remove()
        let failure = #expect(throws: LaunchFailure.self) { try Workbench().launch("/bin/true", []) { $0.enter(group, by: place) } }
        #expect(failure?.isGroupGone == true, "\(failure.map { "\($0)" } ?? "it ran")")
    }

    @Test(.enabled(if: hasUnified, "no cgroup2 group may be written here"))
    func `agents that start beside each other do not take each other's group away while it is made`() throws {
        let own = try #require(Self.group(.unified))
        defer { own.remove() }
        let name = "steady-test-\(getpid())-beside"
        final class End: Sendable { let isReached = Atomic(false) }
        let end = End()
        // What every agent does at its start, without a pause.
        let other = try ThreadHandle.start(name: "other") {
            while !end.isReached.load(ordering: .relaxed) { own.removeEmptyNeighbours(prefix: name) }
        }
        defer {
            end.isReached.store(true, ordering: .relaxed)
            other.join()
        }
        for _ in 0..<2000 {
            let group = try #require(ControlGroup.below(own: name))
            #expect(group.kind == .unified)
            let child = try #require(group.emptyChild("main"))
            #expect(child.exists && group.exists)
            child.remove()
        }
    }
}
