import Formats

/// One change of a manifest that would help, why, and the manifest with it.
package struct Suggestion: Sendable {
    /// `deployment/web: spec.replicas`.
    package var field: String
    package var from: String
    package var to: String
    /// What was seen, in a sentence.
    package var evidence: String
    /// The drill that showed it: the one to run again.
    package var drill: Drill
    /// Makes the change in all objects.
    package var change: @Sendable (inout [Value]) -> Void
    /// The drill's judgement before.
    package var before: Verdict
    /// What the same seeds of the same drill gave with the change; nil: not tried.
    package var after: Verdict?

    /// How many suggestions are tried out at most: each costs as many runs as the drill had seeds.
    package static let limit = 6

    /// Whether the change made things better, as far as that was tried.
    package var helps: Bool {
        // What the change keeps from happening at all is not shown to be survived.
        guard let after, after.judgement != .notReached, after.reachedCount >= before.reachedCount else { return false }
        if after.judgement != before.judgement { return after.judgement < before.judgement }
        if after.avoidableLossCount != before.avoidableLossCount { return after.avoidableLossCount < before.avoidableLossCount }
        guard let ready = after.least, let was = before.least else { return false }
        return ready.ready > was.ready
    }

    /// Whether more seeds were survived with the change than before.
    package var savesSeeds: Bool { (after?.survivedCount ?? 0) > before.survivedCount }
}
