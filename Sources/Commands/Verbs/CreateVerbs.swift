import APIClient
import Formats
import Linux
import Resources

/// `steady create …`.
enum CreateVerbs {
    private static let sources =
        [
            Flag("from-literal", nil, .value(placeholder: "KEY=VALUE"), repeats: true, "a value as it stands here"),
            Flag("from-file", nil, .value(placeholder: "[KEY=]PATH"), repeats: true, "a file's content, or every file of a directory"),
            Flag("from-env-file", nil, .value(placeholder: "PATH"), repeats: true, "lines of KEY=VALUE"), Verb.namespaceFlag, .dryRun,
            saveConfig,
        ] + Flag.objectOutput
    private static let saveConfig = Flag("save-config", nil, .toggle, "with the record by which a later apply knows what to remove")

    static let create = Verb(
        "create", group: .workloads, summary: "Create objects from manifests", usage: "-f FILE ...",
        notes: "steady create configmap, secret and namespace make one without a manifest.",
        examples: [
            ("fails where apply would change", "steady create -f web.yaml"),
            ("look at it first", "steady create -f web.yaml --dry-run=client -o yaml"),
        ],
        flags: [
            .files, .recursive, .kustomize, Verb.namespaceFlag, .selector, .validate, .dryRun, saveConfig,
        ] + Flag.objectOutput,
        run: { invocation in
            let files = invocation.all("filename")
            guard !files.isEmpty else {
                throw CommandError.usage(
                    invocation.words.isEmpty
                        ? "what to create? name a manifest: steady create -f web.yaml"
                        : "cannot create \"\(invocation.words[0])\" without a manifest; allowed are configmap, secret, namespace")
            }
            let manifests = try Manifests.load(
                files, recursive: invocation.isSet("recursive"), validation: try invocation.validation(), takesGeneratedNames: true,
                terminal: invocation.terminal)
            var exitCode: Int32 = 0
            // As kubectl: what one object meets does not keep the others from being made.
            for manifest in try Manifests.selected(try Manifests.place(manifests, invocation), invocation) {
                do throws(CommandError) { try create(manifest.value, manifest.key, invocation) } catch {
                    guard manifests.count > 1 else { throw error }
                    invocation.terminal.complain("error: \(error.message)")
                    exitCode = 1
                }
            }
            return exitCode
        })

    static let configMap = Verb(
        "create configmap", aliases: ["create cm"], group: .workloads, summary: "Create a ConfigMap from literals and files", usage: "NAME",
        examples: [("from a file and a value", "steady create configmap app --from-file app.conf --from-literal level=debug")],
        flags: sources,
        run: { invocation in
            let (name, data) = try collect(invocation)
            var text: [String: String] = [:]
            var binary: [String: String] = [:]
            for (key, bytes) in data {
                if let string = String(validating: bytes, as: UTF8.self) { text[key] = string } else { binary[key] = Base64.encode(bytes) }
            }
            var value: Value = [
                "apiVersion": "v1", "kind": "ConfigMap", "metadata": invocation.metadata(name),
            ]
            if !text.isEmpty { value["data"] = .strings(text) }
            if !binary.isEmpty { value["binaryData"] = .strings(binary) }
            try create(value, ObjectKey(.configMaps, namespace: invocation.namespace, name: name), invocation)
            return 0
        })

    static let secret = Verb(
        "create secret", group: .workloads, summary: "Create a Secret from literals and files", usage: "generic NAME",
        examples: [("a password", "steady create secret generic db --from-literal password=s3cret")],
        flags: sources + [Flag("type", nil, .value(placeholder: "TYPE"), "type of the secret (default: Opaque)")],
        run: { invocation in
            let words = invocation.words.first == "generic" ? Array(invocation.words.dropFirst()) : invocation.words
            let (name, data) = try collect(invocation, words)
            var value: Value = [
                "apiVersion": "v1", "kind": "Secret", "metadata": invocation.metadata(name),
                "type": .string(invocation.value("type") ?? "Opaque"),
            ]
            value["data"] = .strings(data.reduce(into: [:]) { $0[$1.0] = Base64.encode($1.1) })
            try create(value, ObjectKey(.secrets, namespace: invocation.namespace, name: name), invocation)
            return 0
        })

