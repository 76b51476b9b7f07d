import Formats

/// The names under which programs are known to manifests: `web`, `web:latest` and `docker.io/library/web:latest` are one.
package enum ImageReference {
    /// The shortest equal form: without the default registry, the `library/` folder and the tag `latest`.
    package static func normalize(_ reference: String) -> String {
        var name = reference[...]
        var suffix = ""
        if let at = name.firstIndex(of: "@") {
            suffix = String(name[at...])
            name = name[..<at]
        }
        // A colon after the last slash begins the tag; before it, a registry's port.
        let lastPart = name.lastIndex(of: "/").map { name.index(after: $0) } ?? name.startIndex
        if let colon = name[lastPart...].firstIndex(of: ":") {
            // A digest says more than a tag: beside one, Kubernetes ignores the tag.
            if suffix.isEmpty, name[name.index(after: colon)...] != "latest" { suffix = String(name[colon...]) }
            name = name[..<colon]
        }
        for registry in ["docker.io/", "index.docker.io/", "registry-1.docker.io/"] where name.hasPrefix(registry) {
            name = name.dropFirst(registry.count)
            break
        }
        if name.hasPrefix("library/"), !name.dropFirst(8).contains("/") { name = name.dropFirst(8) }
        return name + suffix
    }

    /// Whether the tag is `latest`, given or implied (Kubernetes then defaults imagePullPolicy to Always).
    package static func isLatest(_ reference: String) -> Bool {
        let short = normalize(reference)
        let lastPart = short.lastIndex(of: "/").map { short.index(after: $0) } ?? short.startIndex
        return !short[lastPart...].contains(":") && !short.contains("@")
    }
}

extension ImageReference {
    /// The references that were probably meant by one for which there is no Image: other versions of the same program first, then near names. At
    /// most three, each normalised.
    package static func nearest(_ reference: String, among known: [String]) -> [String] {
        let wanted = normalize(reference)
        let all = Set(known.map(normalize)).sorted()
        let wantedName = name(wanted)
        var found = all.filter { $0 != wanted && name($0) == wantedName }
        let names = Set(all.map(name)).subtracting([wantedName]).sorted()
        if let near = Formats.nearest(wantedName, among: names) { found += all.filter { name($0) == near && !found.contains($0) } }
        return Array(found.prefix(shownCount))
    }

    /// More than three suggestions are noise.
    private static let shownCount = 3

    /// A normalised reference without tag and digest.
    private static func name(_ normalized: String) -> String {
        let upToDigest = normalized.prefix { $0 != "@" }
        let lastPart = upToDigest.lastIndex(of: "/").map { upToDigest.index(after: $0) } ?? upToDigest.startIndex
        return String(upToDigest[..<(upToDigest[lastPart...].firstIndex(of: ":") ?? upToDigest.endIndex)])
    }
}
