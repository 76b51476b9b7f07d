import Resources

/// What one active check found at one endpoint: its state changes after some results in a row that say otherwise.
///
/// It begins as passing: the endpoint is in the table since its pod is ready, and who has not been asked yet is believed.
struct CheckRecord: Sendable {
    private(set) var isPassing = true
    /// Results in a row that contradict `isPassing`.
    private var contradictionCount = 0

    /// Takes a result in; returns whether `isPassing` changed.
    mutating func note(passed: Bool, _ rule: HealthCheckRule) -> Bool {
        if passed == isPassing {
            contradictionCount = 0
            return false
        }
        contradictionCount += 1
        guard contradictionCount >= (passed ? rule.healthyThreshold : rule.unhealthyThreshold) else { return false }
        isPassing = passed
        contradictionCount = 0
        return true
    }
}
