import Resources

/// One of a backend's active checks at one of its endpoints.
package struct CheckPlace: Hashable, Comparable, Sendable {
    package var backend: RouteTable.BackendName
    package var address: EndpointAddress
    /// Which of the checks of the backend's policy.
    package var check: Int

    package init(_ backend: RouteTable.BackendName, _ address: EndpointAddress, check: Int) {
        self.backend = backend
        self.address = address
        self.check = check
    }

    package static func < (a: Self, b: Self) -> Bool { (a.backend, a.address, a.check) < (b.backend, b.address, b.check) }
}

/// A check that a proxy is to make again and again.
package struct WantedCheck: Hashable, Sendable {
    package var place: CheckPlace
    package var rule: HealthCheckRule
    /// Who may listen there; nil: nothing is required. It may change without another round of checks being begun.
    package var users: ListenerUsers?
}

extension RouteTable {
    /// Endpoints times checks that one proxy watches; what is beyond is believed to be healthy.
    package static let watchedCheckLimit = 10_000

    /// What a proxy asks the endpoints, in the table's order: only who is ready by the table is asked.
    ///
    /// Cost: linear in the backends, and in the endpoints of those whose policy has checks.
    ///
    /// - Parameters:
    ///   - isWatched: whether a place is asked already. Beyond the limit those stay: whom a check has found sick, and nobody asks any more, would never be
    ///     found healthy.
    package func wantedChecks(
        atMost limit: Int = watchedCheckLimit, _ isWatched: (CheckPlace) -> Bool
    ) -> [WantedCheck] {
        var wanted: [WantedCheck] = []
        for backend in backends where !backend.rules.health.checks.isEmpty {
            for endpoint in backend.endpoints where endpoint.standing == .ready {
                for (index, rule) in backend.rules.health.checks.enumerated() {
                    wanted.append(
                        WantedCheck(place: CheckPlace(backend.name, endpoint.address, check: index), rule: rule, users: endpoint.users))
                }
            }
        }
        if wanted.count <= limit { return wanted }
        var room = max(0, limit - wanted.count { isWatched($0.place) })
        return Array(
            wanted.filter {
                if isWatched($0.place) { return true }
                room -= 1
                return room >= 0
            }.prefix(limit))
    }
}
