/// One sentence of an explanation, with the sentences that explain it.
struct Cause: Hashable {
    var text: String
    var because: [Cause]

    init(_ text: String, because: [Cause] = []) {
        self.text = text
        self.because = because
    }

    /// The chain as text: each cause below what it explains, behind an arrow.
    var lines: [String] { [text] + because.flatMap { $0.indented(1) } }

    private func indented(_ level: Int) -> [String] {
        [String(repeating: "   ", count: level - 1) + "<- " + text] + because.flatMap { $0.indented(level + 1) }
    }
}
