import Resources
import Timing
import Traffic

/// What is told about the health of a Service's endpoints: each turn in one sentence, about the Service.
struct HealthNotice: Equatable {
    /// What it is about: what is told of one takes back what was told of it before.
    enum Matter: CaseIterable { case ejection, check, panic, circuit, failover, fallback }

    var severity: Event.Severity
    var reason: String
    var text: String
    var matter: Matter
    /// The endpoint, its check, or the port; empty: the Service.
    var subject: String

    init(_ change: HealthChange) {
        let port = change.backend.port
        let endpoint = change.endpoint.map { "\($0)" } ?? ""
        matter =
            switch change.turn {
            case .ejected, .returned, .returnedUnwatched: .ejection
            case .checkFailed, .checkPassed, .checkDropped: .check
            case .panicBegan, .panicEnded, .panicDropped: .panic
            case .circuitOpened, .circuitOnTrial, .circuitClosed, .circuitDropped: .circuit
            }
        subject =
            switch change.turn {
            case .checkFailed(let name, _), .checkPassed(let name), .checkDropped(let name): "\(port) \(endpoint) \(name)"
            default: "\(port) \(endpoint)"
            }
        (severity, reason, text) = Self.words(change.turn, endpoint, port)
    }

    /// - Parameters:
    ///   - matter: `.failover` to another priority, or to a `.fallback`.
    ///   - isOver: whether the Service's own best endpoints answer again.
    init(_ matter: Matter, of port: UInt16, isOver: Bool, _ text: String) {
        self.matter = matter
        subject = "\(port)"
        severity = isOver ? .normal : .warning
        reason = isOver ? "FailedBack" : "FailedOver"
        self.text = text
    }

    private static func words(_ turn: HealthTurn, _ endpoint: String, _ port: UInt16) -> (Event.Severity, String, String) {
        switch turn {
        case .ejected(let reason, let time):
            (.warning, "EndpointEjected", "\(endpoint) gets nothing for \(time), then trials: \(words(reason))")
        case .returned: (.normal, "EndpointReturned", "\(endpoint) gets traffic again")
        case .checkFailed(let name, .shallow):
            (.warning, "HealthCheckFailed", "\(endpoint) gets nothing: its check \(name) fails")
        case .checkFailed(let name, .deep):
            (.warning, "HealthCheckFailed", "\(endpoint): its deep check \(name) fails; it gets nothing while enough others pass")
        case .checkPassed(let name): (.normal, "HealthCheckPassed", "\(endpoint): its check \(name) passes again")
        case .panicBegan:
            (.warning, "PanicMode", "too few endpoints of port \(port) are healthy: all that are ready are used")
        case .panicEnded: (.normal, "PanicModeEnded", "enough endpoints of port \(port) are healthy: only those are used")
        case .circuitOpened(let time):
            (.warning, "CircuitOpened", "requests to port \(port) fail: all are refused for \(time)")
        case .circuitOnTrial: (.normal, "CircuitHalfOpen", "few requests to port \(port) go through, to find out")
        case .circuitClosed: (.normal, "CircuitClosed", "requests to port \(port) succeed again: all go through")
        case .returnedUnwatched:
            (.normal, "EndpointReturned", "\(endpoint) gets traffic again: no TrafficPolicy takes it out any more")
        case .checkDropped(let name):
            (.normal, "HealthCheckEnded", "\(endpoint): no TrafficPolicy asks for its check \(name) in that way any more")
        case .panicDropped:
            (.normal, "PanicModeEnded", "no TrafficPolicy tells healthy endpoints of port \(port) from others any more")
        case .circuitDropped:
            (.normal, "CircuitClosed", "the rules that opened the circuit of port \(port) are others now, or gone: all go through")
        }
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
