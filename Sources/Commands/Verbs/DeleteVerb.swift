import APIClient
import Formats
import Linux
import Resources
import Timing

/// `steady delete`.
enum DeleteVerb {
    static let verb = Verb(
        "delete", group: .workloads, summary: "Delete objects; their pods drain first",
        usage: "(-f FILE ... | KIND NAME ... | KIND/NAME ... | KIND -l QUERY)",
        examples: [("what a manifest made", "steady delete -f web.yaml"), ("one object", "steady delete deployment web")],
        flags: [
            .files, .recursive, .kustomize, Verb.namespaceFlag, .allNamespaces, .selector, .fieldSelector, .timeout,
            Flag("all", nil, .toggle, "all objects of the kind in the namespace"),
            Flag("wait", nil, .optionalValue(placeholder: "true|false", alone: "true"), "until they are gone (default: true)"),
            Deletion.gracePeriod,
            Flag("force", nil, .toggle, "with --grace-period 0: forget the object at once"),
            Flag("now", nil, .toggle, "the same as --grace-period 1"),
            Deletion.cascade, Flag("interactive", "i", .toggle, "show what would go, and ask first"),
            Flag("ignore-not-found", nil, .toggle, "a missing object is no error"), .dryRun,
            Flag("output", "o", .value(placeholder: "name"), "name: only print what was deleted"),
        ],
        run: { try run($0) })

    private static func run(_ invocation: Invocation) throws(CommandError) -> Int32 {
        var keys: [ObjectKey] = []
        var toleratesMissing = invocation.isSet("ignore-not-found")
        let targets = try Targets(invocation.words, invocation)
        try targets.requireChoice(invocation)
        let api = try Instance.connect(invocation)
        if targets.keys.isEmpty {
            toleratesMissing = true
            keys = try targets.fetch(api).map { ObjectKey($0.type, namespace: $0.object.namespaceName, name: $0.object.name) }
            if keys.isEmpty { invocation.terminal.complain("No resources found") }
        } else {
            keys = targets.keys
        }
        let options = try options(invocation)
        if let format = invocation.value("output"), format != "name" {
            throw .usage("unexpected -o output mode: \(format); allowed is name")
        }
        if invocation.isSet("interactive"), !keys.isEmpty, !isConfirmed(keys, invocation.terminal) {
            invocation.terminal.line("deletion is cancelled")
            return 0
        }
        let dryRun = try invocation.dryRun()
        var exitCode: Int32 = 0
        var gone: [(key: ObjectKey, uid: String)] = []
        for key in keys {
            do throws(StatusError) {
                let reply = try api.perform(.delete(key, options))
                let uid = reply.object["metadata"]["uid"].string ?? reply.object["details"]["uid"].string ?? ""
                gone.append((key, uid))
                let place = key.type.isNamespaced ? " from \(key.namespace) namespace" : ""
                invocation.terminal.line(
                    invocation.value("output") == "name"
                        ? key.type.shown(key.name)
                        : "\(quotedName(key)) \(options.gracePeriodSeconds == 0 ? "force deleted" : "deleted")\(place)\(dryRun.suffix)"
                )
            } catch {
                if error.code == 404, toleratesMissing { continue }
                invocation.terminal.complain(CommandError(error).message)
                exitCode = 1
            }
        }
        guard !invocation.isGiven("wait") || invocation.isSet("wait"), !options.isDryRun else { return exitCode }
        let deadline = Clock.monotonic() + (try invocation.timeout(default: .seconds(86_400)))
        for (key, uid) in gone where !WaitVerb.untilGone(key, uid: uid, api, deadline: deadline) {
            throw CommandError("timed out waiting for the condition on \(key.type.plural)/\(key.name)")
        }
        return exitCode
    }

    private static func quotedName(_ key: ObjectKey) -> String {
        key.type.group.isEmpty ? "\(key.type.singular) \"\(key.name)\"" : "\(key.type.singular).\(key.type.group) \"\(key.name)\""
    }

    /// Shows what would go, and asks; anything but `y` is a no.
    private static func isConfirmed(_ keys: [ObjectKey], _ terminal: Terminal) -> Bool {
        terminal.line("You are about to delete the following \(keys.count) resource(s):")
        for key in keys { terminal.line(key.type.shown(key.name)) }
        terminal.write("Do you want to continue? (y/N): ")
        return ["y", "yes"].contains(terminal.answer().lowercased())
    }

    private static func options(_ invocation: Invocation) throws(CommandError) -> DeleteOptions {
        var out = try Deletion.options(invocation)
        if invocation.isSet("now") { out.gracePeriodSeconds = 1 }
        if invocation.isSet("force") {
            out.gracePeriodSeconds = out.gracePeriodSeconds ?? 0
        } else if out.gracePeriodSeconds == 0 {
            // As kubectl: without --force a grace of 0 is 1, so that the object is not forgotten while its processes run.
            out.gracePeriodSeconds = 1
        }
        out.isDryRun = try invocation.dryRun().isOn
        return out
    }
}
