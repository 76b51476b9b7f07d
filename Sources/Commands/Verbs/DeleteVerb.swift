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
            .files, .recursive, Verb.namespaceFlag, .allNamespaces, .selector, .fieldSelector, .timeout,
            Flag("all", nil, .toggle, "all objects of the kind in the namespace"),
            Flag("wait", nil, .optionalValue(placeholder: "true|false", alone: "true"), "until they are gone (default: true)"),
            Flag("grace-period", nil, .value(placeholder: "SECONDS"), "time that pods get to end (default: their own)"),
            Flag("force", nil, .toggle, "with --grace-period 0: forget the object at once"),
            Flag("now", nil, .toggle, "the same as --grace-period 1"),
            Flag(
                "cascade", nil, .optionalValue(placeholder: "background|foreground|orphan", alone: "background"),
                "what happens to dependents (default: background)"),
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
        var exitCode: Int32 = 0
        var gone: [(key: ObjectKey, uid: String)] = []
        for key in keys {
            do throws(StatusError) {
                let reply = try api.perform(.delete(key, options))
                let uid = reply.object["metadata"]["uid"].string ?? reply.object["details"]["uid"].string ?? ""
                gone.append((key, uid))
                invocation.terminal.line(
                    invocation.value("output") == "name"
                        ? key.type.shown(key.name)
                        : "\(quotedName(key)) \(options.gracePeriodSeconds == 0 ? "force deleted" : "deleted")\(options.isDryRun ? " (dry run)" : "")"
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

    private static func options(_ invocation: Invocation) throws(CommandError) -> DeleteOptions {
        var out = DeleteOptions(propagation: .background)
        switch invocation.value("cascade") ?? "background" {
        case "background", "true": break
        case "foreground": out.propagation = .foreground
        case "orphan", "false": out.propagation = .orphan
        case let other: throw .usage("--cascade: found \"\(other)\", allowed are background, foreground, orphan")
        }
        if let seconds = try invocation.integer("grace-period", in: -1...86_400), seconds >= 0 { out.gracePeriodSeconds = Int64(seconds) }
        if invocation.isSet("now") { out.gracePeriodSeconds = 1 }
        if invocation.isSet("force") {
            out.gracePeriodSeconds = out.gracePeriodSeconds ?? 0
        } else if out.gracePeriodSeconds == 0 {
            // As kubectl: without --force a grace of 0 is 1, so that the object is not forgotten while its processes run.
            out.gracePeriodSeconds = 1
        }
        out.isDryRun = (invocation.value("dry-run") ?? "none") != "none"
        return out
    }
}
