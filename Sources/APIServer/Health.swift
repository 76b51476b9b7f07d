/// `/healthz`, `/livez` and `/readyz`, in Kubernetes' words: `ok`, or with `?verbose` a line for each check.
package struct Health: Hashable, Sendable {
    /// One thing that is looked at.
    package enum Check: String, CaseIterable, Sendable {
        /// The server answers.
        case ping
        /// What is written becomes durable.
        case journal
    }

    /// `readyz`.
    package var name: String
    /// `/readyz/ping`: only this one.
    package var only: Check?

    /// Nil: there is no such path.
    package init?(_ segments: [String]) {
        guard let name = segments.first, ["healthz", "livez", "readyz"].contains(name), segments.count <= 2 else { return nil }
        self.name = name
        guard segments.count == 2 else { return }
        guard let check = Check(rawValue: segments[1]) else { return nil }
        only = check
    }

    /// A server that cannot write is alive, and not ready.
    private var checks: [Check] { only.map { [$0] } ?? (name == "readyz" ? Check.allCases : [.ping]) }

    /// Status and text. `exclude` names checks that do not count; a failure is told in full whether that was asked for or not.
    package func answer(isVerbose: Bool, excluded: [String] = [], holds: (Check) -> Bool) -> (status: Int, text: String) {
        var lines: [String] = []
        var isFailed = false
        for check in checks {
            if excluded.contains(check.rawValue) {
                lines.append("[+]\(check) excluded: ok")
            } else if holds(check) {
                lines.append("[+]\(check) ok")
            } else {
                isFailed = true
                lines.append("[-]\(check) failed: reason withheld")
            }
        }
        if isFailed { return (503, lines.joined(separator: "\n") + "\n\(name) check failed\n") }
        guard isVerbose, only == nil else { return (200, "ok") }
        return (200, lines.joined(separator: "\n") + "\n\(name) check passed\n")
    }
}
