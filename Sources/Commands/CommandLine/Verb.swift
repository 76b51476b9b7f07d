/// One verb of the command line. To add one: write it in a file of `Verbs`, and list it in `Verb.all`.
package struct Verb: Sendable {
    /// `get`, or `rollout status` for a verb of two words.
    package let name: String
    package let aliases: [String]
    /// One line for the list of verbs.
    package let summary: String
    /// What follows the name: `(TYPE [NAME | -l label] | TYPE/NAME ...)`.
    package let usage: String
    /// Further words of help, below the summary.
    package let notes: String
    package let examples: [(comment: String, line: String)]
    package let flags: [Flag]
    /// Under which heading `steady --help` lists it.
    package let group: Group
    /// Returns the exit code.
    package let run: @Sendable (Invocation) throws -> Int32

    /// Where `steady --help` lists a verb.
    package enum Group: String, CaseIterable, Sendable {
        case instance = "An instance"
        case workloads = "Workloads"
        case looking = "Looking"
        case nodes = "Nodes and zones"
        case other = "Other"
        /// Roles, which `steady up` starts: not listed.
        case hidden = ""
    }

    package init(
        _ name: String, aliases: [String] = [], group: Group, summary: String, usage: String = "", notes: String = "",
        examples: [(comment: String, line: String)] = [], flags: [Flag] = [], run: @escaping @Sendable (Invocation) throws -> Int32
    ) {
        self.name = name
        self.aliases = aliases
        self.group = group
        self.summary = summary
        self.usage = usage
        self.notes = notes
        self.examples = examples
        self.flags = flags
        self.run = run
    }

    /// What every verb understands.
    package static let commonFlags: [Flag] = [
        Flag(
            "data-dir", nil, .value(placeholder: "DIR"),
            "data directory of the instance (default: $STEADY_DATA_DIR, else $XDG_STATE_HOME/steady)"),
        Flag(
            "server", "s", .value(placeholder: "ADDRESS"),
            "the API: 127.0.0.1:PORT, http://127.0.0.1:PORT or unix:PATH (default: the data directory's socket)"),
        Flag("help", "h", .toggle, "show this help"),
    ]

    /// What scripts pass to kubectl and what changes nothing here: lists come whole, tables are made on this side, and nobody keeps managed fields.
    /// Verbs about objects take these, and `--help` does not list them.
    static let flagsWithoutEffect: [Flag] = [
        Flag("chunk-size", nil, .value(placeholder: "N"), hidden: true, "lists come whole"),
        Flag("server-print", nil, .toggle, hidden: true, "tables are made here"),
        Flag("show-managed-fields", nil, .toggle, hidden: true, "there are none"),
        Flag("field-manager", nil, .value(placeholder: "NAME"), hidden: true, "nobody keeps who wrote which field"),
        missingKeys,
    ]
    /// Only as `true`: `Program` refuses the other.
    static let missingKeys = Flag("allow-missing-template-keys", nil, .toggle, hidden: true, "a missing field is no error")

    /// What every verb about objects understands besides.
    package static let namespaceFlag = Flag("namespace", "n", .value(placeholder: "NAME"), "namespace (default: default)")
}
