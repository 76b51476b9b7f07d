import Resources
import Timing
import Traffic

/// What is told about the health of a Service's endpoints: each turn in one sentence, about the Service.
struct HealthNotice: Equatable {
    /// The same reason about the same Service is told again only after so long: what flaps must not fill the list of events.
    static let quietPeriod = Duration.seconds(10)

    var severity: Event.Severity
    var reason: String
    var text: String

    init(_ change: HealthChange) {
        let port = change.backend.port
        let endpoint = change.endpoint.map { "\($0)" } ?? ""
        switch change.turn {
        case .ejected(let reason, let time):
            self.init(.warning, "EndpointEjected", "\(endpoint) gets nothing for \(time), then trials: \(Self.words(reason))")
        case .returned: self.init(.normal, "EndpointReturned", "\(endpoint) gets traffic again")
        case .checkFailed(let name, .shallow):
            self.init(.warning, "HealthCheckFailed", "\(endpoint) gets nothing: its check \(name) fails")
        case .checkFailed(let name, .deep):
            self.init(.warning, "HealthCheckFailed", "\(endpoint): its deep check \(name) fails; it gets nothing while enough others pass")
        case .checkPassed(let name): self.init(.normal, "HealthCheckPassed", "\(endpoint): its check \(name) passes again")
        case .panicBegan:
            self.init(.warning, "PanicMode", "too few endpoints of port \(port) are healthy: all that are ready are used")
        case .panicEnded: self.init(.normal, "PanicModeEnded", "enough endpoints of port \(port) are healthy: only those are used")
        case .circuitOpened(let time):
            self.init(.warning, "CircuitOpened", "requests to port \(port) fail: all are refused for \(time)")
        case .circuitOnTrial: self.init(.normal, "CircuitHalfOpen", "few requests to port \(port) go through, to find out")
        case .circuitClosed: self.init(.normal, "CircuitClosed", "requests to port \(port) succeed again: all go through")
        case .returnedUnwatched:
            self.init(.normal, "EndpointReturned", "\(endpoint) gets traffic again: no TrafficPolicy takes it out any more")
        case .checkDropped(let name):
            self.init(.normal, "HealthCheckEnded", "\(endpoint): no TrafficPolicy asks for its check \(name) in that way any more")
        case .panicDropped:
            self.init(.normal, "PanicModeEnded", "no TrafficPolicy tells healthy endpoints of port \(port) from others any more")
        case .circuitDropped:
            self.init(.normal, "CircuitClosed", "the rules that opened the circuit of port \(port) are others now, or gone: all go through")
        }
    }

    private init(_ severity: Event.Severity, _ reason: String, _ text: String) {
        self.severity = severity
        self.reason = reason
        self.text = text
    }

    private static func words(_ reason: EjectionReason) -> String {
        switch reason {
        case .consecutive5Xx: "it failed too many requests in a row"
        case .consecutiveGateway: "it answered too many requests in a row with 502, 503 or 504"
        case .consecutiveLocal: "too many connections to it failed in a row"
        case .failurePercentage: "it fails too large a share of its requests, and others do not"
        case .trialFailed: "its trial failed"
        }
    }
}
