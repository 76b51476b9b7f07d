import Formats
import Reconciling
import Resources
import Testing
import Timing

/// Ways out of a version that does not work: back, by itself where it is told to, and forward, always.
@Suite struct RollbackTests {
    private func world(replicas: Int64 = 3, surge: Value = "25%", unavailable: Value = "25%", goesBack: Bool = true) -> TinyWorld {
        var world = TinyWorld(replicas: replicas, surge: surge, unavailable: unavailable)
        if goesBack { world.deployment["metadata"]["annotations"] = ["steady.dev/rollback-on-failure": "true"] }
        world.finish()
        world.broken = ["web:v3"]
        return world
    }

    private func image(_ world: TinyWorld) -> String { world.deployment["spec"]["template"]["spec"]["containers"][0]["image"].string ?? "" }

    @Test func `a version that exceeds its deadline is taken back, said so, and stays taken back`() {
        var world = world()
        world.setImage("web:v3")
        world.finish()
        #expect(world.sizes == ["web:v1": 3, "web:v3": 1])
        world.now = world.now + .seconds(601)
        world.finish()
        #expect(image(world) == "web:v1" && world.sizes == ["web:v1": 3] && world.readyCount == 3)
        let condition = world.condition(Condition.rolledBack)
        #expect(condition["status"] == "True" && condition["reason"] == "ProgressDeadlineExceeded")
        let name = world.set(of: "web:v1")["metadata"]["name"].string ?? ""
        #expect(
            condition["message"].string == "Revision 2 failed: it made no progress for 600 s. Went back to revision 1 (\(name))")
        #expect(world.condition("Progressing")["reason"] == "NewReplicaSetAvailable")
        for _ in 0..<5 {
            world.now = world.now + .seconds(3600)
            world.finish()
        }
        #expect(image(world) == "web:v1" && world.condition(Condition.rolledBack)["status"] == "True")
    }

    @Test func `the template that it goes back to is exactly the one that there was`() {
        var world = world()
        let before = world.deployment["spec"]["template"]
        world.setImage("web:v3")
        world.finish()
        world.now = world.now + .seconds(601)
        world.finish()
        #expect(world.deployment["spec"]["template"] == before)
        #expect(world.sets.count == 2)
    }

    @Test func `crash loops are enough, once every new pod has failed often`() {
        var world = world()
        world.setImage("web:v3")
        world.finish()
        world.crash("web:v3", restarts: 6)
        world.finish()
        #expect(image(world) == "web:v3")
        world.crash("web:v3", restarts: 7)
        let events = world.deploymentPass().events
        #expect(events.map(\.reason) == ["RolledBack"] && events.first?.severity == .warning)
        world.finish()
        #expect(image(world) == "web:v1" && world.condition(Condition.rolledBack)["reason"] == "CrashLoopBackOff")
        #expect(world.condition(Condition.rolledBack)["message"].string?.contains("(1 pods, 7 restarts each)") == true)
    }

    @Test func `nobody who did not ask for it is taken back`() {
        for text in [nil, "false"] as [String?] {
            var world = world(goesBack: false)
            if let text { world.deployment["metadata"]["annotations"]["steady.dev/rollback-on-failure"] = .string(text) }
            world.setImage("web:v3")
            world.finish()
            world.crash("web:v3", restarts: 50)
            world.now = world.now + .seconds(601)
            world.finish()
            #expect(image(world) == "web:v3")
            #expect(world.condition("Progressing")["reason"] == "ProgressDeadlineExceeded")
        }
    }

    @Test func `a first version has nothing to go back to, and says so`() {
        var world = TinyWorld(replicas: 2)
        world.deployment["metadata"]["annotations"] = ["steady.dev/rollback-on-failure": "true"]
        world.broken = ["web:v1"]
        world.finish()
        world.now = world.now + .seconds(601)
        world.settle()
        let plan = world.deploymentPass()
        #expect(image(world) == "web:v1")
        #expect(plan.explanation.contains("it made no progress for 600 s, and no earlier version that was complete is left to go back to"))
    }

    /// Were it otherwise, two versions that both fail would be rolled to and fro for ever.
    @Test func `from a version that was complete once it never goes back by itself, however it fares`() {
        var world = world()
        world.setImage("web:v2")
        world.finish()
        world.broken = ["web:v1", "web:v2", "web:v3"]
        for name in world.pods.keys.sorted() { world.setReady(name, false) }
        world.crash("web:v2", restarts: 50)
        world.setImage("web:v3")
        world.finish()
        #expect(image(world) == "web:v3")
        world.now = world.now + .seconds(601)
        world.finish()
        #expect(image(world) == "web:v2")
        var templates: Set<String> = []
        for _ in 0..<10 {
            world.now = world.now + .seconds(601)
            world.finish()
            templates.insert(image(world))
        }
        #expect(templates == ["web:v2"])
    }

    @Test func `a new version ends the report of the one that was taken back, and may be taken back itself`() {
        var world = world()
        world.broken = ["web:v3", "web:v4"]
        for version in ["web:v3", "web:v4"] {
            world.setImage(version)
            world.finish()
            #expect(world.condition(Condition.rolledBack).isNull)
            world.now = world.now + .seconds(601)
            world.finish()
            #expect(image(world) == "web:v1" && !world.condition(Condition.rolledBack).isNull)
        }
        world.setImage("web:v5")
        world.finish()
        #expect(world.sizes == ["web:v5": 3] && world.condition(Condition.rolledBack).isNull)
    }

    @Test func `whoever changes the template at the same moment is not overruled`() throws {
        var world = world()
        world.setImage("web:v3")
        world.finish()
        world.now = world.now + .seconds(601)
        world.settle()
        // The plan saw v3; its patch arrives after that of a person.
        var late = world
        late.setImage("web:v3")
        late.deployment["spec"]["template"]["metadata"]["labels"]["extra"] = "1"
        late.deploymentPass()
        #expect(image(late) == "web:v3" && late.deployment["spec"]["template"]["metadata"]["labels"]["extra"] == "1")
    }

    // MARK: Forward

    private static let shapes: [(surge: Value, unavailable: Value)] = [
        (1, 0), (0, 1), ("25%", "25%"), ("100%", 0), (0, "100%"), (2, 1), (0, 0),
    ]

    /// Every combination of what is broken, at every size, from every moment of the roll before.
    @Test(arguments: 0..<7)
    func `rolling forward out of a broken version always arrives`(shape: Int) {
        let (surge, unavailable) = Self.shapes[shape]
        for replicas in [1, 2, 4] as [Int64] {
            for broken in [["web:v3"], ["web:v1", "web:v3"], ["web:v1", "web:v2", "web:v3"], ["web:v2", "web:v3"]] as [Set<String>] {
                for steps in [0, 1, 60] {
                    var world = TinyWorld(replicas: replicas, surge: surge, unavailable: unavailable)
                    world.finish()
                    for version in ["web:v2", "web:v3"] {
                        world.setImage(version)
                        // What is broken breaks what runs, too, at some moment of the roll.
                        if version == "web:v3" {
                            world.broken = broken
                            for name in world.pods.keys.sorted() { world.setReady(name, true) }
                        }
                        for _ in 0..<steps {
                            world.settle(limit: 1)
                            world.agentsWork()
                        }
                    }
                    world.setImage("web:v4")
                    world.finish()
                    #expect(
                        world.sizes == ["web:v4": replicas] && world.readyCount == Int(replicas),
                        "\(replicas) replicas, surge \(surge), unavailable \(unavailable), \(broken.sorted()) broken after \(steps) steps: \(world.sizes)"
                    )
                }
            }
        }
    }

    /// The version that was good has trouble of its own: the way back must not wait for it.
    @Test(arguments: 0..<7)
    func `undo clears a broken version away although the good one fails, too`(shape: Int) {
        let (surge, unavailable) = Self.shapes[shape]
        for replicas in [1, 2, 4, 8] as [Int64] {
            var world = TinyWorld(replicas: replicas, surge: surge, unavailable: unavailable)
            world.finish()
            world.broken = ["web:v2"]
            world.setImage("web:v2")
            world.finish()
            world.broken = ["web:v1", "web:v2"]
            for name in world.pods.keys.sorted() { world.setReady(name, false) }
            world.setImage("web:v1")
            world.finish()
            #expect(world.sizes == ["web:v1": replicas], "\(replicas) replicas, surge \(surge), unavailable \(unavailable)")
            world.broken = []
            world.finish()
            #expect(world.readyCount == Int(replicas))
        }
    }

    @Test func `in a bad moment of the good version its replicas are not taken for failed ones`() {
        var world = world(replicas: 4, surge: 1, unavailable: 0, goesBack: false)
        world.setImage("web:v3")
        world.finish()
        for name in world.pods.keys.sorted() { world.setReady(name, false) }
        world.settle()
        #expect(world.sizes["web:v1"] == 4)
    }
}
