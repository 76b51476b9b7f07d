import Formats
import Resources
import Timing

/// The rules of going away, as Kubernetes has them: grace for pods, finalizers, propagation.
enum Deletion {
    static let foreground = "foregroundDeletion"
    static let orphan = "orphan"
    /// The namespaces that exist from the start and cannot be deleted.
    static let keptNamespaces = ["default", "kube-system", "kube-node-lease", "steady-system"]

    enum Decision {
        /// It is on its way already and nothing about that changes.
        case keep
        /// It is marked, and goes when its grace and its finalizers are through.
        case mark(Value)
        case remove
    }

    /// What a delete does to an object.
    static func decide(_ object: Value, type: ResourceType, _ options: DeleteOptions, now: Timestamp) -> Decision {
        var new = object
        setPropagation(&new, options.propagation)
        let isPending = !object["metadata"]["deletionTimestamp"].isNull
        let presentGrace = object["metadata"]["deletionGracePeriodSeconds"].int ?? 0

        var grace = wantedGrace(object, type: type, options)
        if isPending {
            // Without a grace of its own a second delete changes nothing; a longer one than the first does not either.
            grace = options.gracePeriodSeconds == nil ? presentGrace : min(grace, presentGrace)
        }
        let waits = !Metadata.finalizers(new).isEmpty || !isNamespaceFinalized(new, type: type)
        if grace == 0 && !waits { return .remove }
        if isPending {
            guard grace < presentGrace || new != object else { return .keep }
            // The moment moves with the grace, counted from the first delete.
            if grace < presentGrace, let at = object["metadata"]["deletionTimestamp"].string.flatMap({ Timestamp(rfc3339: $0) }) {
                new["metadata"]["deletionTimestamp"] = .string((at + .seconds(grace - presentGrace)).rfc3339)
            }
        } else {
            new["metadata"]["deletionTimestamp"] = .string((now + .seconds(grace)).rfc3339)
            if let generation = object["metadata"]["generation"].int { new["metadata"]["generation"] = .int(generation + 1) }
        }
        new["metadata"]["deletionGracePeriodSeconds"] = .int(grace)
        if type.plural == ResourceType.namespaces.plural { new["status"]["phase"] = "Terminating" }
        return .mark(new)
    }

    /// Whether an object that is being deleted has nothing left to wait for.
    static func isFinished(_ object: Value, type: ResourceType) -> Bool {
        !object["metadata"]["deletionTimestamp"].isNull && (object["metadata"]["deletionGracePeriodSeconds"].int ?? 0) == 0
            && Metadata.finalizers(object).isEmpty && isNamespaceFinalized(object, type: type)
    }

    /// Only pods are given time: what asks for more than nothing is stopped first, and that is the node's agent's to say.
    private static func wantedGrace(_ object: Value, type: ResourceType, _ options: DeleteOptions) -> Int64 {
        guard type.plural == ResourceType.pods.plural, !object.nodeName.isEmpty else { return 0 }
        let phase = object["status"]["phase"].string
        if phase == "Succeeded" || phase == "Failed" { return 0 }
        let grace = options.gracePeriodSeconds ?? object["spec"]["terminationGracePeriodSeconds"].int ?? 30
        // As in Kubernetes, a negative grace means the shortest that is not "at once".
        return grace < 0 ? 1 : grace
    }

    private static func isNamespaceFinalized(_ object: Value, type: ResourceType) -> Bool {
        type.plural != ResourceType.namespaces.plural || object["spec"]["finalizers"].elements.isEmpty
    }

    /// Foreground and orphan are finalizers that the garbage collector works off; background means neither. Not said: as the object has it.
    private static func setPropagation(_ object: inout Value, _ propagation: DeleteOptions.Propagation?) {
        guard let propagation else { return }
        let present = Metadata.finalizers(object)
        var wanted = present.filter { $0 != foreground && $0 != orphan }
        switch propagation {
        case .foreground: wanted.append(foreground)
        case .orphan: wanted.append(orphan)
        case .background: break
        }
        guard wanted != present else { return }
        object["metadata"]["finalizers"] = wanted.isEmpty ? .null : .array(wanted.map { .string($0) })
    }
}

