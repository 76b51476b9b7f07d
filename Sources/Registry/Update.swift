import Formats
import Resources
import Timing

/// Where the new state of an update comes from.
enum Revising {
    case replace(Value)
    case patch(Patch)
}

/// What an update comes to.
enum Change {
    /// Nothing differs.
    case keep
    case put(Value)
    /// The last finalizer of an object that is being deleted went: it goes now. The last state.
    case remove(Value)
}

extension Registry {
    /// PUT and PATCH, of an object, its status or its scale.
    mutating func update(
        _ key: ObjectKey, _ revising: Revising, _ subresource: ResourceType.Subresource?, _ options: WriteOptions,
        now: Timestamp, random: inout some RandomNumberGenerator
    ) throws(StatusError) -> Submission {
        let slot = Slot(key)
        if let subresource { try requireSubresource(subresource, of: key) }
        guard let old = keyspace.tip(slot) else { throw .notFound(key) }
        try requireEpoch(options.leaseEpoch, of: key)

        let body = try revised(old.value, by: revising, key: key, subresource)
        try requireSameObject(body, old: old, key: key)
        var warnings: [String] = []
        let change: Change
        if subresource == .status {
            change = Self.statusChange(old.value, body)
        } else {
            change = try changed(
                old.value, body, slot: slot, key: key, subresource == .scale ? .ignore : options.fieldValidation, warnings: &warnings,
                now: now, random: &random)
        }

        let shown: (Value) -> Value = { subresource == .scale ? Scale.object(of: $0) : $0 }
        switch change {
        case .keep: return decided(.success(Reply(.object(shown(old.value)), warnings: warnings)))
        case .put(let value), .remove(let value):
            if options.isDryRun { return decided(.success(Reply(.object(shown(value)), warnings: warnings))) }
            var isRemoval = false
            if case .remove = change { isRemoval = true }
            var records: [RegistryRecord] = []
            let stored = commit(slot, replacing: old, with: value, isRemoval: isRemoval, records: &records)
            var reply = Reply(.object(shown(stored.value)), warnings: warnings)
            if subresource != .scale { reply.json = stored.json }
            return committed(records, reply)
        }
    }

    /// The object as the writer wants it, before the registry puts in what it keeps to itself.
    private func revised(
        _ old: Value, by revising: Revising, key: ObjectKey, _ subresource: ResourceType.Subresource?
    ) throws(StatusError) -> Value {
        switch (revising, subresource) {
        case (.replace(let body), .scale): return try Scale.applied(body, to: withoutVersion(old), key: key)
        case (.replace(let body), _): return try Admission.readable(body, type: key.type)
        case (.patch(let patch), .scale):
            return try Scale.applied(Patching.apply(patch, to: Scale.object(of: old), key: key), to: old, key: key)
        case (.patch(let patch), _): return try Patching.apply(patch, to: old, key: key)
        }
    }

    private func withoutVersion(_ value: Value) -> Value {
        var value = value
        value["metadata"]["resourceVersion"] = .null
        return value
    }

    /// The body's name, uid and resourceVersion, where it has them, must be the stored object's.
    private func requireSameObject(_ body: Value, old: StoredObject, key: ObjectKey) throws(StatusError) {
        let found = body["metadata"]
        let stored = old.value["metadata"]
        if let name = found["name"].string, !name.isEmpty, name != key.name {
            throw .badRequest("the name of the object (\(name)) does not match the name on the URL (\(key.name))")
        }
        if key.type.isNamespaced, let namespace = found["namespace"].string, !namespace.isEmpty, namespace != key.namespace {
            throw .badRequest(
                "the namespace of the object (\(namespace)) does not match the namespace on the URL (\(key.namespace))")
        }
        if let uid = found["uid"].string, !uid.isEmpty, uid != stored["uid"].string {
            throw .conflict(
                key, "Precondition failed: UID in precondition: \(uid), UID in object meta: \(stored["uid"].string ?? "")")
        }
        if let version = found["resourceVersion"].string, !version.isEmpty, version != old.revision.description {
            throw .conflict(key, "the object has been modified; please apply your changes to the latest version and try again")
        }
    }

