import APIClient
import Formats
import Resources

/// Where the objects that `label`, `annotate` and `set image` change come from: the server, or with `--local` files that nobody else sees.
struct ChangeSource {
    /// Nil with `--local`.
    private let api: BlockingAPI?
    private let targets: Targets?
    private let manifests: [Manifest]

    var isLocal: Bool { api == nil }

    /// - Parameter words: what the command line has about targets.
    init(_ words: [String], _ invocation: Invocation) throws(CommandError) {
        guard invocation.isSet("local") else {
            let targets = try Targets(words, invocation)
            try targets.requireChoice(invocation)
            self.targets = targets
            manifests = []
            api = try Instance.connect(invocation)
            return
        }
        guard invocation.isGiven("filename"), words.isEmpty else {
            throw .usage("--local changes what files hold, and asks no server: name them with -f FILE, and nothing else")
        }
        manifests = try Manifests.selected(try Manifests.named(invocation), invocation)
        targets = nil
        api = nil
    }

    func objects() throws(CommandError) -> [(type: ResourceType, object: Value)] {
        if let api, let targets { return try targets.fetch(api) }
        return manifests.map { ($0.type, $0.value) }
    }

    /// The changed object.
    func patch(_ object: Value, _ type: ResourceType, _ patch: Patch, _ options: WriteOptions) throws(CommandError) -> Value {
        if let api {
            return try api.ask(.patch(ObjectKey(type, namespace: object.namespaceName, name: object.name), patch, nil, options)).object
        }
        do throws(PatchError) {
            switch patch {
            case .json(let patch): return try JSONPatch.apply(patch, to: object)
            case .merge(let patch): return MergePatch.apply(patch, to: object)
            case .strategic(let patch): return try StrategicMerge.apply(patch, to: object, keys: Schema.mergeKeys(type))
            }
        } catch {
            throw CommandError("\(type.shown(object.name)): \(error)")
        }
    }
}

extension Flag {
    static let local = Flag("local", nil, .toggle, "change what the files of -f hold, and ask no server")
}
