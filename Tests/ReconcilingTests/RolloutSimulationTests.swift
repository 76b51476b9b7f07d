import Formats
import Reconciling
import Resources
import Testing
import Timing

/// Random orders of readiness, failures, scalings, versions and undos; the bounds are looked at after every step.
@Suite struct RolloutSimulationTests {
    private static let shapes: [(Int64, Value, Value)] = [
        (3, "25%", "25%"), (10, "25%", "25%"), (5, 1, 0), (4, 0, 1), (1, 1, 0), (7, "50%", "30%"), (2, 0, 0),
    ]

    /// A world rolled out, whose version 3 is never ready.
    private func world(_ seed: Int) -> TinyWorld {
        let shape = Self.shapes[seed % Self.shapes.count]
        var world = TinyWorld(replicas: shape.0, surge: shape.1, unavailable: shape.2)
        world.finish()
        world.broken = ["web:v3"]
        return world
    }

    private func someoneWorks(_ world: inout TinyWorld, _ random: inout SeededRandom) {
        switch Int.random(in: 0..<10, using: &random) {
        case 0..<4:
            let waiting = world.pods.keys.sorted().filter { !ObservedPod(world.pods[$0]!).isReady }
            if let pod = waiting.randomElement(using: &random) { world.setReady(pod, true) }
        case 4..<5:
            let going = world.pods.keys.sorted().filter { ObservedPod(world.pods[$0]!).meta.isDeleting }
            if let pod = going.randomElement(using: &random) { world.pods[pod] = nil }
        case 5..<7: world.deploymentPass()
        default: if let name = world.sets.keys.sorted().randomElement(using: &random) { world.setPass(name) }
        }
    }

    private func size(_ world: TinyWorld) -> Int { world.sets.values.reduce(0) { $0 + Int($1["spec"]["replicas"].int ?? 0) } }

    @Test(arguments: 0..<14)
    func `while nothing fails by itself, no order of versions and undos takes more than was allowed`(_ seed: Int) {
        var random = SeededRandom(seed: UInt64(seed))
        var world = world(seed)
        let (surge, unavailable) = world.observed.allowance
        let replicas = world.observed.replicas
        for step in 0..<200 {
            if Int.random(in: 0..<40, using: &random) == 0 { world.setImage("web:v\(Int.random(in: 1...4, using: &random))") }
            someoneWorks(&world, &random)
            #expect(size(world) <= replicas + surge, "seed \(seed), step \(step)")
            #expect(world.readyCount >= replicas - unavailable, "seed \(seed), step \(step): \(world.readyCount) ready")
        }
    }

    @Test(arguments: 0..<14)
    func `with failures, losses and scalings a rollout stays below its surge and arrives when they stop`(_ seed: Int) {
        var random = SeededRandom(seed: UInt64(seed) &* 7919)
        var world = world(seed)
        for step in 0..<200 {
            let before = size(world)
            var isPersonsDoing = false
            switch Int.random(in: 0..<60, using: &random) {
            case 0..<2: world.setImage("web:v\(Int.random(in: 1...4, using: &random))")
            case 2..<3:
                world.set("replicas", .int(Int64.random(in: 1...12, using: &random)))
                isPersonsDoing = true
            case 3..<6: if let victim = world.pods.keys.sorted().randomElement(using: &random) { world.setReady(victim, false) }
            case 6..<8: if let victim = world.pods.keys.sorted().randomElement(using: &random) { world.pods[victim] = nil }
            default: someoneWorks(&world, &random)
            }
            // A smaller `replicas` leaves too many for a moment: then nothing may be added to them.
            let limit = world.observed.replicas + world.observed.allowance.surge
            #expect(isPersonsDoing || size(world) <= max(limit, before), "seed \(seed), step \(step): \(size(world)) pods by size")
        }
        if world.observed.template["spec"]["containers"][0]["image"] == "web:v3" { world.setImage("web:v4") }
        world.finish()
        #expect(
            world.sizes.count == 1 && world.readyCount == world.observed.replicas && world.liveCount == world.observed.replicas,
            "seed \(seed)")
    }
}
