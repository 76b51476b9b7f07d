/// An option of a verb: `--namespace NAME`, `-n NAME`, `--all`, `-o wide`, `--previous=false`.
package struct Flag: Sendable {
    /// What may follow a flag.
    package enum Kind: Sendable, Hashable {
        /// `--watch`, `--watch=false`.
        case toggle
        /// `--name VALUE`, `--name=VALUE`, `-n VALUE`, `-nVALUE`.
        case value(placeholder: String)
        /// `--dry-run` alone stands for the given value; `--dry-run=server` is also possible.
        case optionalValue(placeholder: String, alone: String)
    }

    package let name: String
    package let short: Character?
    package let kind: Kind
    /// May be given several times; a later one of a flag that does not repeat replaces the earlier.
    package let repeats: Bool
    package let help: String
    /// Kept for old habits and not listed by `--help`.
    package let isHidden: Bool

    package init(
        _ name: String, _ short: Character? = nil, _ kind: Kind = .toggle, repeats: Bool = false, hidden: Bool = false, _ help: String
    ) {
        self.name = name
        self.short = short
        self.kind = kind
        self.repeats = repeats
        self.isHidden = hidden
        self.help = help
    }

    /// `-n, --namespace NAME`, as `--help` prints it.
    var synopsis: String {
        let dashes = (short.map { "-\($0), " } ?? "    ") + "--\(name)"
        return switch kind {
        case .toggle: dashes
        case .value(let placeholder): "\(dashes) \(placeholder)"
        case .optionalValue(let placeholder, _): "\(dashes)[=\(placeholder)]"
        }
    }
}
