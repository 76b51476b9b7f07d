import Resources

extension Verb {
    /// Every client verb, in the order of `steady --help`. `up` and the roles are added by the program.
    package static let all: [Verb] =
        InstanceVerbs.all + [
            ApplyVerb.verb, CreateVerbs.create, CreateVerbs.configMap, CreateVerbs.secret, CreateVerbs.namespace, DeleteVerb.verb,
        ]
        + ScalingVerbs.all + RolloutVerbs.all + MetadataVerbs.all + [
            GetVerb.verb, DescribeVerb.verb, TopVerb.verb, WhyVerb.verb, LogsVerb.verb, EventsVerb.verb, WaitVerb.verb,
        ]
        + NodeVerbs.all + [SimulateVerb.verb]
}

extension Flag {
    static let selector = Flag("selector", "l", .value(placeholder: "QUERY"), "label selector: app=web,tier in (a,b),!canary")
    static let fieldSelector = Flag("field-selector", nil, .value(placeholder: "QUERY"), "field selector: status.phase!=Running")
    static let allNamespaces = Flag("all-namespaces", "A", .toggle, "in all namespaces")
    static let files = Flag("filename", "f", .value(placeholder: "FILE"), repeats: true, "manifest: file, directory or - (may be repeated)")
    /// Said to be missing by `Program`, wherever files are taken.
    static let kustomize = Flag("kustomize", "k", .value(placeholder: "DIR"), hidden: true, "not built in")
    static let recursive = Flag("recursive", "R", .toggle, "directories with all below them")
    static let timeout = Flag("timeout", nil, .value(placeholder: "DURATION"), "how long to wait at most: 30s, 2m (0: without end)")
    static let validate = Flag(
        "validate", nil, .optionalValue(placeholder: "strict|warn|ignore", alone: "strict"),
        "what to do about unknown fields (default: strict)")
    static let dryRun = Flag(
        "dry-run", nil, .optionalValue(placeholder: "none|client|server", alone: "client"), "only say what would be done")
}

extension Invocation {
    /// `--validate` in kubectl's words, `true` and `false` included.
    func validation() throws(CommandError) -> Resources.FieldValidation {
        switch value("validate") ?? "strict" {
        case "strict", "true": return .strict
        case "warn": return .warn
        case "ignore", "false": return .ignore
        case let other: throw .usage("--validate: found \"\(other)\", allowed are strict, warn, ignore")
        }
    }

    /// `--timeout`; 0 means without end.
    func timeout(default standard: Duration) throws(CommandError) -> Duration {
        guard let given = try duration("timeout") else { return standard }
        return given <= .zero ? .seconds(86_400 * 365) : given
    }
}
