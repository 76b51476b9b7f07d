import Formats

/// What is told of the traffic beside its numbers.
package struct TelemetryRules: Hashable, Sendable {
    /// A line for each request.
    package struct AccessLog: Hashable, Sendable {
        /// Of the requests, from 0 to 100; chosen by chance.
        package var percentage: Double
        package init(percentage: Double = 100) { self.percentage = percentage }
    }

    /// Nil: none.
    package var accessLog: AccessLog?

    package init(accessLog: AccessLog? = nil) { self.accessLog = accessLog }

    init(_ value: Value) {
        if value["accessLog"].object != nil { accessLog = AccessLog(percentage: value["accessLog"]["percentage"].number ?? 100) }
    }
}
