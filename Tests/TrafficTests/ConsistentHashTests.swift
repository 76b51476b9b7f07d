import Resources
import Testing
import Timing
import Wire

@testable import Traffic

@Suite struct `A hash that stays` {
    /// The share of keys that move when the number of endpoints goes from one to the other: what no balancing can avoid, and hardly more.
    @Test(arguments: [(10, 11), (11, 10), (5, 6), (50, 51), (3, 2)])
    func `moves hardly more keys than it must`(before: Int, after: Int) {
        let scene = Scene()
        scene.rules.balancing = .consistentHash(.header("X-Key"))
        func picks(_ count: Int) -> [UInt32] {
            scene.put((1...UInt32(count)).map { Place($0) })
            return (0..<2000).map { key in
                let id = scene.id(client: 1, RequestHead(method: "GET", target: "/", headers: HTTPHeaders([("X-Key", "key \(key)")])))!
                scene.router.finished(id, .exchanges)
                return scene.last(id)
            }
        }
        let first = picks(before)
        let second = picks(after)
        let moved = zip(first, second).count { $0 != $1 }
        let least = 2000 * abs(before - after) / max(before, after)
        #expect(moved <= least * 5 / 4 + 20)
        #expect(moved >= least / 2)
    }
}
