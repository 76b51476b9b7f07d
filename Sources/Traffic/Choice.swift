extension Router {
    /// What came of looking for an endpoint.
    package enum Choice: Equatable, Sendable {
        /// Counted as open; `finished` must follow.
        case endpoint(EndpointID)
        /// There are endpoints, but the caller avoids each of them.
        case allAvoided
        /// Nobody is ready.
        case noneReady
        /// As many connections are open as the policy allows.
        case full
        /// The backend's breaker is open, and this is no request that it let in.
        case open
        /// Its policy gives no weight to anybody who is ready; final where it gives none to any pod there could be.
        case noWeight(isFinal: Bool)
        /// The backend left the table.
        case noBackend
    }
}
