import Formats
import Resources
import Timing

/// The numbers and conditions that a Deployment shows, from what its sets report.
struct DeploymentStatus {
    let deployment: ObservedDeployment
    let now: Timestamp
    private(set) var numbers: ObservedDeployment.Status
    var conditions: Conditions
    /// Several replicas have begun to fail alike, or do so no longer; nil: nothing new.
    private(set) var news: (message: String, isOver: Bool)?

    init(_ deployment: ObservedDeployment, new: ObservedReplicaSet?, old: [ObservedReplicaSet], now: Timestamp) {
        self.deployment = deployment
        self.now = now
        conditions = Conditions(deployment.conditions)
        numbers = ObservedDeployment.Status()
        numbers.observedGeneration = deployment.meta.generation
        numbers.collisionCount = deployment.status.collisionCount
        for set in old + (new.map { [$0] } ?? []) {
            numbers.replicas += set.status.replicas
            numbers.ready += set.status.ready
            numbers.available += set.status.available
        }
        numbers.updated = new?.status.replicas ?? 0
        let wanted = old.reduce(new?.replicas ?? 0) { $0 + $1.replicas }
        numbers.unavailable = max(0, wanted - numbers.available)
        let failures = (old + (new.map { [$0] } ?? [])).compactMap { $0.conditions.condition("ReplicaFailure") }
        if let failure = failures.last {
            conditions.set(
                "ReplicaFailure", "True", reason: failure["reason"].string ?? "", message: failure["message"].string ?? "", now: now,
                hasUpdateTime: true)
        } else {
            conditions.remove("ReplicaFailure")
        }
        news = noteAlike(old + (new.map { [$0] } ?? []))
        let isAvailable = numbers.available >= deployment.replicas - deployment.allowance.unavailable
        conditions.set(
            "Available", isAvailable ? "True" : "False", reason: isAvailable ? "MinimumReplicasAvailable" : "MinimumReplicasUnavailable",
            message: isAvailable ? "Deployment has minimum availability." : "Deployment does not have minimum availability.", now: now,
            hasUpdateTime: true)
    }

    /// What its sets say of replicas that fail alike: told when it begins, and when it is over.
    private mutating func noteAlike(_ sets: [ObservedReplicaSet]) -> (message: String, isOver: Bool)? {
        guard let told = sets.compactMap({ $0.conditions.condition(Condition.failingAlike) }).last else {
            guard conditions[Condition.failingAlike] != nil else { return nil }
            conditions.remove(Condition.failingAlike)
            return ("no replica is left whose restart is held back", true)
        }
        let isNews = conditions[Condition.failingAlike] == nil
        let message = told["message"].string ?? ""
        conditions.set(
            Condition.failingAlike, "True", reason: told["reason"].string ?? "", message: message, now: now, hasUpdateTime: true,
            isRenewed: conditions[Condition.failingAlike]?["message"].string != message)
        return isNews ? (message, false) : nil
    }

    var isComplete: Bool {
        numbers.updated == deployment.replicas && numbers.replicas == deployment.replicas && numbers.available == deployment.replicas
    }

    mutating func nameCollided() { numbers.collisionCount += 1 }

    mutating func progress(_ status: String, _ reason: String, _ message: String, isRenewed: Bool = false) {
        conditions.set("Progressing", status, reason: reason, message: message, now: now, hasUpdateTime: true, isRenewed: isRenewed)
    }

    /// A pause stops the clock of the deadline, and resuming starts it anew.
    mutating func notePause() {
        let reason = conditions["Progressing"]?["reason"].string
        if reason == "ProgressDeadlineExceeded" { return }
        if deployment.isPaused, reason != "DeploymentPaused" {
            progress("Unknown", "DeploymentPaused", "Deployment is paused", isRenewed: true)
        } else if !deployment.isPaused, reason == "DeploymentPaused" {
            progress("Unknown", "DeploymentResumed", "Deployment is resumed", isRenewed: true)
        }
    }

    /// Complete, progressing or out of time, as Kubernetes tells them apart.
    ///
    /// - Returns: when to look again because the deadline may have passed.
    mutating func judgeProgress(newName: String?) -> Duration? {
        guard let deadline = deployment.progressDeadline else {
            conditions.remove("Progressing")
            return nil
        }
        let subject = newName.map { "ReplicaSet \"\($0)\"" } ?? "Deployment \"\(deployment.meta.name)\""
        let present = conditions["Progressing"]
        let wasComplete = numbers.replicas == numbers.updated && present?["reason"].string == "NewReplicaSetAvailable"
        if wasComplete { return nil }
        if isComplete {
            progress("True", "NewReplicaSetAvailable", "\(subject) has successfully progressed.", isRenewed: true)
            return nil
        }
        if isProgressing {
            progress("True", "ReplicaSetUpdated", "\(subject) is progressing.", isRenewed: true)
            return deadline
        }
        guard let present, let reason = present["reason"].string, reason != "NewReplicaSetAvailable" else { return nil }
        if reason == "ProgressDeadlineExceeded" { return nil }
        let since = present["lastUpdateTime"].timestamp ?? now
        let left = since + deadline - now
        if deployment.isPaused { return nil }
        if left > .zero { return left }
        progress("False", "ProgressDeadlineExceeded", "\(subject) has timed out progressing.")
        return nil
    }

    private var isProgressing: Bool {
        let before = deployment.status
        return numbers.updated > before.updated || numbers.replicas - numbers.updated < before.replicas - before.updated
            || numbers.ready > before.ready || numbers.available > before.available
    }

    /// The write, or nil when nothing differs.
    var change: Change? {
        guard numbers != deployment.status || conditions.list != deployment.conditions.elements else { return nil }
        // A merge patch removes what is null: Kubernetes leaves zeros out.
        func count(_ number: Int) -> Value { number == 0 ? nil : .int(Int64(number)) }
        return .patchStatus(
            deployment.key,
            [
                "observedGeneration": .int(numbers.observedGeneration), "replicas": count(numbers.replicas),
                "updatedReplicas": count(numbers.updated),
                "readyReplicas": count(numbers.ready), "availableReplicas": count(numbers.available),
                "unavailableReplicas": count(numbers.unavailable), "collisionCount": count(Int(numbers.collisionCount)),
                "conditions": conditions.value,
            ])
    }
}
