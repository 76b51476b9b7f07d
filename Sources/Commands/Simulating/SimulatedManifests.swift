import Formats
import Resources
import Simulation

/// The manifests of `simulate`, as a server would take them: what it refuses is a mistake in them, and is said before anything runs.
enum SimulatedManifests {
    static func load(_ files: [String], _ invocation: Invocation) throws(CommandError) -> [Value] {
        var manifests = try Manifests.load(
            files, recursive: invocation.isSet("recursive"), leavesPrograms: true, terminal: invocation.terminal)
        // Controllers make these anew.
        manifests.removeAll { $0.value["metadata"]["ownerReferences"].elements.contains { $0["controller"].bool == true } }
        for index in manifests.indices { takeOffWhatServersWrite(&manifests[index].value, manifests[index].type) }
        guard manifests.contains(where: { $0.type == .deployments }) else {
            throw CommandError("\(files.joined(separator: ", ")): there is no Deployment, so there is nothing to keep running")
        }
        var problems = ManifestProblems()
        let again = takeLast(of: &manifests)
        if !again.isEmpty {
            problems.warnings.append(
                "in several files, of which the last is taken as if they were applied in turn: \(again.joined(separator: ", "))")
        }
        var seen: [ObjectKey: String] = [:]
        for manifest in manifests { _ = Manifests.inspect(manifest, &seen, &problems) }
        if problems.errors.isEmpty {
            for (index, error) in Acceptance.refusals(of: manifests.map(\.value)) {
                let field = error.details?.causes.first.map { Manifest.path($0.field) } ?? []
                problems.errors.append("\(manifests[index].place(field)): \(error.message)")
            }
        }
        let missing = missing(in: manifests)
        if !missing.isEmpty {
            problems.warnings.append(
                "not in these manifests, and taken to be there, as real pods wait for them: \(missing.joined(separator: ", "))")
        }
        try problems.check(invocation.terminal)
        return manifests.map(\.value)
    }

    /// So that what `get -o yaml` prints is a manifest again.
    static func takeOffWhatServersWrite(_ object: inout Value, _ type: ResourceType) {
        object["status"] = .null
        for name in ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "selfLink"] {
            object["metadata"][name] = .null
        }
        guard type == .services, object["spec"]["clusterIP"].string != "None" else { return }
        // Another instance has other addresses.
        object["spec"]["clusterIP"] = .null
        object["spec"]["clusterIPs"] = .null
    }

    /// Files may be alternatives, as those of a folder of examples are. Returns what stands in several, sorted; twice in one file is a mistake.
    private static func takeLast(of manifests: inout [Manifest]) -> [String] {
        let last = Dictionary(manifests.map { ($0.key, $0.file) }) { $1 }
        let again = Set(manifests.filter { last[$0.key] != $0.file }.map { $0.type.shown($0.key.name) })
        manifests.removeAll { last[$0.key] != $0.file }
        return again.sorted()
    }

    /// What pods would wait for if it were nowhere else. Sorted.
    private static func missing(in manifests: [Manifest]) -> [String] {
        func name(_ type: ResourceType, _ name: String, in namespace: String) -> String {
            type.shown(name) + (namespace == "default" ? "" : " in \(namespace)")
        }
        let namespace: (Manifest) -> String = { $0.value["metadata"]["namespace"].string ?? "default" }
        var present: Set<String> = []
        var images: Set<String> = []
        for manifest in manifests {
            present.insert(name(manifest.type, manifest.key.name, in: namespace(manifest)))
            if manifest.type == .images { images.insert(Image(manifest.value).reference) }
        }
        var needed: Set<String> = []
        for manifest in manifests where manifest.type == .deployments {
            let pod = Pod(manifest.value["spec"]["template"])
            needed.formUnion(pod.references.map { name($0.type, $0.name, in: namespace(manifest)) })
            for container in pod.spec.initContainers + pod.spec.containers
            where !images.contains(ImageReference.normalize(container.image)) {
                needed.insert("an Image for \(container.image)")
            }
        }
        return needed.subtracting(present).sorted()
    }
}
