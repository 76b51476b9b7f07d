/// The texts of `--help`.
package enum HelpText {
    /// `steady --help`.
    package static func program(_ verbs: [Verb]) -> String {
        var out = """
            Steady keeps services running: processes over zones, from Kubernetes manifests.

            Usage:
              steady COMMAND [flags]

            First steps:
              steady up -f Manifests/web.yaml       # start an instance and apply a manifest
              steady get pods -o wide               # in a second terminal
              steady status                         # zones, nodes, workloads

            """
        for group in Verb.Group.allCases where group != .hidden {
            let listed = verbs.filter { $0.group == group }
            guard !listed.isEmpty else { continue }
            out += "\n\(group.rawValue):\n"
            for verb in listed { out += "  \(verb.name.padded(to: 20)) \(verb.summary)\n" }
        }
        return out + "\nsteady COMMAND --help shows a command's flags and examples.\n"
    }

    /// The verbs that begin with one word: `steady rollout --help`.
    package static func group(_ prefix: String, _ verbs: [Verb]) -> String {
        var out = "Commands of steady \(prefix):\n"
        for verb in verbs where verb.name.hasPrefix(prefix + " ") { out += "  \(verb.name.padded(to: 20)) \(verb.summary)\n" }
        return out
    }

    /// `steady VERB --help`.
    package static func verb(_ verb: Verb) -> String {
        var out = verb.summary + "\n"
        if !verb.notes.isEmpty { out += "\n" + verb.notes + "\n" }
        out += "\nUsage:\n  steady \(verb.name)\(verb.usage.isEmpty ? "" : " " + verb.usage) [flags]\n"
        if !verb.aliases.isEmpty { out += "\nAlso: \(verb.aliases.joined(separator: ", "))\n" }
        if !verb.examples.isEmpty {
            out += "\nExamples:\n"
            for (comment, line) in verb.examples { out += "  # \(comment)\n  \(line)\n\n" }
            out.removeLast()
        }
        let flags = (verb.flags + Verb.commonFlags).filter { !$0.isHidden }
        out += "\nFlags:\n"
        let width = min(36, flags.map(\.synopsis.count).max() ?? 0)
        for flag in flags { out += "  \(flag.synopsis.padded(to: width))  \(flag.help)\n" }
        return out
    }
}

extension String {
    /// With spaces up to the width; longer ones stay as they are.
    func padded(to width: Int) -> String { count >= width ? self : self + String(repeating: " ", count: width - count) }
}
