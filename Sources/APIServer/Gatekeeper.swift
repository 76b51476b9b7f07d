import Resources

/// Keeps web pages out: a browser on this machine carries its user's right to connect, so what a page of another origin sends must be refused.
package struct Gatekeeper: Sendable {
    /// `127.0.0.1:7080`: the TCP address that is served.
    package var servedAddress: String

    package init(servedAddress: String) { self.servedAddress = servedAddress }

    /// Nil: may pass. A Host that is neither the served address nor localhost is a rebound DNS name; an Origin or Sec-Fetch-Site that is not
    /// same-origin is a page of somebody else.
    package func refusal(host: String?, origin: String?, fetchSite: String?) -> StatusError? {
        guard let host, isOurs(host) else {
            return .forbidden("Host \"\(host ?? "")\" is not served here: use \(servedAddress) or localhost")
        }
        if let origin, origin.lowercased() != "http://\(host.lowercased())" {
            return .forbidden("requests from the web origin \"\(origin)\" are not allowed")
        }
        if let fetchSite, fetchSite.lowercased() != "same-origin" {
            return .forbidden("requests that a browser sends as \"\(fetchSite)\" are not allowed")
        }
        return nil
    }

    private func isOurs(_ host: String) -> Bool {
        let host = host.lowercased()
        if host == servedAddress { return true }
        // The port is left out of Host where it is the scheme's own.
        if servedAddress.hasSuffix(":80"), host == servedAddress.dropLast(3) { return true }
        guard host.hasPrefix("localhost") else { return false }
        let port = host.dropFirst("localhost".count)
        return port.isEmpty || (port.first == ":" && UInt16(port.dropFirst()) != nil)
    }
}
