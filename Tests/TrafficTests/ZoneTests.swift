import Resources
import Testing
import Timing
import Wire

@testable import Traffic

@Suite struct `Zones` {
    private let two = [Place(1, zone: "a", node: "node-a"), Place(2, zone: "a", node: "node-a"), Place(3, zone: "b"), Place(4, zone: "b")]

    @Test func `clients keep to their zone, and who is no pod goes anywhere`() {
        let scene = Scene()
        scene.distribution = .sameZone
        scene.put(two)
        #expect(Set(scene.counts(100, client: Scene.client("a")).keys) == [1, 2])
        #expect(Set(scene.counts(100, client: Scene.client("b")).keys) == [3, 4])
        #expect(Set(scene.counts(100, client: Scene.client("c")).keys) == [1, 2, 3, 4])
        #expect(Set(scene.counts(100, client: 0x7F00_0001).keys) == [1, 2, 3, 4])
    }

    @Test func `as much overflows to other zones as is missing in the own`() {
        let scene = Scene()
        scene.distribution = .sameZone
        scene.put([
            Place(1, zone: "a"), Place(2, zone: "a"), Place(3, zone: "a", .withheld), Place(4, zone: "a", .terminating),
            Place(5, zone: "b"),
            Place(6, zone: "c"),
        ])
        let counts = scene.counts(600, client: Scene.client("a"))
        #expect(counts[1]! + counts[2]! == 400)
        #expect(counts[3] == nil && counts[4] == nil)
        #expect((60...140).contains(counts[5]!) && (60...140).contains(counts[6]!))
        #expect(scene.counts(100, client: Scene.client("b")) == [5: 100])
    }

    @Test func `all goes elsewhere when nothing is left in the zone, and nothing when there is nothing elsewhere`() {
        let scene = Scene()
        scene.distribution = .sameZone
        scene.put([Place(1, zone: "a", .withheld), Place(2, zone: "b")])
        #expect(scene.counts(20, client: Scene.client("a")) == [2: 20])
        scene.put([Place(1, zone: "a"), Place(2, zone: "a", .withheld), Place(3, zone: "b", .withheld)])
        #expect(scene.counts(20, client: Scene.client("a")) == [1: 20])
    }

    @Test func `the own node comes before the own zone, and that before all others`() {
        let scene = Scene()
        scene.distribution = .sameNode
        scene.put([Place(1, zone: "a", node: "node-a"), Place(2, zone: "a", node: "other"), Place(3, zone: "b", node: "node-b")])
        #expect(scene.counts(20, client: Scene.client("a")) == [1: 20])
        scene.put([Place(1, zone: "a", node: "node-a", .withheld), Place(2, zone: "a", node: "other"), Place(3, zone: "b", node: "node-b")])
        #expect(scene.counts(20, client: Scene.client("a")) == [2: 20])
        scene.put([Place(2, zone: "a", node: "other", .withheld), Place(3, zone: "b", node: "node-b")])
        #expect(scene.counts(20, client: Scene.client("a")) == [3: 20])
    }

    @Test func `another try goes to another zone where there is one, without any rules`() {
        let scene = Scene()
        scene.put(two)
        for _ in 0..<10 { #expect(scene.id(client: 1, avoiding: [EndpointID(index: 0)]).map(scene.last).map { $0 > 2 } == true) }
        scene.put([Place(1, zone: "a"), Place(2, zone: "a")])
        #expect(scene.id(client: 1, avoiding: [EndpointID(index: 0)]).map(scene.last) == 2)
    }
}
