import Formats

/// A TCP or UDP port that can be connected to: 1 to 65535.
package struct Port: Hashable, Comparable, Sendable, CustomStringConvertible, ExpressibleByIntegerLiteral {
    package var number: UInt16

    /// Nil outside of 1...65535.
    package init?(_ number: Int64) {
        guard (1...65535).contains(number) else { return nil }
        self.number = UInt16(number)
    }

    /// Traps outside of 1...65535.
    package init(integerLiteral number: UInt16) {
        precondition(number > 0)
        self.number = number
    }

    package static func < (a: Port, b: Port) -> Bool { a.number < b.number }
    package var description: String { String(number) }
    package var value: Value { .int(Int64(number)) }
}

/// A port by number or by the name that a container gives it (Kubernetes' IntOrString of targetPort and probes).
package enum PortReference: Hashable, Sendable, CustomStringConvertible {
    case number(Port)
    case name(String)

    /// Nil for an absent field, a number that is no port, an empty name.
    package init?(_ value: Value) {
        switch value {
        case .int(let number):
            guard let port = Port(number) else { return nil }
            self = .number(port)
        case .string(let name) where !name.isEmpty: self = .name(name)
        default: return nil
        }
    }

    /// The number, looked up among the ports of one container.
    package func resolved(in container: Container) -> Port? {
        switch self {
        case .number(let port): port
        case .name(let name): container.ports.first { $0.name == name }?.containerPort
        }
    }

    /// The number, looked up among the ports of a pod's containers (sidecars too) that speak this protocol.
    package func resolved(in pod: PodSpec, transport: TransportProtocol = .tcp) -> Port? {
        switch self {
        case .number(let port): return port
        case .name(let name):
            for container in pod.containers + pod.initContainers.filter(\.isSidecar) {
                if let found = container.ports.first(where: { $0.name == name && $0.transport == transport }) { return found.containerPort }
            }
            return nil
        }
    }

    package var description: String {
        switch self {
        case .number(let port): "\(port)"
        case .name(let name): name
        }
    }
}

/// Kubernetes' `protocol`.
package enum TransportProtocol: String, Hashable, Sendable {
    case tcp = "TCP"
    case udp = "UDP"
    case sctp = "SCTP"
}
