import Formats
import Resources
import Timing

/// How the sizes of a Deployment's sets move towards the newest one, one bounded step a pass.
enum Rollout {
    /// The new set grows as far as the surge allows and takes over what the old ones can give up.
    ///
    /// Never more pods than `replicas + surge` by the sets' sizes, and by our own doing never fewer available ones than
    /// `replicas - unavailable`. Replicas of old sets that are not available go first: they serve nobody, and their room is needed. Those of a version
    /// that never was complete do not even wait for the new ones: else a way out of a broken version, back or forward, would be closed as long as the
    /// other one has trouble, too.
    static func roll(_ fleet: inout Fleet, _ deployment: ObservedDeployment, _ explanation: inout [String]) {
        let (surge, unavailable) = deployment.allowance
        growNew(&fleet, deployment, limit: deployment.replicas + surge, &explanation)
        clearFailed(&fleet, deployment, &explanation)

        let floor = deployment.replicas - unavailable
        let newMissing = fleet.new.map { $0.replicas - $0.available } ?? 0
        let room = fleet.size - floor - newMissing
        guard fleet.oldSize > 0, room > 0 else {
            if fleet.oldSize > 0 {
                explanation.append("\(fleet.oldSize) old replicas stay until \(max(1, 1 - room)) more of the new ones are available")
            }
            return
        }
        var cleaned = 0
        for index in fleet.old.indices where cleaned < room {
            let member = fleet.old[index]
            let sick = min(member.replicas - member.available, room - cleaned)
            guard sick > 0 else { continue }
            fleet.resizeOld(index, to: member.replicas - sick, of: deployment)
            cleaned += sick
        }
        if cleaned > 0 { explanation.append("\(cleaned) old replicas that are not available go first") }

        var spare = fleet.available - floor
        for index in fleet.old.indices where spare > 0 {
            let member = fleet.old[index]
            let count = min(member.replicas, spare)
            guard count > 0 else { continue }
            fleet.resizeOld(index, to: member.replicas - count, of: deployment)
            spare -= count
            explanation.append(
                "\(count) old replicas of \(member.set.meta.name) can go: \(fleet.available) of at least \(floor) stay available")
        }
    }

    /// Takes away what serves nothing of versions that never were complete, where another one was: in doubt they have failed. Without one, what is not
    /// available may be all that there is, in a bad moment.
    private static func clearFailed(_ fleet: inout Fleet, _ deployment: ObservedDeployment, _ explanation: inout [String]) {
        guard fleet.all.contains(where: \.wasComplete) else { return }
        for index in fleet.old.indices where !fleet.old[index].wasComplete {
            let member = fleet.old[index]
            guard member.idle > 0 else { continue }
            fleet.resizeOld(index, to: member.replicas - member.idle, of: deployment)
            explanation.append("\(member.idle) replicas of \(member.set.meta.name), which never was complete, serve nothing and go at once")
        }
    }

    /// Old pods end before new ones start.
    ///
    /// - Parameter oldPodCount: pods of old sets that still exist, those being stopped included.
    static func recreate(_ fleet: inout Fleet, _ deployment: ObservedDeployment, oldPodCount: Int, _ explanation: inout [String]) {
        for index in fleet.old.indices where fleet.old[index].replicas > 0 { fleet.resizeOld(index, to: 0, of: deployment) }
        let remaining = max(oldPodCount, fleet.old.reduce(0) { $0 + $1.set.status.replicas })
        guard remaining == 0 else {
            explanation.append("\(remaining) old pods have to end before new ones are made")
            return
        }
        if let new = fleet.new, new.replicas != deployment.replicas { fleet.resizeNew(to: deployment.replicas, of: deployment) }
    }

    private static func growNew(_ fleet: inout Fleet, _ deployment: ObservedDeployment, limit: Int, _ explanation: inout [String]) {
        guard let new = fleet.new else { return }
        if new.replicas > deployment.replicas {
            fleet.resizeNew(to: deployment.replicas, of: deployment)
        } else if new.replicas < deployment.replicas {
            let count = min(limit - fleet.size, deployment.replicas - new.replicas)
            guard count > 0 else {
                explanation.append("\(fleet.size) of at most \(limit) pods exist: no room for more new ones yet")
                return
            }
            fleet.resizeNew(to: new.replicas + count, of: deployment)
            explanation.append("\(count) new replicas fit below the limit of \(limit)")
        }
    }
}
