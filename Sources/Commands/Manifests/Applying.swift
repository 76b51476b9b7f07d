import APIClient
import Formats
import Linux
import Resources

extension Manifests {
    /// kubectl's annotation: what was applied last, so that what the next manifest leaves out can be removed. Both programs read each other's.
    static let lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

    enum Outcome: String {
        case created, configured, unchanged
    }

    /// Checks everything first, on this side and on the server's, then applies.
    package static func apply(_ manifests: [Manifest], _ invocation: Invocation) throws -> Int32 {
        let ordered = ordered(try selected(try place(manifests, invocation), invocation))
        let format = try ObjectOutput(invocation)
        let dryRun = try invocation.dryRun()
        let deletion = try Deletion.options(invocation)
        let pruning = try Pruning(invocation, deletion)
        let patience = try invocation.timeout(default: Replacing.patience)
        let api = try Instance.connect(invocation)
        let plan = try check(ordered, api, invocation)
        var shown: [(type: ResourceType, object: Value)] = []
        for (manifest, step) in zip(ordered, plan) {
            let (outcome, object) =
                !dryRun.isOn ? try perform(step.change, manifest, api, deletion, patience) : (step.change.outcome, step.preview)
            shown.append((manifest.type, object))
            guard format == nil else { continue }
            invocation.terminal.line("\(manifest.type.shown(manifest.key.name)) \(outcome.rawValue)\(dryRun.suffix)")
        }
        if let format { invocation.terminal.write(try format.text(shown)) }
        for (type, object) in try pruning?.stale(ordered.map(\.key), api) ?? [] {
            try pruning?.delete(object, type, api, dryRun)
            if let format {
                invocation.terminal.write(try format.each([(type, object)]))
            } else {
                invocation.terminal.line("\(type.shown(object.name)) pruned\(dryRun.suffix)")
            }
        }
        for line in try imageHints(zip(ordered, plan).map { ($0, $1.change) }, api) { invocation.terminal.complain(line) }
        guard !dryRun.isOn, invocation.isSet("progress") || invocation.isSet("wait") else { return 0 }
        let exitCode = try Progress.untilAvailable(ordered.filter { $0.type == .deployments }.map(\.key), api, invocation)
        for key in ordered.map(\.key) where key.type == .services {
            for line in Progress.entrances(try api.ask(.get(key)).object, expose: exposedAddress(invocation)) {
                invocation.terminal.line(line)
            }
        }
        return exitCode
    }

    /// What must be done besides, for changed Images to be what runs.
    private static func imageHints(_ done: [(manifest: Manifest, change: Change)], _ api: BlockingAPI) throws(CommandError) -> [String] {
        let images = done.filter { $0.manifest.type == .images && $0.change.changesSpec }
        guard !images.isEmpty else { return [] }
        let rolling = done.filter { $0.manifest.type == .deployments && $0.change.changesTemplate }.map(\.manifest.key)
        return ImageHint.lines(images.map(\.manifest.value), deployments: try api.all(ListRequest(.deployments)), rolling: Set(rolling))
    }

    /// Where `up` lets NodePorts listen.
    private static func exposedAddress(_ invocation: Invocation) -> String {
        let record = (try? Files.read(try invocation.dataDirectory.hostRecord)).flatMap { try? JSON.parse($0) }
        let address = record?["expose"].string ?? "127.0.0.1"
        return address == "0.0.0.0" ? "127.0.0.1" : address
    }

    /// Namespaces first, then images, then the rest in their order.
    private static func ordered(_ manifests: [Manifest]) -> [Manifest] {
        let rank: (Manifest) -> Int = { $0.type == .namespaces ? 0 : $0.type == .images ? 1 : 2 }
        return (0...2).flatMap { wanted in manifests.filter { rank($0) == wanted } }
    }

    enum Change {
        case create(Value)
        case patch(Value)
        /// Deleted and made anew, since the patch is refused: with `--force`.
        case replace(Value, current: Value)
        case nothing(Value)

        /// Of an object that was there before.
        var changesSpec: Bool {
            switch self {
            case .create, .nothing: false
            case .patch(let patch): !patch["spec"].isNull
            case .replace: true
            }
        }

        /// Whether new pods are made.
        var changesTemplate: Bool {
            switch self {
            case .create, .replace: true
            case .patch(let patch): !patch["spec"]["template"].isNull
            case .nothing: false
            }
        }

        var outcome: Outcome {
            switch self {
            case .create: .created
            case .patch, .replace: .configured
            case .nothing: .unchanged
            }
        }
    }