    static let namespace = Verb(
        "create namespace", aliases: ["create ns"], group: .workloads, summary: "Create a namespace", usage: "NAME",
        examples: [("one", "steady create namespace staging")],
        flags: [.dryRun, saveConfig] + Flag.objectOutput,
        run: { invocation in
            guard invocation.words.count == 1 else { throw CommandError.usage("name one namespace") }
            try create(
                ["apiVersion": "v1", "kind": "Namespace", "metadata": ["name": .string(invocation.words[0])]],
                ObjectKey(.namespaces, name: invocation.words[0]), invocation)
            return 0
        })

    private static func create(_ value: Value, _ key: ObjectKey, _ invocation: Invocation) throws(CommandError) {
        let dryRun = try invocation.dryRun()
        let format = try ObjectOutput(invocation)
        let value = invocation.isSet("save-config") ? Manifests.recorded(value) : value
        var object = value
        if dryRun != .client {
            let api = try Instance.connect(invocation)
            object = try api.ask(
                .create(
                    value, type: key.type, namespace: key.namespace,
                    WriteOptions(isDryRun: dryRun.isOn, fieldManager: "kubectl-create"))
            ).object
        }
        // Of a generated one the server knows the end.
        let name = object["metadata"]["name"].string ?? value["metadata"]["generateName"].string ?? key.name
        if case .name? = format {
            invocation.terminal.line(key.type.shown(name))
        } else if let format {
            invocation.terminal.write(try format.text([(key.type, object)]))
        } else {
            invocation.terminal.line("\(key.type.shown(name)) created\(dryRun.suffix)")
        }
    }

    private static func collect(_ invocation: Invocation, _ words: [String]? = nil) throws -> (name: String, data: [(String, [UInt8])]) {
        let words = words ?? invocation.words
        guard words.count == 1 else { throw CommandError.usage("exactly one NAME is required, got \(words.count)") }
        var data: [(String, [UInt8])] = []
        func add(_ key: String, _ bytes: [UInt8]) throws(CommandError) {
            guard !data.contains(where: { $0.0 == key }) else {
                throw CommandError("cannot add key \"\(key)\", another key by that name already exists")
            }
            data.append((key, bytes))
        }
        for literal in invocation.all("from-literal") {
            let parts = literal.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty else {
                throw CommandError.usage("--from-literal: found \"\(literal)\", allowed is KEY=VALUE")
            }
            try add(parts[0], Array(parts[1].utf8))
        }
        for source in invocation.all("from-file") {
            let parts = source.split(separator: "=", maxSplits: 1).map(String.init)
            let path = parts.last ?? source
            if parts.count == 1, Files.isDirectory(path) {
                for name in try Files.list(path) where !Files.isDirectory("\(path)/\(name)") {
                    try add(name, try Files.read("\(path)/\(name)"))
                }
            } else {
                try add(parts.count == 2 ? parts[0] : String(path.split(separator: "/").last ?? ""), try Files.read(path))
            }
        }
        for path in invocation.all("from-env-file") {
            for (key, bytes) in try environment(path) { try add(key, bytes) }
        }
        return (words[0], data)
    }

    /// The variables of an env file, as kubectl reads it: a byte order mark and carriage returns do not count, and a name alone stands for what
    /// this shell has.
    private static func environment(_ path: String) throws -> [(String, [UInt8])] {
        var bytes = try Files.read(path)[...]
        if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { bytes = bytes.dropFirst(3) }
        var out: [(String, [UInt8])] = []
        for (number, line) in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false).enumerated() {
            let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
            let text = line.drop { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            if text.isEmpty || text.first == UInt8(ascii: "#") { continue }
            let equals = text.firstIndex(of: UInt8(ascii: "="))
            let key = String(decoding: text[..<(equals ?? text.endIndex)], as: UTF8.self)
            guard !key.isEmpty, !key.contains(where: \.isWhitespace) else {
                let found = String(decoding: text, as: UTF8.self)
                throw CommandError("\(path):\(number + 1): found \"\(found)\", allowed is KEY=VALUE, with no blank in KEY")
            }
            if let equals {
                out.append((key, Array(text[(equals + 1)...])))
            } else if let value = Processes.environment(key) {
                out.append((key, Array(value.utf8)))
            }
        }
        return out
    }
}

extension Invocation {
    /// As kubectl: a namespace only where one was named.
    fileprivate func metadata(_ name: String) -> Value {
        isGiven("namespace") ? ["name": .string(name), "namespace": .string(namespace)] : ["name": .string(name)]
    }
}
