import Formats
import Resources

/// What a change of `replicas` does to the sets: all of it goes to the only set there is; in the middle of a rollout each gets its share.
enum ProportionalScaling {
    /// Whether the Deployment was scaled since a set last got its share.
    static func isDue(_ fleet: Fleet, _ deployment: ObservedDeployment) -> Bool {
        fleet.all.contains { member in
            guard member.replicas > 0, let desired = member.annotations[Revisions.desiredReplicas].flatMap(Int.init) else { return false }
            return desired != deployment.replicas
        }
    }

    /// While a Deployment is paused its only set still follows `replicas`; several are left as they are.
    static func correct(_ fleet: inout Fleet, _ deployment: ObservedDeployment) {
        let active = fleet.all.filter { $0.replicas > 0 }
        if active.count <= 1 { scaleOnly(&fleet, deployment, active.first?.set.meta.uid) }
    }

    static func scale(_ fleet: inout Fleet, _ deployment: ObservedDeployment, _ explanation: inout [String]) {
        let active = fleet.all.filter { $0.replicas > 0 }
        if active.count <= 1 {
            scaleOnly(&fleet, deployment, active.first?.set.meta.uid)
            return
        }
        if let new = fleet.new, new.replicas == deployment.replicas, new.available == deployment.replicas,
            new.annotations[Revisions.desiredReplicas] == String(deployment.replicas)
        {
            for index in fleet.old.indices where fleet.old[index].replicas > 0 { fleet.resizeOld(index, to: 0, of: deployment) }
            explanation.append("the new version is complete: the old ones end")
            return
        }
        guard case .rollingUpdate = deployment.strategy else { return }
        share(&fleet, deployment)
        explanation.append("scaled in the middle of a rollout: every version keeps its share")
    }

    /// - Parameter uid: the one set with pods; nil: the new one, or the newest of the old ones.
    private static func scaleOnly(_ fleet: inout Fleet, _ deployment: ObservedDeployment, _ uid: String?) {
        if let new = fleet.new, uid == nil || uid == new.set.meta.uid {
            fleet.resizeNew(to: deployment.replicas, of: deployment)
        } else if let index = uid.map({ uid in fleet.old.firstIndex { $0.set.meta.uid == uid } }) ?? fleet.old.indices.last {
            fleet.resizeOld(index, to: deployment.replicas, of: deployment)
        }
    }

    private static func share(_ fleet: inout Fleet, _ deployment: ObservedDeployment) {
        let limit = deployment.replicas > 0 ? deployment.replicas + deployment.allowance.surge : 0
        let change = limit - fleet.size
        // What rounding leaves over goes to the largest; among equals the newest grows first and the oldest shrinks first.
        var members = fleet.all.enumerated().filter { $0.element.replicas > 0 }.map { (index: $0.offset, member: $0.element) }
        members.sort { a, b in
            if a.member.replicas != b.member.replicas { return a.member.replicas > b.member.replicas }
            let older = (a.member.set.meta.creation, a.member.set.meta.name) < (b.member.set.meta.creation, b.member.set.meta.name)
            return change > 0 ? !older : older
        }
        var given = 0
        var sizes = members.map { entry -> Int in
            let left = change - given
            let part = portion(entry.member, deployment, limit: limit)
            let taken = change > 0 ? max(0, min(part, left)) : min(0, max(part, left))
            given += change == 0 ? 0 : taken
            return entry.member.replicas + (change == 0 ? 0 : taken)
        }
        if !sizes.isEmpty { sizes[0] = max(0, sizes[0] + change - given) }
        for (position, entry) in members.enumerated() {
            if entry.index < fleet.old.count {
                fleet.resizeOld(entry.index, to: sizes[position], of: deployment)
            } else {
                fleet.resizeNew(to: sizes[position], of: deployment)
            }
        }
    }

    /// How much a set gains or loses when its share of the former limit becomes the same share of the new one.
    private static func portion(_ member: Fleet.Member, _ deployment: ObservedDeployment, limit: Int) -> Int {
        guard deployment.replicas > 0 else { return -member.replicas }
        let former = member.annotations[Revisions.maxReplicas].flatMap(Int.init) ?? deployment.status.replicas
        guard former > 0 else { return 0 }
        // Rounded to the nearest, halves up.
        return (2 * member.replicas * limit + former) / (2 * former) - member.replicas
    }
}