    /// What each manifest changes; throws with every problem before anything is changed.
    private static func check(_ manifests: [Manifest], _ api: BlockingAPI, _ invocation: Invocation) throws(CommandError)
        -> [(change: Change, preview: Value)]
    {
        var problems = ManifestProblems()
        let created = Set(manifests.filter { $0.type == .namespaces }.map(\.key.name))
        var seen: [ObjectKey: String] = [:]
        var plan: [(change: Change, preview: Value)] = []
        for manifest in manifests {
            guard inspect(manifest, &seen, &problems) else { continue }
            do throws(StatusError) {
                let change = try change(manifest, api)
                if let warning = interruption(change, manifest) {
                    problems.warnings.append("\(manifest.place()): \(manifest.type.shown(manifest.key.name)): \(warning)")
                }
                plan.append(try preview(change, manifest, api, isForced: invocation.isSet("force")) { created.contains($0) })
            } catch {
                if error.code >= 500 { throw CommandError(error) }
                let field = error.details?.causes.first.map { Manifest.path($0.field) } ?? []
                problems.errors.append("\(manifest.place(field)): \(error.message)")
            }
        }
        try problems.check(invocation.terminal)
        return plan
    }

    /// The server's own word on a change, as far as it can be had before anything is done; a change that is forced becomes a replacement.
    private static func preview(
        _ change: Change, _ manifest: Manifest, _ api: BlockingAPI, isForced: Bool, _ isComing: (_ namespace: String) -> Bool
    ) throws(StatusError) -> (change: Change, preview: Value) {
        let options = WriteOptions(isDryRun: true, fieldManager: manager)
        switch change {
        // A namespace that is made by the same manifests is not there yet.
        case .create(let value) where manifest.type.isNamespaced && isComing(manifest.key.namespace): return (change, value)
        case .create(let value):
            let reply = try api.perform(.create(value, type: manifest.type, namespace: manifest.key.namespace, options))
            return (change, reply.object)
        case .patch(let patch):
            do throws(StatusError) {
                return (change, try api.perform(.patch(manifest.key, .strategic(patch), nil, options)).object)
            } catch {
                guard isForced, error.code == 422 else { throw error }
                let value = recorded(manifest)
                return (.replace(value, current: try api.get(manifest.key)), value)
            }
        case .replace(let value, _), .nothing(let value): return (change, value)
        }
    }

    /// What of a change to a workload leaves nobody to answer: everything else keeps requests going.
    static func interruption(_ change: Change, _ manifest: Manifest) -> String? {
        guard case .patch(let patch) = change, manifest.type == .deployments else { return nil }
        if patch["spec"]["replicas"].int == 0 {
            return "no replica is left to answer: requests fail until it is scaled up again, unless others answer for its Service"
        }
        if !patch["spec"]["template"].isNull, let text = RecreateWarning.text(of: manifest.value) { return text }
        return nil
    }

    private static let manager = "kubectl-client-side-apply"

    /// The manifest with the record of itself.
    private static func recorded(_ manifest: Manifest) -> Value { recorded(manifest.value) }

    static func recorded(_ value: Value) -> Value {
        var wanted = value
        // kubectl records the annotations also when there are none: else each of the two would find the other's record changed.
        var annotations = wanted["metadata"]["annotations"].object ?? Object()
        annotations[lastApplied] = nil
        wanted["metadata"]["annotations"] = .object(annotations)
        let record = JSON.text(wanted.sortedByKeys) + "\n"
        wanted["metadata"]["annotations"][lastApplied] = .string(record)
        return wanted
    }

    private static func change(_ manifest: Manifest, _ api: BlockingAPI) throws(StatusError) -> Change {
        let wanted = recorded(manifest)
        let current: Value
        do throws(StatusError) {
            current = try api.get(manifest.key)
        } catch {
            if error.code == 404 { return .create(wanted) }
            throw error
        }
        let original = current["metadata"]["annotations"][lastApplied].string.flatMap { try? JSON.parse(Array($0.utf8)) }
        do {
            let patch = try StrategicMerge.threeWay(
                original: original, modified: wanted, current: current, keys: Schema.mergeKeys(manifest.type))
            if patch.object?.isEmpty ?? true { return .nothing(current) }
            return .patch(patch)
        } catch {
            throw .badRequest("\(error)")
        }
    }

    /// A write that lost against another one is computed again, this often.
    private static let attemptLimit = 5

    private static func perform(
        _ change: Change, _ manifest: Manifest, _ api: BlockingAPI, _ deletion: DeleteOptions, _ patience: Duration
    ) throws(CommandError) -> (Outcome, Value) {
        var change = change
        let options = WriteOptions(fieldManager: manager)
        for attempt in 1... {
            do throws(StatusError) {
                switch change {
                case .nothing(let current): return (.unchanged, current)
                case .create(let value):
                    let made = Request.create(value, type: manifest.type, namespace: manifest.key.namespace, options)
                    return (.created, try api.perform(made).object)
                case .patch(let patch):
                    return (.configured, try api.perform(.patch(manifest.key, .strategic(patch), nil, options)).object)
                case .replace(let value, let current):
                    return (
                        .configured, try Replacing.replace(manifest.key, current, with: value, api, options, deletion, within: patience)
                    )
                }
            } catch {
                guard error.code == 409, attempt < attemptLimit else { throw CommandError(error) }
                do throws(StatusError) { change = try Self.change(manifest, api) } catch { throw CommandError(error) }
            }
        }
        throw CommandError("\(manifest.type.shown(manifest.key.name)) is written by others all the time; try again")
    }
}
