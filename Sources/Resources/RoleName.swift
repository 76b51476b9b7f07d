/// What the processes of an instance are called, in its files and on the lines between them.
package enum RoleName {
    package static let server = "server"
    private static let agentPrefix = "agent-"
    private static let proxyPrefix = "proxy-"

    /// The agent of a node.
    package static func agent(_ node: String) -> String { agentPrefix + node }

    /// The proxies are counted from 1.
    package static func proxy(_ number: Int) -> String { "\(proxyPrefix)\(number)" }

    package static func isAgent(_ name: String) -> Bool { name.hasPrefix(agentPrefix) }
    package static func isProxy(_ name: String) -> Bool { name.hasPrefix(proxyPrefix) }

    /// Whose agent the name is; nil for a role that is no agent.
    package static func node(ofAgent name: String) -> String? { isAgent(name) ? String(name.dropFirst(agentPrefix.count)) : nil }
}
