import Timing
import Traffic
import Wire

/// What is left of a rate limit, as clients read it: the three fields that are in use (draft-ietf-httpapi-ratelimit-headers up to -07), and the two
/// that took their place in later drafts.
extension RateQuota {
    var resetSeconds: Int { max(1, Int(reset.inSeconds.rounded(.up))) }

    var fields: [(name: String, value: String)] {
        [
            ("RateLimit-Limit", String(limit)), ("RateLimit-Remaining", String(remaining)), ("RateLimit-Reset", String(resetSeconds)),
            ("RateLimit-Policy", "\"default\";q=\(limit);w=\(Int(period.inSeconds))"),
            ("RateLimit", "\"default\";r=\(remaining);t=\(resetSeconds)"),
        ]
    }

    /// Adds them, unless the endpoint tells of limits of its own.
    func add(to headers: inout HTTPHeaders) {
        if headers.contains("RateLimit-Limit") || headers.contains("RateLimit") { return }
        for field in fields { headers.add(field.name, field.value) }
    }
}
