import Formats
import Linux
import Resources

/// One object of a manifest file, and where everything of it stands.
package struct Manifest: Sendable {
    /// As the person wrote it; `standard input` for `-`.
    package let file: String
    package let type: ResourceType
    package let key: ObjectKey
    /// With paths made absolute.
    package var value: Value
    let positions: PositionMap
    /// Where the object stands in its document: `items[2]` of a List.
    let root: [PathElement]

    /// `web.yaml:12:5`, for a field of the object; the nearest place around it when the field is absent.
    func place(_ path: [PathElement] = []) -> String {
        guard let field = positions.nearest(root + path) else { return file }
        let position = field.key ?? field.value
        return "\(file):\(position)"
    }

    /// `spec.containers[0].image` as a path.
    static func path(_ text: String) -> [PathElement] {
        var out: [PathElement] = []
        for part in text.split(separator: ".") {
            let pieces = part.split(whereSeparator: { $0 == "[" || $0 == "]" })
            for (at, piece) in pieces.enumerated() {
                if at > 0, let index = Int(piece) { out.append(.index(index)) } else { out.append(.key(String(piece))) }
            }
        }
        return out
    }
}

/// What is wrong with manifests: every problem with its place, so that one run finds them all.
package struct ManifestProblems {
    package var errors: [String] = []
    package var warnings: [String] = []
    /// The programs of Images are not looked for.
    var leavesPrograms = false
    /// Objects may leave their name to the server.
    var takesGeneratedNames = false

    /// At most this many are printed.
    private static let limit = 20

    func check(_ terminal: Terminal) throws(CommandError) {
        warnings.forEach { terminal.complain("Warning: \($0)") }
        guard !errors.isEmpty else { return }
        let shown = errors.prefix(Self.limit).joined(separator: "\nerror: ")
        throw CommandError(errors.count > Self.limit ? shown + "\nerror: and \(errors.count - Self.limit) more" : shown)
    }
}
