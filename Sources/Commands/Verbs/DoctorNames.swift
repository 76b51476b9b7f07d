import Linux

/// Whether the machine's own configuration lets programs in pods ask for names of Services.
extension DoctorVerb {
    /// Sources of `nsswitch.conf` that ask a daemon of the machine, which knows nothing of Services, and what each of them is.
    private static let daemons = ["resolve": "systemd-resolved", "myhostname": "systemd", "winbind": "Samba", "wins": "Samba"]

    static func names() -> Finding {
        names(
            switches: (try? Files.text("/etc/nsswitch.conf")) ?? "",
            hasCache: Files.exists("/run/nscd/socket") || Files.exists("/var/run/nscd/socket"))
    }

    /// glibc asks the sources of its `hosts` line in order; a source that answers "not found" ends the search where the line says so.
    ///
    /// - Parameter hasCache: nscd runs, and asks in the programs' place.
    static func names(switches: String, hasCache: Bool) -> Finding {
        var finding = Finding(name: "names of Services", verdict: .good, words: "programs in pods ask for them, by glibc")
        if hasCache {
            finding.verdict = .limited
            finding.words = "nscd answers in the programs' place, and knows none"
            finding.remedy = "enable-cache hosts no in /etc/nscd.conf; or $NAME_SERVICE_HOST"
            return finding
        }
        let line = switches.split(whereSeparator: \.isNewline).map { $0.prefix { $0 != "#" } }.last { $0.hasPrefix("hosts:") }
        // Without a line glibc takes `files dns`.
        guard let line else { return finding }
        // "resolve [!UNAVAIL=return]": what stands in brackets belongs to the source before it.
        let spaced = line.dropFirst("hosts:".count).replacing("[", with: " [")
        var last = ""
        var isInBrackets = false
        for word in spaced.split(whereSeparator: { $0 == " " || $0 == "\t" }) {
            if word.hasPrefix("[") { isInBrackets = true }
            defer { if word.hasSuffix("]") { isInBrackets = false } }
            guard isInBrackets else {
                if word == "dns" { return finding }
                last = String(word)
                continue
            }
            let action = word.uppercased()
            let endsSearch = action.contains("NOTFOUND=RETURN") || action.contains("!UNAVAIL=RETURN")
            guard endsSearch, let daemon = daemons[last] else { continue }
            finding.verdict = .limited
            finding.words = "\(last) (\(daemon)) answers before dns is asked, and knows none"
            finding.remedy = "in /etc/nsswitch.conf: dns before \(last) in the line of hosts; or $NAME_SERVICE_HOST"
            return finding
        }
        finding.verdict = .limited
        finding.words = "/etc/nsswitch.conf asks no dns for hosts"
        finding.remedy = "dns in its line of hosts; or $NAME_SERVICE_HOST"
        return finding
    }
}
