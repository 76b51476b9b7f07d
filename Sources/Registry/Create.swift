import Formats
import Resources
import Timing

extension Registry {
    /// Names, stamps, defaults, validates and stores a new object.
    mutating func create(
        _ body: Value, type: ResourceType, namespace: String, _ options: WriteOptions, now: Timestamp,
        random: inout some RandomNumberGenerator
    ) throws(StatusError) -> Submission {
        var object = try Admission.readable(body, type: type)
        var warnings = try Admission.checkFields(&object, type: type, options.fieldValidation)
        warnings += Admission.cautions(object, old: nil, type: type, options.fieldValidation, settings)
        try takeName(&object, type: type, namespace: namespace, random: &random)
        let key = ObjectKey(type, namespace: namespace, name: object["metadata"]["name"].string ?? "")
        let slot = Slot(key)
        if type.isNamespaced { try requireLiveNamespace(namespace, for: key) }
        try Admission.requirePriorityClass(of: object, key)
        stamp(&object, type: type, now: now, random: &random)
        Admission.resetStatus(&object, type: type)
        Defaults.apply(&object, type)
        // Found only now: what is wrong with an object is said first, as Kubernetes does, but what exists already gets no address.
        let exists = keyspace.tip(slot) != nil
        if !exists { try allocate(&object, old: nil, slot: slot, random: &random) }
        try Admission.validate(object, type: type, name: key.name, old: nil)
        if exists { throw .alreadyExists(key) }
        try requireFreeReference(object, slot: slot)

        if options.isDryRun { return decided(.success(Reply(.object(object), warnings: warnings, isCreated: true))) }
        var records: [RegistryRecord] = []
        let stored = commit(slot, replacing: nil, with: object, records: &records)
        var reply = Reply(.object(stored.value), warnings: warnings, isCreated: true)
        reply.json = stored.json
        return committed(records, reply)
    }

    /// Checks name and namespace against the request, and makes a name from `generateName`.
    private func takeName(
        _ object: inout Value, type: ResourceType, namespace: String, random: inout some RandomNumberGenerator
    ) throws(StatusError) {
        if type.isNamespaced {
            let found = object["metadata"]["namespace"].string ?? ""
            guard found.isEmpty || found == namespace else {
                throw .badRequest(
                    "the namespace of the provided object does not match the namespace sent on the request"
                        + " (the object says \"\(found)\", the request \"\(namespace)\")")
            }
            object["metadata"]["namespace"] = .string(namespace)
        } else {
            object["metadata"]["namespace"] = .null
        }
        if let version = object["metadata"]["resourceVersion"].string, !version.isEmpty {
            throw .badRequest("resourceVersion should not be set on objects to be created")
        }
        if (object["metadata"]["name"].string ?? "").isEmpty {
            let prefix = object["metadata"]["generateName"].string ?? ""
            guard !prefix.isEmpty else {
                throw .invalid(
                    type, name: "",
                    [
                        .init(
                            reason: "FieldValueRequired", message: "Required value: name or generateName is required",
                            field: "metadata.name")
                    ])
            }
            // A name that is taken is as unlikely as 1 in 14 million for each present one: look, so that it never happens.
            for _ in 0..<8 {
                let name = Metadata.generatedName(from: prefix, random: &random)
                object["metadata"]["name"] = .string(name)
                if keyspace.tip(Slot(ObjectKey(type, namespace: namespace, name: name))) == nil { break }
            }
        }
    }

    private func stamp(_ object: inout Value, type: ResourceType, now: Timestamp, random: inout some RandomNumberGenerator) {
        let uid = Metadata.uid(random: &random)
        for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "managedFields", "resourceVersion", "generation"] {
            object["metadata"][field] = .null
        }
        object["metadata"]["uid"] = .string(uid)
        object["metadata"]["creationTimestamp"] = .string(now.rfc3339)
        if Metadata.hasGeneration(type) { object["metadata"]["generation"] = 1 }
    }

    /// Kubernetes' NamespaceLifecycle: nothing is made in a namespace that is not there or is going.
    func requireLiveNamespace(_ namespace: String, for key: ObjectKey) throws(StatusError) {
        let namespaceKey = ObjectKey(.namespaces, name: namespace)
        guard let found = keyspace.tip(Slot(namespaceKey)) else { throw .notFound(namespaceKey) }
        guard found.value["metadata"]["deletionTimestamp"].isNull else {
            let why = "unable to create new content in namespace \(namespace) because it is being terminated"
            throw StatusError(
                code: 403, reason: "Forbidden", message: "\(key.type.qualifiedName) \"\(key.name)\" is forbidden: \(why)",
                details: .init(
                    name: key.name, group: key.type.group, kind: key.type.plural,
                    causes: [
                        .init(
                            reason: "NamespaceTerminating", message: "namespace \(namespace) is being terminated",
                            field: "metadata.namespace")
                    ]))
        }
    }

    /// Two Images must not answer to one reference: a pod would get either.
    func requireFreeReference(_ object: Value, slot: Slot) throws(StatusError) {
        guard slot.type.plural == ResourceType.images.plural, let text = object["spec"]["reference"].string else { return }
        let reference = ImageReference.normalize(text)
        if let owner = claims.owner(of: .imageReference(reference)), owner != slot {
            throw .invalid(
                slot.type, name: slot.name,
                [
                    .init(
                        reason: "FieldValueDuplicate",
                        message: "Duplicate value: \"\(text)\": the Image \"\(owner.name)\" has this reference already",
                        field: "spec.reference")
                ])
        }
    }
}
