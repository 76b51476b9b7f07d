import Formats
@testable import Simulation
import Testing

@Suite struct RemedyTests {
    /// What lets seeds of one drill survive is no reason to leave out what makes another milder, nor is a seed that was survived before.
    @Test func `What is left out for a better way to help is left out for the same scenario only`() {
        let (zone, roll) = (Drill(.zoneLoss, during: .steady), Drill(nil, during: .rollout))
        var objects = Samples.web()
        objects[0]["spec"]["template"]["spec"]["nodeSelector"] = ["topology.kubernetes.io/zone": "a"]
        objects[0]["spec"]["strategy"] = ["type": "Recreate"]
        func verdict(_ drill: Drill, lost: [Int]) -> Verdict {
            Verdict(
                drill,
                lost.map { count in
                    var outcome = DrillRun.Outcome(seed: 1)
                    outcome.struckAt = drill.fault == nil ? nil : .zero
                    outcome.recoveryTime = .zero
                    outcome.least = .init(workload: "web", ready: 0, wanted: 3)
                    if count > 0 { outcome.losses = [.nobodyReady: count] }
                    return outcome
                })
        }
        // No pinning makes the loss of a zone milder, in the seed that is not survived; no Recreate makes rollouts survive.
        let judge: (Drill, [Value]) -> Verdict = { drill, objects in
            let isPinned = !objects[0]["spec"]["template"]["spec"]["nodeSelector"]["topology.kubernetes.io/zone"].isNull
            let isRecreated = objects[0]["spec"]["strategy"]["type"].string == "Recreate"
            return drill == zone ? verdict(zone, lost: [0, isPinned ? 10 : 9]) : verdict(roll, lost: isRecreated ? [5, 5] : [0, 5])
        }
        let remedy = Remedy.find([zone, roll].map { judge($0, objects) }, objects: objects, judge: judge)
        let helpful = remedy.tried.filter(\.helps)
        #expect(
            helpful.map(\.field) == ["deployment/web: spec.template.spec.nodeSelector", "deployment/web: spec.strategy"],
            "\(remedy.tried.map(\.field))")
        #expect(helpful.map(\.savesSeeds) == [false, true])
    }
}
