import Formats

/// A refusal in Kubernetes' words: becomes the `Status` object on the wire and the line that kubectl prints.
package struct StatusError: Error, Hashable, Sendable, CustomStringConvertible {
    /// HTTP code.
    package var code: Int
    /// `NotFound`, `AlreadyExists`, `Conflict`, `Invalid`, `BadRequest`, `Forbidden`, `Expired` …
    package var reason: String
    package var message: String
    package var details: Details?
    /// Of a list whose `continue` is too old: how to go on all the same, at the price of consistency.
    package var continuation: Continuation?
    /// Seconds after which the same request may be granted: `details.retryAfterSeconds`, and `Retry-After`, by which kubectl tries again by itself.
    package var retryAfter: Int?

    /// What the error is about, for programs.
    package struct Details: Hashable, Sendable {
        package var name: String
        package var group: String
        /// The plural for 404 and 409, the Kind for 422.
        package var kind: String
        package var causes: [Cause]
        package init(name: String, group: String, kind: String, causes: [Cause] = []) {
            self.name = name
            self.group = group
            self.kind = kind
            self.causes = causes
        }
    }

    /// One thing that is wrong: `FieldValueInvalid`, the text, `spec.replicas`.
    package struct Cause: Hashable, Sendable {
        package var reason: String
        package var message: String
        package var field: String
        package init(reason: String, message: String, field: String) {
            self.reason = reason
            self.message = message
            self.field = field
        }
    }

    package init(code: Int, reason: String, message: String, details: Details? = nil) {
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details
    }

    package var description: String { message }

    /// 404: there is no such object.
    package static func notFound(_ key: ObjectKey) -> StatusError {
        StatusError(
            code: 404, reason: "NotFound", message: "\(key.type.qualifiedName) \"\(key.name)\" not found",
            details: Details(name: key.name, group: key.type.group, kind: key.type.plural))
    }

    /// 409: the name is taken.
    package static func alreadyExists(_ key: ObjectKey) -> StatusError {
        StatusError(
            code: 409, reason: "AlreadyExists", message: "\(key.type.qualifiedName) \"\(key.name)\" already exists",
            details: Details(name: key.name, group: key.type.group, kind: key.type.plural))
    }

    /// 409: the object has changed, or does not admit this.
    package static func conflict(_ key: ObjectKey, _ why: String) -> StatusError {
        StatusError(
            code: 409, reason: "Conflict", message: "Operation cannot be fulfilled on \(key.type.qualifiedName) \"\(key.name)\": \(why)",
            details: Details(name: key.name, group: key.type.group, kind: key.type.plural))
    }

    /// 409: the writer's node was fenced since it took its lease.
    package static func staleEpoch(_ key: ObjectKey, _ epoch: LeaseEpoch, current: Int64) -> StatusError {
        let why =
            "the lease of node \"\(epoch.node)\" is at epoch \(current) and this write was made under \(epoch.transitions): the node was fenced"
        var error = conflict(key, why)
        error.details?.causes = [Cause(reason: staleEpochReason, message: why, field: "")]
        return error
    }

    private static let staleEpochReason = "StaleLeaseEpoch"
    /// Whether a newer lease of the writer's node is the only thing that is wrong.
    package var isStaleEpoch: Bool { code == 409 && details?.causes.first?.reason == Self.staleEpochReason }

    /// 400: the request itself cannot be understood.
    package static func badRequest(_ message: String) -> StatusError { StatusError(code: 400, reason: "BadRequest", message: message) }
    /// 403: not for this client.
    package static func forbidden(_ message: String) -> StatusError { StatusError(code: 403, reason: "Forbidden", message: message) }
    /// The revision asked for is older than what the watch window holds.
    package static func expired(_ message: String) -> StatusError { StatusError(code: 410, reason: "Expired", message: message) }
    /// 504: a revision that was never reached here; in Kubernetes' words, by which its clients know to list anew.
    package static func tooLargeVersion(_ wanted: Revision, current: Revision) -> StatusError {
        let text = "Too large resource version"
        return StatusError(
            code: 504, reason: "Timeout", message: "\(text): \(wanted), current: \(current)",
            details: Details(
                name: "", group: "", kind: "", causes: [Cause(reason: "ResourceVersionTooLarge", message: text, field: "")]))
    }
    /// Whether a watch can only go on from a new list: its revision is too old, or was never reached (by a store that was put back).
    package var asksForNewList: Bool { code == 410 || details?.causes.contains { $0.reason == "ResourceVersionTooLarge" } ?? false }
    /// 500: something failed that should not.
    package static func internalError(_ message: String) -> StatusError {
        StatusError(code: 500, reason: "InternalError", message: message)
    }
    /// 429: more is under way than the server has room for; the same request may be granted in a second. Nothing was changed.
    package static func overloaded(_ message: String) -> StatusError {
        var error = StatusError(code: 429, reason: "TooManyRequests", message: message)
        error.retryAfter = 1
        return error
    }
    /// 503: not now; it may be tried again.
    package static func unavailable(_ message: String) -> StatusError {
        StatusError(code: 503, reason: "ServiceUnavailable", message: message)
    }

    /// `The Deployment "web" is invalid: …`, one cause per field.
    package static func invalid(_ type: ResourceType, name: String, _ causes: [Cause]) -> StatusError {
        let texts = causes.map { "\($0.field): \($0.message)" }
        let all = texts.count == 1 ? texts[0] : "[" + texts.joined(separator: ", ") + "]"
        return StatusError(
            code: 422, reason: "Invalid",
            message: "\(type.kind)\(type.group.isEmpty ? "" : ".\(type.group)") \"\(name)\" is invalid: \(all)",
            details: Details(name: name, group: type.group, kind: type.kind, causes: causes))
    }

    /// The wire form.
    package var value: Value {
        var status: Value = [
            "kind": "Status", "apiVersion": "v1", "metadata": [:], "status": "Failure", "message": .string(message),
            "reason": .string(reason),
            "code": .int(Int64(code)),
        ]
        if let continuation { status["metadata"]["continue"] = .string(continuation.token) }
        if let details {
            var out: Value = details.name.isEmpty ? [:] : ["name": .string(details.name)]
            if !details.group.isEmpty { out["group"] = .string(details.group) }
            if !details.kind.isEmpty { out["kind"] = .string(details.kind) }
            if !details.causes.isEmpty {
                out["causes"] = .array(details.causes.map(Self.cause))
            }
            status["details"] = out
        }
        if let retryAfter { status["details"]["retryAfterSeconds"] = .int(Int64(retryAfter)) }
        return status
    }

    private static func cause(_ cause: Cause) -> Value {
        var out: Value = ["reason": .string(cause.reason), "message": .string(cause.message)]
        if !cause.field.isEmpty { out["field"] = .string(cause.field) }
        return out
    }

    /// Reads a `Status` object that a server sent; nil when the value is none, or says success.
    package init?(_ value: Value) {
        guard value["kind"].string == "Status", value["status"].string == "Failure" else { return nil }
        let details = value["details"]
        self.init(
            code: Int(value["code"].int ?? 500), reason: value["reason"].string ?? "Unknown", message: value["message"].string ?? "",
            details: details.isNull
                ? nil
                : Details(
                    name: details["name"].string ?? "", group: details["group"].string ?? "", kind: details["kind"].string ?? "",
                    causes: details["causes"].elements.map {
                        Cause(reason: $0["reason"].string ?? "", message: $0["message"].string ?? "", field: $0["field"].string ?? "")
                    }))
        retryAfter = details["retryAfterSeconds"].int.map { Int(clamping: $0) }
        continuation = value["metadata"]["continue"].string.flatMap { Continuation(token: $0) }
    }
}
