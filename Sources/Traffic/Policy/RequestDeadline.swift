import Resources
import Timing
import Wire

/// When a request's answer is of no use any more, and how that is told to the endpoint.
package struct RequestDeadline: Equatable, Sendable {
    /// How a caller says how long it waits, from now.
    package enum Field: String, CaseIterable, Sendable {
        /// Envoy's; also what is passed on where the caller said nothing.
        case expectedTimeout = "X-Envoy-Expected-Rq-Timeout-Ms"
        /// gRPC's (gRPC over HTTP2, Requests): up to eight digits and a unit.
        case grpcTimeout = "Grpc-Timeout"
    }

    package var at: Instant
    package var field: Field

    package init(at: Instant, field: Field) {
        self.at = at
        self.field = field
    }

    /// The earlier of what the caller says and what the policy allows; nil where neither says anything.
    ///
    /// - Parameters:
    ///   - arrived: when the request's head was read.
    ///   - own: the policy's limit, from `now`, when it is let in.
    package static func of(_ head: RequestHead, arrived: Instant, own: Duration?, now: Instant) -> RequestDeadline? {
        var deadline = own.map { RequestDeadline(at: now + $0, field: .expectedTimeout) }
        for field in Field.allCases {
            guard let text = head.headers.first(field.rawValue), let limit = field.parse(text) else { continue }
            let at = arrived + limit
            deadline = RequestDeadline(at: min(at, deadline?.at ?? at), field: field)
        }
        return deadline
    }

    /// What the endpoint is told: what is left, in whole milliseconds and at least one.
    package func value(now: Instant) -> String {
        let left = max(1, (at - now).nanoseconds / 1_000_000)
        switch field {
        case .expectedTimeout: return String(left)
        // Eight digits of milliseconds are 27 hours.
        case .grpcTimeout: return left < 100_000_000 ? "\(left)m" : "\(min(left / 1000, 99_999_999))S"
        }
    }
}

extension RequestDeadline.Field {
    /// Nil for anything that is no time; zero of Envoy's means: without end.
    func parse(_ text: String) -> Duration? {
        switch self {
        case .expectedTimeout:
            guard text.utf8.count <= 10, let count = Int64(text), count > 0 else { return nil }
            return .milliseconds(count)
        case .grpcTimeout:
            guard let unit = text.last.flatMap({ Self.grpcUnits[$0] }), text.utf8.count <= 9,
                text.dropLast().utf8.allSatisfy({ (0x30...0x39).contains($0) }), let count = Int64(text.dropLast())
            else { return nil }
            return unit * count
        }
    }

    private static let grpcUnits: [Character: Duration] = [
        "H": .seconds(3600), "M": .seconds(60), "S": .seconds(1), "m": .milliseconds(1), "u": .microseconds(1), "n": .nanoseconds(1),
    ]
}
