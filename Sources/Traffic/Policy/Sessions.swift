import Resources
import Timing
import Wire

/// Leading clients back to the endpoint that they had.
///
/// The token leads there while the endpoint is ready, trusted and not avoided; from one that is withdrawn or gone the client is led elsewhere, and gets
/// a new token: a session drains with its instance.
extension Router {
    /// Reads what the client was given. To be asked of each request that was let in, BEFORE `choose`. Costs nothing where no policy keeps sessions.
    ///
    /// - Parameter time: by the clock that everybody has: another proxy may have written the token.
    package func recall(_ stay: inout BackendGate.Stay, _ head: RequestHead, time: () -> Timestamp) {
        guard let (tokens, rules) = sessions(stay) else { return }
        let text: Substring? = rules.mark == .header ? head.headers.first(rules.name).map { $0[...] } : head.cookie(rules.name)
        guard let text, let content = tokens.read(text, rules, now: time().seconds) else { return }
        stay.session = content
    }

    /// The field by which a response tells its client where it was; nil where there is nothing to tell.
    package func sessionField(_ stay: BackendGate.Stay, at endpoint: EndpointID, time: () -> Timestamp) -> (name: String, value: String)? {
        guard let (tokens, rules) = sessions(stay) else { return nil }
        let now = time().seconds
        let told = stay.session
        let mark = tokens.mark(of: listings[endpoint.index])
        // Another Service's, which stood in; or one that is on its way out, to which nobody should come back.
        guard tokens.endpoint(mark) == endpoint else { return nil }
        let begun = told?.begun ?? now
        let token = { tokens.write(.init(mark: mark, begun: begun, written: now)) }
        guard case .cookie(let isPermanent) = rules.mark else { return rules.mark == .header ? (rules.name, token()) : nil }
        // The same again is only sent where it would get too old otherwise, and then not with every response.
        if let told, told.mark == mark {
            guard let idle = rules.idleTimeout, (now - told.written) * 4 >= idle.wholeSeconds else { return nil }
        }
        var value = "\(rules.name)=\(token()); Path=/; HttpOnly; SameSite=Lax"
        if isPermanent, let limit = rules.absoluteTimeout { value += "; Max-Age=\(max(0, begun + limit.wholeSeconds - now))" }
        return ("Set-Cookie", value)
    }

    /// What holds for its sessions; nil where the policy keeps none. Looks at one word first: every request passes here.
    private func sessions(_ stay: BackendGate.Stay) -> (tokens: SessionTokens, rules: SessionRules)? {
        let index = stay.backend.index
        guard backends[index].sessions != nil, backends[index].generation == stay.backend.generation else { return nil }
        guard let tokens = backends[index].sessions, let rules = stay.terms?.rules.balance.session else { return nil }
        return (tokens, rules)
    }

    /// Where the client's token leads, by the table in force: the request may have waited since it was read.
    func sessionEndpoint(_ content: SessionTokens.Content?, in backend: Int) -> EndpointID? {
        guard let content else { return nil }
        return backends[backend].sessions?.endpoint(content.mark)
    }
}

extension Timestamp {
    fileprivate var seconds: Int64 { nanosecondsSince1970 / 1_000_000_000 }
}
