/// Who may import whom. One row a module, from the ground up; a module that is not here fails the tests.
enum ImportTable {
    static let ground: Set = ["Timing", "Formats", "Wire", "Measuring"]
    /// What every module that decides may know.
    static let vocabulary: Set = ground.union(["Resources"])
    /// What every role may use beside its own decisions.
    static let reach: Set = vocabulary.union(["Linux", "Transport", "APIClient"])

    /// The modules that decide; each knows the vocabulary and none of the others.
    static let decisions: Set = ["Registry", "Reconciling", "Scheduling", "Supervision", "Traffic"]

    static let roles: Set = ["APIServer", "Controllers", "NodeAgent", "ServiceProxy", "Host", "Commands"]

    /// Values in, values out: they cannot sleep, read a clock, open a file, or roll dice.
    static let pure: Set = ground.union(["Resources", "Simulation"]).union(decisions)

    /// The project's modules that each may import.
    static let rows: [String: Set<String>] = [
        "Timing": [],
        "Formats": ["Timing"],
        "Wire": ["Timing"],
        "Measuring": ["Timing"],
        "Resources": ground,
        "Registry": vocabulary,
        "Reconciling": vocabulary,
        "Scheduling": vocabulary,
        "Supervision": vocabulary,
        "Traffic": vocabulary,
        "Simulation": vocabulary.union(decisions),
        "CLinux": [],
        "Linux": ["CLinux", "Timing"],
        "Journal": ["Linux", "Timing"],
        "Transport": ["Linux", "Wire", "Timing"],
        "Storage": vocabulary.union(["Registry", "Journal", "Linux"]),
        "APIClient": vocabulary.union(["Linux", "Transport"]),
        "APIServer": reach.union(["Registry", "Storage"]),
        "Controllers": reach.union(["Reconciling", "Scheduling"]),
        "NodeAgent": reach.union(["Supervision"]),
        "ServiceProxy": reach.union(["Traffic"]),
        "Host": reach.union(["Supervision"]),
        "Commands": reach.union(["Simulation"]),
        "steady": reach.union(roles).union(["Storage"]),
    ]

    /// The toolchain's own modules that each may import; none where there is no row.
    static let system: [String: Set<String>] = [
        "Linux": ["Glibc", "Synchronization"],
        "Journal": ["Synchronization"],
        "Storage": ["Synchronization"],
        "steady": ["Glibc"],
    ]
}
