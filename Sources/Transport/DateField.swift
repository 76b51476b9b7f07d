import Timing

/// The `Date` field of answers (RFC 9110, 6.6.1: an origin server with a clock sends it), written once for each second in which one is needed.
struct DateField {
    private let clock: () -> Timestamp
    private var text = ""
    /// The loop's time from which on the text is written anew.
    private var staleFrom = Instant.zero

    init(clock: @escaping () -> Timestamp) { self.clock = clock }

    mutating func value(at now: Instant) -> String {
        if text.isEmpty || now >= staleFrom {
            let time = clock()
            text = time.httpDate
            staleFrom = now + (Timestamp(secondsSince1970: time.secondsSince1970 + 1) - time)
        }
        return text
    }
}
