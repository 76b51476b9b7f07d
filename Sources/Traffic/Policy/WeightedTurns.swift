/// Gives turns in proportion to weights, spread as evenly as they can be, without chance: smooth weighted round robin.
///
/// Each candidate earns its weight with every turn, whoever is owed most has it and pays what all have earned. Who is asked about changes as it
/// likes: who is missing neither earns nor pays.
package struct WeightedTurns<Key: Hashable & Sendable>: Sendable {
    private var earned: [Key: Double] = [:]

    package init() {}

    /// The position of the candidate whose turn it is; the first of equals. Nil when none has a weight. Cost: linear in the candidates.
    package mutating func next(_ candidates: [(key: Key, weight: Double)]) -> Int? {
        var total = 0.0
        var best: (position: Int, earned: Double)?
        for (position, candidate) in candidates.enumerated() where candidate.weight > 0 {
            let sum = earned[candidate.key, default: 0] + candidate.weight
            earned[candidate.key] = sum
            total += candidate.weight
            if sum > best?.earned ?? -.infinity { best = (position, sum) }
        }
        guard let best else { return nil }
        earned[candidates[best.position].key]! -= total
        // What is earned stays near the weights, so those that left take up no more than as much again.
        if earned.count > 2 * candidates.count + 8 {
            let present = Set(candidates.map(\.key))
            earned = earned.filter { present.contains($0.key) }
        }
        return best.position
    }
}