    /// A write to `status`: nothing else of the body counts. Status is its one writer's and is not validated, so it is as cheap as it can be.
    private static func statusChange(_ old: Value, _ body: Value) -> Change {
        let status = Metadata.withoutNulls(body["status"])
        if status == old["status"] { return .keep }
        var new = old
        new["status"] = status
        return .put(new)
    }

    /// A write to everything but `status`.
    private func changed(
        _ old: Value, _ body: Value, slot: Slot, key: ObjectKey, _ validation: FieldValidation, warnings: inout [String],
        now: Timestamp, random: inout some RandomNumberGenerator
    ) throws(StatusError) -> Change {
        let type = key.type
        var new = Metadata.withoutNulls(body)
        warnings = try Admission.checkFields(&new, type: type, validation)
        Metadata.keep(in: &new, from: old)
        if type.subresources.contains(.status) { new["status"] = old["status"] }
        keepNamespaceFinalizers(&new, old: old, type: type)
        Defaults.apply(&new, type)
        // Its one writer's words stay as they are: defaults would write quantities in another way.
        if type.subresources.contains(.status) { new["status"] = old["status"] }
        try allocate(&new, old: old, slot: slot, random: &random)
        if new == old { return .keep }
        warnings += Admission.cautions(new, old: old, type: type, validation, settings)

        try requireBindable(new, old: old, key: key)
        if old.nodeName != new.nodeName, type.plural == ResourceType.pods.plural { noteBinding(&new, now) }
        try requireNoNewFinalizers(new, old: old, key: key)
        try Admission.validate(new, type: type, name: key.name, old: old)
        try requireFreeReference(new, slot: slot)
        if Metadata.hasGeneration(type), !Metadata.asksTheSame(new, old) {
            new["metadata"]["generation"] = .int((old["metadata"]["generation"].int ?? 0) + 1)
        }
        return Deletion.isFinished(new, type: type) ? .remove(new) : .put(new)
    }

    /// Kubernetes' binding: only a pod that stays is put on a node.
    private func requireBindable(_ new: Value, old: Value, key: ObjectKey) throws(StatusError) {
        guard key.type.plural == ResourceType.pods.plural, old.nodeName != new.nodeName else { return }
        if !old.nodeName.isEmpty { throw .conflict(key, "pod \(key.name) is already assigned to node \"\(old.nodeName)\"") }
        if !old["metadata"]["deletionTimestamp"].isNull {
            throw .conflict(key, "pod \(key.name) is being deleted, cannot be assigned to a host")
        }
    }

    /// A binding says by itself that the pod is scheduled, in the same commit (as Kubernetes' binding does): a thousand pods are then a thousand
    /// writes, not two thousand.
    private func noteBinding(_ pod: inout Value, _ now: Timestamp) {
        var conditions = pod["status"]["conditions"].elements.filter { $0["type"].string != Condition.podScheduled }
        conditions.append(Condition(Condition.podScheduled, .isTrue, lastTransitionTime: now).value)
        pod["status"]["conditions"] = .array(conditions)
    }

    private func requireNoNewFinalizers(_ new: Value, old: Value, key: ObjectKey) throws(StatusError) {
        guard !old["metadata"]["deletionTimestamp"].isNull else { return }
        let present = Metadata.finalizers(old)
        let added = Metadata.finalizers(new).filter { !present.contains($0) }
        guard added.isEmpty else {
            let list = added.map { "\"\($0)\"" }.joined(separator: ", ")
            throw .invalid(
                key.type, name: key.name,
                [
                    .init(
                        reason: "FieldValueForbidden",
                        message:
                            "Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{\(list)}",
                        field: "metadata.finalizers")
                ])
        }
    }

    /// `spec.finalizers` of a namespace is the namespace controller's: it may be emptied once the namespace is terminating, else it stays.
    ///
    /// Kubernetes has the subresource `finalize` for this; here an ordinary update or patch does it.
    private func keepNamespaceFinalizers(_ new: inout Value, old: Value, type: ResourceType) {
        guard type.plural == ResourceType.namespaces.plural else { return }
        if old["metadata"]["deletionTimestamp"].isNull {
            new["spec"]["finalizers"] = old["spec"]["finalizers"]
        } else if new["spec"]["finalizers"].isNull {
            // Taken away is emptied here: the default would put it back.
            new["spec"]["finalizers"] = []
        }
    }
}
