import Formats

/// Reads a command line: which verb, which flags, which words.
package struct CommandLineParser {
    let verbs: [Verb]

    package init(verbs: [Verb]) { self.verbs = verbs }

    /// What a command line asks for.
    package enum Outcome: Sendable {
        case run(Invocation)
        /// `--help` of the program (nil) or of a verb, or of all verbs that begin with a word (`rollout`).
        case help(Verb?, prefix: String?)
    }

    /// Finds the verb and its flags; a mistake is answered with the nearest right word.
    package func parse(_ arguments: [String], terminal: Terminal) throws(CommandError) -> Outcome {
        guard let at = try verbIndex(arguments) else { return .help(nil, prefix: nil) }
        let first = arguments[at]
        // Flags before the verb are common ones and go with the others.
        let before = Array(arguments[..<at])
        var after = Array(arguments[(at + 1)...])
        if first == "help" {
            let name = after.filter { !$0.hasPrefix("-") }.joined(separator: " ")
            if name.isEmpty { return .help(nil, prefix: nil) }
            guard let verb = find(name) else { return .help(nil, prefix: try group(name)) }
            return .help(verb, prefix: nil)
        }
        let verb: Verb
        if let second = after.first(where: { !$0.hasPrefix("-") }), let found = find("\(first) \(second)") {
            // `create configmap` beside `create`: the longer name is meant.
            after.remove(at: after.firstIndex(of: second)!)
            verb = found
        } else if let found = find(first) {
            verb = found
        } else {
            let prefix = try group(first)
            guard let second = after.first(where: { !$0.hasPrefix("-") }) else { return .help(nil, prefix: prefix) }
            guard let found = find("\(prefix) \(second)") else {
                let known = verbs.filter { $0.name.hasPrefix(prefix + " ") }.map { String($0.name.dropFirst(prefix.count + 1)) }
                throw .usage(unknown("\(prefix) \(second)", nearest(second, among: known).map { "\(prefix) \($0)" }))
            }
            after.remove(at: after.firstIndex(of: second)!)
            verb = found
        }
        return try read(before + after, verb, terminal)
    }

    /// Where the verb stands: the first word that is no flag and no common flag's value.
    private func verbIndex(_ arguments: [String]) throws(CommandError) -> Int? {
        var at = 0
        while at < arguments.count {
            let argument = arguments[at]
            guard argument.hasPrefix("-") else { return at }
            let flag = Verb.commonFlags.first { argument == "--\($0.name)" || $0.short.map { argument == "-\($0)" } ?? false }
            if case .value? = flag?.kind { at += 1 }
            at += 1
        }
        // What precedes no verb is a mistake unless it asks for help.
        if let first = arguments.first, !["-h", "--help"].contains(first), !arguments.contains("--help") {
            throw .usage("which command? found only \(arguments.joined(separator: " "))\nsteady --help lists all commands")
        }
        return nil
    }

    private func find(_ name: String) -> Verb? { verbs.first { $0.name == name || $0.aliases.contains(name) } }

    /// The first word of verbs of two words.
    private func group(_ word: String) throws(CommandError) -> String {
        if verbs.contains(where: { $0.name.hasPrefix(word + " ") }) { return word }
        let known = verbs.filter { $0.group != .hidden }.flatMap { [String($0.name.split(separator: " ")[0])] + $0.aliases }
        throw .usage(unknown(word, nearest(word, among: known)))
    }

    private func unknown(_ name: String, _ nearest: String?) -> String {
        "unknown command \"\(name)\"" + (nearest.map { "; did you mean \"\($0)\"?" } ?? "") + "\nsteady --help lists all commands"
    }

    private func read(_ arguments: [String], _ verb: Verb, _ terminal: Terminal) throws(CommandError) -> Outcome {
        let isAboutObjects = [.workloads, .looking, .nodes].contains(verb.group)
        let flags =
            verb.flags
            + (Verb.commonFlags + (isAboutObjects ? Verb.flagsWithoutEffect : [])).filter { common in
                !verb.flags.contains { $0.name == common.name || $0.short == common.short && $0.short != nil }
            }
        var words: [String] = []
        var rest: [String] = []
        var values: [String: [String]] = [:]
        var queue = arguments[...]

        func set(_ flag: Flag, _ value: String) {
            if flag.repeats { values[flag.name, default: []].append(value) } else { values[flag.name] = [value] }
        }
        func take(_ flag: Flag, _ inline: String?, as written: String) throws(CommandError) {
            switch flag.kind {
            case .toggle: set(flag, inline ?? "true")
            case .optionalValue(_, let alone): set(flag, inline ?? alone)
            case .value(let placeholder):
                if let inline { return set(flag, inline) }
                guard let next = queue.popFirst() else { throw .usage("\(written) needs a value: \(written) \(placeholder)") }
                set(flag, next)
            }
        }

        while let argument = queue.popFirst() {
            if argument == "--" {
                rest = Array(queue)
                break
            }
            if argument.hasPrefix("--") {
                let parts = argument.dropFirst(2).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
                guard let flag = flags.first(where: { $0.name == parts[0] }) else {
                    let near = nearest(parts[0], among: flags.filter { !$0.isHidden }.map(\.name)).map { "; did you mean --\($0)?" } ?? ""
                    throw .usage("unknown flag --\(parts[0])\(near)\nsteady \(verb.name) --help lists all flags")
                }
                try take(flag, parts.count > 1 ? parts[1] : nil, as: "--\(flag.name)")
            } else if argument.hasPrefix("-"), argument.count > 1 {
                var letters = argument.dropFirst()
                while let letter = letters.popFirst() {
                    guard let flag = flags.first(where: { $0.short == letter }) else {
                        throw .usage("unknown flag -\(letter)\nsteady \(verb.name) --help lists all flags")
                    }
                    if case .toggle = flag.kind {
                        try take(flag, nil, as: "-\(letter)")
                        continue
                    }
                    if letters.first == "=" { letters.removeFirst() }
                    try take(flag, letters.isEmpty ? nil : String(letters), as: "-\(letter)")
                    break
                }
            } else {
                words.append(argument)
            }
        }
        if values["help"] != nil { return .help(verb, prefix: nil) }
        return .run(Invocation(verb: verb, words: words, rest: rest, values: values, terminal: terminal))
    }
}
