import Formats
import Linux
import Resources

/// Manifest files: reading, checking, applying.
package enum Manifests {
    /// What the manifests of one command may hold together, in bytes; beyond it none is applied.
    static let sizeLimit = 64 << 20

    /// Reads every document of the files, and checks their shape.
    ///
    /// - Parameters:
    ///   - paths: files, directories (their `.yaml`, `.yml` and `.json`, sorted), or `-` for standard input.
    ///   - validation: what is done about fields that the kind does not have; nil: nothing is checked but which objects are named.
    ///   - leavesPrograms: the programs of Images are not looked for, because nothing is going to be started.
    ///   - takesGeneratedNames: an object may have `generateName` instead of a name.
    package static func load(
        _ paths: [String], recursive: Bool, validation: FieldValidation? = .strict, leavesPrograms: Bool = false,
        takesGeneratedNames: Bool = false, terminal: Terminal = Terminal()
    ) throws(CommandError) -> [Manifest] {
        var problems = ManifestProblems(leavesPrograms: leavesPrograms, takesGeneratedNames: takesGeneratedNames)
        var manifests: [Manifest] = []
        var room = sizeLimit
        for path in paths {
            let found = try files(path, recursive: recursive)
            guard !found.isEmpty else {
                throw CommandError(
                    "\(path) holds no manifest: files that end in .yaml, .yml or .json\(recursive ? "" : " (-R also looks into its folders)")"
                )
            }
            for file in found { try read(file, &room, validation, &manifests, &problems) }
        }
        try problems.check(terminal)
        guard !manifests.isEmpty else { throw CommandError("no objects passed to apply: the files hold no document") }
        return manifests
    }

    private static func files(_ path: String, recursive: Bool) throws(CommandError) -> [String] {
        if path == "-" { return ["-"] }
        if path.hasPrefix("http://") || path.hasPrefix("https://") {
            throw CommandError("\(path): manifests are read from files only; fetch it first: curl -fsSL \(path) | steady apply -f -")
        }
        guard Files.exists(path) else { throw CommandError("the path \"\(path)\" does not exist") }
        guard Files.isDirectory(path) else { return [path] }
        var out: [String] = []
        do {
            for name in try Files.list(path) {
                let whole = path.hasSuffix("/") ? path + name : "\(path)/\(name)"
                if Files.isDirectory(whole) {
                    if recursive { out += try files(whole, recursive: true) }
                } else if [".yaml", ".yml", ".json"].contains(where: name.hasSuffix) {
                    out.append(whole)
                }
            }
        } catch let error as CommandError {
            throw error
        } catch {
            throw CommandError("\(error)")
        }
        return out
    }

    private static func read(
        _ file: String, _ room: inout Int, _ validation: FieldValidation?, _ manifests: inout [Manifest],
        _ problems: inout ManifestProblems
    ) throws(CommandError) {
        let shown = file == "-" ? "standard input" : file
        let documents: [YAMLDocument]
        do {
            guard let bytes = try Files.read(file == "-" ? "/dev/stdin" : file, atMost: room) else {
                throw CommandError(
                    "\(shown): the manifests of one command may hold \(sizeLimit >> 20) MiB together, and these hold more; name fewer files at a time"
                )
            }
            room -= bytes.count
            documents = try YAML.parse(bytes, schema: .kubernetes)
        } catch let error as CommandError {
            throw error
        } catch let error as FormatError {
            problems.errors.append("\(shown):\(error.line):\(error.column): \(error.message)")
            return
        } catch {
            problems.errors.append("\(error)")
            return
        }
        let folder = file == "-" ? Files.workingDirectory() : Files.directory(of: Files.absolute(file))
        for document in documents where !document.value.isNull {
            for duplicate in document.positions.duplicates {
                problems.errors.append(
                    "\(shown):\(duplicate.again): \(duplicate.path.fieldPath) stands here a second time; the first is at \(duplicate.first)"
                )
            }
            if document.value["kind"].string?.hasSuffix("List") == true, let items = document.value["items"].array {
                for (index, item) in items.enumerated() {
                    add(item, [.key("items"), .index(index)], document.positions, shown, folder, validation, &manifests, &problems)
                }
            } else {
                add(document.value, [], document.positions, shown, folder, validation, &manifests, &problems)
            }
        }
    }

    private static func add(
        _ value: Value, _ root: [PathElement], _ positions: PositionMap, _ file: String, _ folder: String, _ validation: FieldValidation?,
        _ manifests: inout [Manifest], _ problems: inout ManifestProblems
    ) {
        func place(_ path: [PathElement]) -> String {
            positions.nearest(root + path).map { "\(file):\($0.value)" } ?? file
        }
        guard case .object = value else {
            problems.errors.append("\(place([])): found \(value.kindWords), allowed is an object with apiVersion, kind and metadata")
            return
        }
        guard let kind = value["kind"].string, let apiVersion = value["apiVersion"].string else {
            let missing = value["kind"].string == nil ? "kind" : "apiVersion"
            problems.errors.append(
                "\(place([.key(missing)])): \(missing) is missing or no string; allowed is for example \(missing == "kind" ? "Deployment" : "apps/v1")"
            )
            return
        }
        guard let type = ResourceType.of(apiVersion: apiVersion, kind: kind) else {
            problems.errors.append("\(place([.key("kind")])): \(unknownKind(kind, apiVersion))")
            return
        }
        let isGenerated = problems.takesGeneratedNames && value["metadata"]["generateName"].string?.isEmpty == false
        let name = value["metadata"]["name"].string ?? ""
        guard !name.isEmpty || isGenerated else {
            problems.errors.append(
                "\(place([.key("metadata")])): metadata.name is missing or no string\(value["metadata"]["name"].quoteHint)")
            return
        }
        var manifest = Manifest(
            file: file, type: type, key: ObjectKey(type, namespace: value["metadata"]["namespace"].string ?? "", name: name), value: value,
            positions: positions, root: root)
        guard let validation else { return manifests.append(manifest) }
        for problem in Schema.check(value, type) {
            let text = "\(manifest.place(problem.path)): \(problem)"
            switch (problem.isUnknownField, validation) {
            case (true, .ignore): break
            case (true, .warn): problems.warnings.append(text)
            default: problems.errors.append(text)
            }
        }
        resolvePaths(&manifest, folder, &problems)
        manifests.append(manifest)
    }

    private static func unknownKind(_ kind: String, _ apiVersion: String) -> String {
        if let other = ResourceType.all.first(where: { $0.kind == kind }) {
            return "no kind \(kind) in apiVersion \"\(apiVersion)\"; it is in \"\(other.apiVersion)\""
        }
        let kinds = ResourceType.all.map(\.kind)
        let near = nearest(kind, among: kinds).map { "; did you mean \($0)?" } ?? ";"
        return "unknown kind \"\(kind)\" in apiVersion \"\(apiVersion)\"\(near) Steady knows \(kinds.joined(separator: ", "))"
    }

    /// An Image's program and folder: relative ones are meant from the manifest's folder, a bare word is looked up in PATH.
    private static func resolvePaths(_ manifest: inout Manifest, _ folder: String, _ problems: inout ManifestProblems) {
        guard manifest.type == .images else { return }
        if let directory = manifest.value["spec"]["workingDir"].string, !directory.hasPrefix("/") {
            manifest.value["spec"]["workingDir"] = .string(Files.absolute(directory, from: folder))
        }
        guard var command = manifest.value["spec"]["command"].array, let program = command.first?.string, !program.isEmpty else { return }
        let place = manifest.place([.key("spec"), .key("command"), .index(0)])
        let path: String
        if program.contains("/") {
            path = Files.absolute(program, from: folder)
        } else if let found = searchPath(program) {
            path = found
        } else if problems.leavesPrograms {
            path = Files.absolute(program, from: folder)
        } else {
            problems.errors.append(
                "\(place): spec.command[0]: \"\(program)\" is not found in PATH; write its path (relative ones are meant from \(folder))")
            return
        }
        if !problems.leavesPrograms, let problem = problem(of: path, folder) {
            problems.errors.append("\(place): spec.command[0]: \(problem)")
        }
        command[0] = .string(path)
        manifest.value["spec"]["command"] = .array(command)
    }

    private static func problem(of program: String, _ folder: String) -> String? {
        if !Files.exists(program) {
            return "\(program) does not exist; build it first, or correct the path (relative ones are meant from \(folder))"
        }
        return Files.isExecutable(program) ? nil : "\(program) may not be executed; try: chmod +x \(program)"
    }

    private static func searchPath(_ program: String) -> String? {
        (Processes.environment("PATH") ?? "/usr/bin:/bin").split(separator: ":").map { "\($0)/\(program)" }.first(where: Files.isExecutable)
    }
}

extension Value {
    /// `a string`, `a list`: for messages.
    var kindWords: String {
        switch self {
        case .null: "nothing"
        case .bool(let value): "the boolean \(value)"
        case .int(let value): "the number \(value)"
        case .double(let value): "the number \(value)"
        case .string(let text): "the string \"\(text)\""
        case .array: "a list"
        case .object: "an object"
        }
    }

    /// What to do about a number or a boolean where a string belongs.
    var quoteHint: String {
        switch self {
        case .bool, .int, .double: " (found \(kindWords): quote it)"
        default: ""
        }
    }
}
