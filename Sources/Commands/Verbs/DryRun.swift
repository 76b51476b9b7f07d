/// `--dry-run`: whether a change is made, or only worked out and told. The server works it out in both forms, so that it is checked.
enum DryRun: String, CaseIterable {
    case none, client, server

    /// Nothing is to be changed.
    var isOn: Bool { self != .none }

    /// What kubectl puts behind its sentence.
    var suffix: String {
        switch self {
        case .none: ""
        case .client: " (dry run)"
        case .server: " (server dry run)"
        }
    }
}

extension Invocation {
    /// `--dry-run`; alone it is the client's.
    func dryRun() throws(CommandError) -> DryRun {
        guard let text = value("dry-run") else { return .none }
        guard let found = DryRun(rawValue: text) else {
            throw .usage("--dry-run: found \"\(text)\", allowed are none, client, server")
        }
        return found
    }
}
