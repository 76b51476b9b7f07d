import APIClient
import Formats
import Resources

extension Manifests {
    /// The manifests of `-f`, each in its namespace, for verbs that only need to know which objects they name.
    static func named(_ invocation: Invocation) throws(CommandError) -> [Manifest] {
        let found = try load(
            invocation.all("filename"), recursive: invocation.isSet("recursive"), validation: nil, terminal: invocation.terminal)
        return try place(found, invocation)
    }

    /// The namespace of the command line for what names none. As kubectl: one that `-n` names and a manifest contradicts is refused.
    static func place(_ manifests: [Manifest], _ invocation: Invocation) throws(CommandError) -> [Manifest] {
        var problems = ManifestProblems()
        let placed = manifests.map { manifest in
            guard manifest.type.isNamespaced else { return manifest }
            let found = manifest.key.namespace
            if found.isEmpty { return manifest.placed(in: invocation.namespace) }
            if invocation.isGiven("namespace"), found != invocation.namespace {
                problems.errors.append(
                    "\(manifest.place([.key("metadata"), .key("namespace")])): the namespace from the provided object \"\(found)\" does not match the namespace \"\(invocation.namespace)\". You must pass '--namespace=\(found)' to perform this operation."
                )
            }
            return manifest
        }
        try problems.check(invocation.terminal)
        return placed
    }

    /// Those whose labels `-l` selects.
    static func selected(_ manifests: [Manifest], _ invocation: Invocation) throws(CommandError) -> [Manifest] {
        guard let query = invocation.value("selector") else { return manifests }
        let selector: LabelSelector
        do { selector = try LabelSelector(query: query) } catch { throw .usage("--selector: \(error)") }
        let chosen = manifests.filter { selector.matches($0.value["metadata"]["labels"].stringMap) }
        guard !chosen.isEmpty else {
            throw CommandError("no objects passed to \(invocation.verb.name): none has labels that \(query) selects")
        }
        return chosen
    }
}

extension Manifest {
    fileprivate func placed(in namespace: String) -> Manifest {
        var value = value
        value["metadata"]["namespace"] = .string(namespace)
        return Manifest(
            file: file, type: type, key: ObjectKey(type, namespace: namespace, name: key.name), value: value, positions: positions,
            root: root)
    }
}