extension Registry {
    mutating func delete(_ key: ObjectKey, _ options: DeleteOptions, now: Timestamp) throws(StatusError) -> Submission {
        var records: [RegistryRecord] = []
        let before = keyspace.tipRevision
        try requireEpoch(options.leaseEpoch, of: key)
        let object = try delete(Slot(key), key, options, now: now, records: &records)
        let answersWithObject = Self.answeredWithObject.contains(key.type.plural)
        let reply = Reply(object.isGone && !answersWithObject ? .status(Self.success(key, object.value)) : .object(object.value))
        return keyspace.tipRevision == before ? decided(.success(reply)) : committed(records, reply)
    }

    mutating func deleteCollection(_ list: ListRequest, _ options: DeleteOptions, now: Timestamp) throws(StatusError) -> Submission {
        var records: [RegistryRecord] = []
        var items: [Value] = []
        let before = keyspace.tipRevision
        // The namespaces that stay are left out, not a reason to refuse.
        let slots = keyspace.tipSlots(matching: list).filter {
            $0.type.plural != ResourceType.namespaces.plural || !Deletion.keptNamespaces.contains($0.name)
        }
        // BEFORE the first commit: a refusal half way would leave commits that the journal never gets.
        for slot in slots { try requireDeletable(slot, slot.key, options) }
        for slot in slots {
            items.append(try delete(slot, slot.key, options, now: now, records: &records).value)
        }
        let reply = Reply(.list(type: list.type, items: items, revision: keyspace.tipRevision))
        return keyspace.tipRevision == before ? decided(.success(reply)) : committed(records, reply)
    }

    /// The object, if it exists, is the one that is meant, and may go.
    @discardableResult
    func requireDeletable(_ slot: Slot, _ key: ObjectKey, _ options: DeleteOptions) throws(StatusError) -> StoredObject {
        guard let old = keyspace.tip(slot) else { throw .notFound(key) }
        let metadata = old.value["metadata"]
        if let uid = options.preconditionUID, uid != metadata["uid"].string {
            throw .conflict(key, "Precondition failed: UID in precondition: \(uid), UID in object meta: \(metadata["uid"].string ?? "")")
        }
        if let version = options.preconditionResourceVersion, version != old.revision.description {
            throw .conflict(
                key, "Precondition failed: ResourceVersion in precondition: \(version), ResourceVersion in object meta: \(old.revision)")
        }
        if key.type.plural == ResourceType.namespaces.plural, Deletion.keptNamespaces.contains(key.name) {
            throw StatusError(
                code: 403, reason: "Forbidden", message: "namespaces \"\(key.name)\" is forbidden: this namespace may not be deleted",
                details: .init(name: key.name, group: "", kind: "namespaces"))
        }
        return old
    }

    mutating func delete(
        _ slot: Slot, _ key: ObjectKey, _ options: DeleteOptions, now: Timestamp, records: inout [RegistryRecord]
    ) throws(StatusError) -> (value: Value, isGone: Bool) {
        let old = try requireDeletable(slot, key, options)
        switch Deletion.decide(old.value, type: key.type, options, now: now) {
        case .keep:
            return (old.value, false)
        case .mark(let value):
            if options.isDryRun { return (value, false) }
            return (commit(slot, replacing: old, with: value, records: &records).value, false)
        case .remove:
            if options.isDryRun { return (old.value, true) }
            return (commit(slot, replacing: old, with: old.value, isRemoval: true, records: &records).value, true)
        }
    }

    /// The kinds of which Kubernetes returns what was deleted: typed clients read nothing else.
    private static let answeredWithObject = [ResourceType.pods.plural, ResourceType.services.plural]

    /// Kubernetes' answer to a delete that left nothing.
    private static func success(_ key: ObjectKey, _ object: Value) -> Value {
        var details: Value = ["name": .string(key.name)]
        if !key.type.group.isEmpty { details["group"] = .string(key.type.group) }
        details["kind"] = .string(key.type.plural)
        details["uid"] = object["metadata"]["uid"]
        return ["kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Success", "details": details]
    }
}
