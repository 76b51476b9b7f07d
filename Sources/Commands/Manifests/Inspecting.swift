import Linux
import Resources

extension Manifests {
    /// What can be said of a manifest without asking a server: whether it stands there twice, what is wrong with it, and what of it is without effect.
    ///
    /// - Parameter seen: where each object stands first.
    /// - Returns: whether its server may be asked about it.
    static func inspect(_ manifest: Manifest, _ seen: inout [ObjectKey: String], _ problems: inout ManifestProblems) -> Bool {
        let shown = manifest.type.shown(manifest.key.name)
        if let first = seen.updateValue(manifest.place(), forKey: manifest.key) {
            problems.errors.append("\(manifest.place()): \(shown) stands here a second time; the first is at \(first)")
        }
        var defaulted = manifest.value
        Defaults.apply(&defaulted, manifest.type)
        let causes = Validation.check(defaulted, manifest.type, old: nil)
        for cause in causes {
            problems.errors.append("\(manifest.place(Manifest.path(cause.field))): \(cause.field): \(cause.message)")
        }
        let without = Schema.fieldsWithoutEffect(manifest.value, manifest.type)
        if !without.isEmpty {
            problems.warnings.append(
                "\(manifest.place()): \(shown): kept, but without effect here yet: \(without.joined(separator: ", "))")
        }
        // Whoever applies is the user of the server, or root.
        for caution in Cautions.check(manifest.value, manifest.type, mayChangeUser: Processes.isRoot) {
            problems.warnings.append("\(manifest.place()): \(shown): \(caution)")
        }
        return causes.isEmpty
    }
}
