import Formats
import Resources
import Timing

/// The ReplicaSets of one Deployment while a pass changes their sizes: decisions read and write these numbers, and what differs at the end is written.
struct Fleet {
    struct Member {
        var set: ObservedReplicaSet
        /// The size it shall have.
        var replicas: Int
        var annotations: [String: String]
        var minReadySeconds: Int64
        /// Not stored yet.
        var isFresh: Bool
        /// Pods of it that are ready, as far as they were looked at.
        private let readyPodCount: Int

        init(_ set: ObservedReplicaSet, isFresh: Bool = false, readyPodCount: Int = 0) {
            self.set = set
            self.isFresh = isFresh
            self.readyPodCount = readyPodCount
            replicas = set.replicas
            annotations = set.meta.annotations
            minReadySeconds = set.minReady.components.seconds
        }

        /// Its version was once complete.
        var wasComplete: Bool { annotations[Revisions.complete] != nil }

        /// Replicas that are not known to serve. A status trails the pods: one that has just become ready must not go for one that was not.
        var idle: Int { isFresh ? 0 : max(0, replicas - max(set.status.ready, readyPodCount)) }

        /// What is known to be available and will stay: a set that shrinks still shows the pods it is about to delete.
        var available: Int { isFresh ? 0 : min(set.status.available, replicas) }
    }

    /// By age, then name.
    private(set) var old: [Member]
    /// The set with the Deployment's template.
    var new: Member?

    init(old: [ObservedReplicaSet], new: ObservedReplicaSet?, pods: [ObservedPod] = []) {
        var ready: [String: Int] = [:]
        for pod in pods where pod.isActive && pod.isReady { ready[pod.meta.controller?.uid ?? "", default: 0] += 1 }
        self.old = old.sorted { ($0.meta.creation, $0.meta.name) < ($1.meta.creation, $1.meta.name) }.map {
            Member($0, readyPodCount: ready[$0.meta.uid] ?? 0)
        }
        self.new = new.map { Member($0, readyPodCount: ready[$0.meta.uid] ?? 0) }
    }

    var all: [Member] { old + (new.map { [$0] } ?? []) }
    /// Pods that exist or are about to, by their sets' sizes.
    var size: Int { all.reduce(0) { $0 + $1.replicas } }
    var oldSize: Int { old.reduce(0) { $0 + $1.replicas } }
    var available: Int { all.reduce(0) { $0 + $1.available } }

    mutating func resizeOld(_ index: Int, to replicas: Int, of deployment: ObservedDeployment) {
        old[index].replicas = replicas
        old[index].annotations.noteSizes(deployment)
    }

    mutating func resizeNew(to replicas: Int, of deployment: ObservedDeployment) {
        new?.replicas = replicas
        new?.annotations.noteSizes(deployment)
    }

    /// The writes that make it so, and the events that tell of them.
    func changes(_ deployment: ObservedDeployment) -> [Change] {
        all.compactMap { member in
            let from = member.isFresh ? 0 : member.set.replicas
            var announcement: Announcement?
            if from != member.replicas {
                let verb = member.replicas > from ? "up" : "down"
                announcement = Announcement(
                    ObjectReference(.deployments, deployment.meta), "ScalingReplicaSet",
                    "Scaled \(verb) replica set \(member.set.meta.name) from \(from) to \(member.replicas)",
                    failureReason: member.isFresh ? "ReplicaSetCreateError" : nil,
                    failureMessage: "Failed to create new replica set \"\(member.set.meta.name)\": ")
            }
            return member.isFresh ? creation(member, deployment, announcement) : patch(member, announcement)
        }
    }

    private func patch(_ member: Member, _ announcement: Announcement?) -> Change? {
        var body: Value = [:]
        if member.replicas != member.set.replicas { body["spec"]["replicas"] = .int(Int64(member.replicas)) }
        if .seconds(member.minReadySeconds) != member.set.minReady { body["spec"]["minReadySeconds"] = .int(member.minReadySeconds) }
        let changed = member.annotations.filter { member.set.meta.annotations[$0.key] != $0.value }
        if !changed.isEmpty { body["metadata"]["annotations"] = .strings(changed) }
        guard body != [:] else { return nil }
        return .patch(member.set.key, body, announcement)
    }

    private func creation(_ member: Member, _ deployment: ObservedDeployment, _ announcement: Announcement?) -> Change {
        var spec: Value = ["replicas": .int(Int64(member.replicas))]
        if member.minReadySeconds > 0 { spec["minReadySeconds"] = .int(member.minReadySeconds) }
        spec["selector"] = deployment.selectorValue
        spec["selector"]["matchLabels"][TemplateHash.label] = member.set.meta.labels[TemplateHash.label].map { .string($0) } ?? .null
        spec["template"] = member.set.template
        let body: Value = [
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": [
                "name": .string(member.set.meta.name), "namespace": .string(deployment.meta.namespace),
                "labels": .strings(member.set.meta.labels),
                "annotations": .strings(member.annotations),
                "ownerReferences": .array([Owner.controller(.deployments, deployment.meta).value]),
            ], "spec": spec,
        ]
        return Change(.create(body, type: .replicaSets, namespace: deployment.meta.namespace), announcement)
    }
}

extension [String: String] {
    /// Writes down for which size of the Deployment a set got its share: how a later pass sees that the Deployment was scaled.
    mutating func noteSizes(_ deployment: ObservedDeployment) {
        self[Revisions.desiredReplicas] = String(deployment.replicas)
        self[Revisions.maxReplicas] = String(deployment.replicas + deployment.allowance.surge)
    }
}
