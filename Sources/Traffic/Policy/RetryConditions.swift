import Resources
import Timing

/// Which attempts are repeated, and how soon.
extension RetryRules {
    /// Without a policy: twice the time in which the programs of a node that goes die one after the other, so that no repeat comes before half of it.
    static let usualBackOff = BackOff(base: ExchangeAttempts.settlingPause * 2, longest: ExchangeAttempts.settlingPause * 20)

    /// Whether a response of this status is dropped for another attempt.
    package func asksForRepeat(status: Int) -> Bool {
        // Nearly every response; and without a policy no status is a reason.
        guard status >= 400, !triggers.isSubset(of: [.connectFailure, .reset]) else { return false }
        if triggers.contains(.serverError), status >= 500 { return true }
        if triggers.contains(.gatewayError), (502...504).contains(status) { return true }
        if triggers.contains(.retriable4xx), status == 409 { return true }
        return triggers.contains(.statusCodes) && statusCodes.contains(status)
    }

    /// Whether a request is repeated whose connection broke.
    var repeatsBroken: Bool { !triggers.isDisjoint(with: [.reset, .serverError]) }

    /// Whether an endpoint may get what another had before.
    package func mayRunTwice(isIdempotent: Bool, hasKey: Bool) -> Bool {
        if isIdempotent { return true }
        return switch notIdempotent {
        case .never: false
        case .withKey: hasKey
        case .always: true
        }
    }
}

extension RetryRules.BackOff {
    /// How long the so manieth repeat waits: from half of the interval to all of it, so that those who were lost together do not come back together.
    ///
    /// - Parameter jitter: from 0 to 1, drawn by the caller.
    package func pause(before count: Int, jitter: Double) -> Duration {
        let doubled = base * (1 << min(max(count - 1, 0), 20))
        let most = min(doubled, longest)
        return most / 2 + .nanoseconds(Int64(Double((most / 2).nanoseconds) * jitter))
    }
}
