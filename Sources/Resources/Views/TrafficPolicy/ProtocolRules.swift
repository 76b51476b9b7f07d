import Formats

/// Whether connections begin with a header of the PROXY protocol, version 2. Field names are Envoy Gateway's: `enableProxyProtocol` of its
/// ClientTrafficPolicy, `proxyProtocol` of its BackendTrafficPolicy.
package struct ProtocolRules: Hashable, Sendable {
    /// Clients' connections do, each of them: who is told by it counts as the client.
    package var expectsProxyHeader = false
    /// Connections to endpoints do; then each carries one client's traffic only.
    package var sendsProxyHeader = false

    package init(expectsProxyHeader: Bool = false, sendsProxyHeader: Bool = false) {
        self.expectsProxyHeader = expectsProxyHeader
        self.sendsProxyHeader = sendsProxyHeader
    }

    init(_ spec: Value) {
        expectsProxyHeader = spec["enableProxyProtocol"].bool ?? false
        sendsProxyHeader = spec["proxyProtocol"]["version"].string == "V2"
    }
}
