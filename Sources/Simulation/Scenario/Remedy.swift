import Formats

/// Which changes of a manifest fix what its drills showed: each is tried with the same seeds, and what helps stays while more is looked for.
package struct Remedy: Sendable {
    /// In the order in which they were tried.
    package private(set) var tried: [Suggestion] = []
    /// The drills that were not survived, judged again with everything that helped; empty when nothing did.
    package private(set) var after: [Verdict] = []

    /// Some changes help only together with others: after each round what helped is taken over and looked at again.
    package static let roundLimit = 3

    /// - Parameter judge: runs a drill with changed objects. Called for each suggestion, and for each drill that failed after each round.
    package static func find(_ verdicts: [Verdict], objects: [Value], judge: (Drill, [Value]) -> Verdict) -> Remedy {
        var remedy = Remedy()
        var objects = objects
        var verdicts = verdicts
        let failing = verdicts.filter { !$0.isSurvived && $0.judgement != .brokenPromise && $0.judgement != .notReached }.map(\.drill)
        for _ in 0..<roundLimit where verdicts.contains(where: { failing.contains($0.drill) && !$0.isSurvived }) {
            var round = Suggestions.from(verdicts, objects: objects).filter { new in
                !remedy.tried.contains { $0.field == new.field && $0.to == new.to && $0.helps }
            }
            for index in round.indices {
                var changed = objects
                round[index].change(&changed)
                round[index].after = judge(round[index].drill, changed)
            }
            // What makes a drill milder and none of its seeds right is no way to help where something else does that for the same drill.
            let saved = Set(round.filter { $0.helps && $0.savesSeeds }.map(\.drill))
            round.removeAll { $0.helps && !$0.savesSeeds && saved.contains($0.drill) }
            for new in round {
                // What did not help before and does now counts as what helps.
                remedy.tried.removeAll { $0.field == new.field && $0.to == new.to && !$0.helps }
                remedy.tried.append(new)
                if new.helps { new.change(&objects) }
            }
            guard round.contains(where: \.helps) else { break }
            remedy.after = failing.map { judge($0, objects) }
            verdicts = verdicts.map { old in remedy.after.first { $0.drill == old.drill } ?? old }
        }
        return remedy
    }
}
