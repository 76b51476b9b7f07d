/// What `/etc/resolv.conf` says, as resolv.conf(5) describes it. What is not understood is skipped, as resolvers do.
package struct ResolverConfiguration: Hashable, Sendable {
    /// As written; an IPv6 zone stays. Resolvers ask the first three.
    package var nameServers: [String] = []
    /// The last `search` or `domain` line counts.
    package var searches: [String] = []
    /// `name` or `name:value`.
    package var options: [String] = []

    package static let nameServerLimit = 3

    /// Whom resolvers ask: without any, the machine itself (resolv.conf(5)).
    package var effectiveServers: [String] { nameServers.isEmpty ? ["127.0.0.1", "::1"] : nameServers }

    package init() {}

    package init(_ text: String) {
        for line in text.split(whereSeparator: \.isNewline) {
            // Comments begin in the first column; behind an address some writers put them, too.
            guard let first = line.first, first != "#", first != ";" else { continue }
            let words = line.split { $0 == " " || $0 == "\t" || $0 == "\r" }.map(String.init)
            guard let keyword = words.first else { continue }
            let values = Array(words.dropFirst().prefix { !$0.hasPrefix("#") && !$0.hasPrefix(";") })
            switch keyword {
            case "nameserver": if let server = values.first, nameServers.count < Self.nameServerLimit { nameServers.append(server) }
            case "search": searches = values
            case "domain": searches = Array(values.prefix(1))
            case "options": options += values
            default: break
            }
        }
    }
}
