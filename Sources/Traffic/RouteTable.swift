import Resources

/// Where connections come in and where they may go: a value made from Services and EndpointSlices and swapped whole.
///
/// Everything in it is sorted, so that equal inputs give equal tables whatever the order in which they were seen.
package struct RouteTable: Sendable, Equatable {
    /// One port of one Service.
    package struct BackendName: Hashable, Comparable, Sendable, CustomStringConvertible {
        package var service: ServiceName
        package var port: UInt16

        package init(_ service: ServiceName, port: UInt16) {
            self.service = service
            self.port = port
        }

        package static func < (a: Self, b: Self) -> Bool { (a.service, a.port) < (b.service, b.port) }
        package var description: String { "\(service):\(port)" }
    }

    /// A service's namespace and name.
    package struct ServiceName: Hashable, Comparable, Sendable, CustomStringConvertible {
        package var namespace: String
        package var name: String

        package init(_ namespace: String, _ name: String) {
            self.namespace = namespace
            self.name = name
        }

        package static func < (a: Self, b: Self) -> Bool { (a.namespace, a.name) < (b.namespace, b.name) }
        package var description: String { "\(namespace)/\(name)" }
    }

    /// What the proxy understands of what it carries.
    package enum Carriage: Sendable, Hashable {
        /// Requests are parsed and balanced one by one.
        case exchanges
        /// Bytes are copied; the connection is balanced as a whole.
        case flows
    }

    /// One pod's address behind a backend, and how it stands.
    package struct Endpoint: Hashable, Sendable {
        package var address: EndpointAddress
        package var standing: Standing
        /// The node that it runs on; empty where nobody says.
        package var node: String
        /// The zone of its node; empty where nobody says.
        package var zone: String
        /// The pod's name, in the backend's namespace; empty where there is no pod.
        package var pod: String
        /// Which of its policy's groups it is in, see `BalancingRules.groups`.
        package var group: Int
        /// Who may listen there; nil: nothing is required.
        package var users: ListenerUsers?
        package init(
            _ address: EndpointAddress, _ standing: Standing, node: String = "", zone: String = "", pod: String = "",
            group: Int = 0, users: ListenerUsers? = nil
        ) {
            self.address = address
            self.standing = standing
            self.node = node
            self.zone = zone
            self.pod = pod
            self.group = group
            self.users = users
        }
    }

    /// Whether an endpoint takes new traffic.
    package enum Standing: Hashable, Sendable {
        case ready
        /// Withdrawn but still answering: a last resort, as in Kubernetes (KEP-1669).
        case terminating
        /// Gets nothing new.
        case withheld
    }

    /// What a client's place means for whom it is led to: `spec.trafficDistribution`.
    package enum Distribution: Sendable, Hashable {
        case anywhere
        case sameZone
        /// Then its zone.
        case sameNode
    }

    /// All endpoints behind one port of a service.
    package struct Backend: Hashable, Sendable {
        package var name: BackendName
        package var carriage: Carriage
        /// Nobody said what the port carries: a connection whose first bytes are HTTP's carries exchanges, any other is a flow.
        package var isDetected: Bool
        /// Sorted by address, no address twice.
        package var endpoints: [Endpoint]
        /// `sessionAffinity: ClientIP`: how long a client's choice is remembered after its last use.
        package var affinity: Duration?
        package var distribution: Distribution
        /// What a TrafficPolicy asks for.
        package var rules: TrafficRules

        package init(
            name: BackendName, carriage: Carriage, isDetected: Bool = false, endpoints: [Endpoint], affinity: Duration? = nil,
            distribution: Distribution = .anywhere, rules: TrafficRules = TrafficRules()
        ) {
            self.distribution = distribution
            self.isDetected = isDetected
            self.rules = rules
            self.name = name
            self.carriage = carriage
            self.endpoints = endpoints
            self.affinity = affinity
        }
    }

    /// One address and port that clients connect to.
    package struct Entrance: Hashable, Comparable, Sendable, CustomStringConvertible {
        /// Where traffic for a route comes in.
        package enum Place: Hashable, Sendable {
            case clusterIP(UInt32)
            /// The address given by `--expose`.
            case exposed
        }
        package var place: Place
        package var port: UInt16

        package init(_ place: Place, port: UInt16) {
            self.place = place
            self.port = port
        }

        private var order: (UInt32, UInt16) {
            switch place {
            case .exposed: (0, port)
            case .clusterIP(let host): (host, port)
            }
        }
        package static func < (a: Self, b: Self) -> Bool { a.order < b.order }

        package var description: String {
            switch place {
            case .exposed: "exposed:\(port)"
            case .clusterIP(let host): "\(EndpointAddress.text(host)):\(port)"
            }
        }
    }

    /// From a place to a backend.
    package struct Route: Hashable, Sendable {
        package var entrance: Entrance
        package var backend: BackendName
        package init(_ entrance: Entrance, _ backend: BackendName) {
            self.entrance = entrance
            self.backend = backend
        }
    }

    /// A port that a Service asks for and does not get.
    package struct Refusal: Hashable, Sendable {
        /// Why a route cannot be had.
        package enum Reason: Hashable, Sendable {
            case takenBy(BackendName)
            /// UDP and SCTP are not carried.
            case unsupportedProtocol(String)
        }
        package var backend: BackendName
        package var port: UInt16
        package var reason: Reason
        package init(_ backend: BackendName, port: UInt16, _ reason: Reason) {
            self.backend = backend
            self.port = port
            self.reason = reason
        }
    }

    /// Sorted by name.
    package var backends: [Backend] = []
    /// Sorted by entrance, no entrance twice.
    package var routes: [Route] = []
    package var refusals: [Refusal] = []
    /// Services whose `status.loadBalancer` is the proxy's to write, sorted.
    package var loadBalanced: [ServiceName] = []
    /// Sorted by address, none in another.
    package var clients: [ClientRange] = []

    package init() {}

    /// Where in `backends` a backend is; nil when it is not there. Cost: logarithmic.
    package func place(of name: BackendName) -> Int? {
        let place = backends.place { $0.name < name }
        return place < backends.count && backends[place].name == name ? place : nil
    }

    /// The backend of this name. Cost: logarithmic.
    package func backend(_ name: BackendName) -> Backend? { place(of: name).map { backends[$0] } }

    /// Takes in what changed; backends that are not in the table are passed over. Cost: logarithmic for each backend, where nobody else holds the table.
    package mutating func take(_ update: RouteUpdate) {
        switch update {
        case .table(let table): self = table
        case .endpoints(let changed):
            for backend in changed {
                if let place = place(of: backend.name) { backends[place] = backend }
            }
        }
    }

    /// What takes new traffic on a node. Cost: linear in the table.
    package func readyEndpoints(on node: String) -> Set<EndpointAddress> {
        var found: Set<EndpointAddress> = []
        for backend in backends {
            for endpoint in backend.endpoints where endpoint.standing == .ready && endpoint.node == node { found.insert(endpoint.address) }
        }
        return found
    }
}

extension RouteTable.Backend {
    /// The endpoint at this address. Cost: logarithmic.
    package func endpoint(at address: EndpointAddress) -> RouteTable.Endpoint? {
        let place = endpoints.place { $0.address < address }
        return place < endpoints.count && endpoints[place].address == address ? endpoints[place] : nil
    }
}

extension Array {
    /// The first place of a sorted array that does not come before what is sought.
    fileprivate func place(_ comesBefore: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if comesBefore(self[middle]) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
