import Resources

/// The parameters of lists and watches that say which state is wanted, and how much of it; checked as Kubernetes does.
enum ListParameters {
    private static let matches = ["Exact", "NotOlderThan"]

    /// `resourceVersion` as a revision; nil for "" and "0", which mean any state that is at hand.
    static func revision(_ query: Query) throws(StatusError) -> Revision? {
        let text = query["resourceVersion"] ?? ""
        if text.isEmpty || text == "0" { return nil }
        guard let revision = Revision(text) else {
            throw .badRequest("resourceVersion: Invalid value: \"\(text)\": must be the resourceVersion of an earlier answer")
        }
        return revision
    }

    /// Whether a watch begins with what exists (`sendInitialEvents`).
    static func wantsInitialEvents(_ query: Query) throws(StatusError) -> Bool {
        let match = query["resourceVersionMatch"] ?? ""
        guard query["sendInitialEvents"] != nil else {
            if match.isEmpty { return false }
            throw forbidden("resourceVersionMatch", "is not allowed for a watch without sendInitialEvents")
        }
        guard match == "NotOlderThan" else {
            throw forbidden("resourceVersionMatch", "sendInitialEvents is set, so it must be NotOlderThan")
        }
        return try query.flag("sendInitialEvents")
    }

    /// `limit`, `continue`, `resourceVersion` and `resourceVersionMatch` of a list.
    static func page(_ query: Query) throws(StatusError) -> Page {
        let limit = try query.count("limit").map { Int(min($0, Int64(Int32.max))) }
        let match = query["resourceVersionMatch"] ?? ""
        let token = query["continue"] ?? ""
        if query["sendInitialEvents"] != nil { throw forbidden("sendInitialEvents", "is not allowed for a list") }
        if !match.isEmpty {
            guard token.isEmpty else { throw forbidden("resourceVersionMatch", "is not allowed when continue is set") }
            guard query["resourceVersion"] ?? "" != "" else {
                throw forbidden("resourceVersionMatch", "is not allowed without resourceVersion")
            }
            guard matches.contains(match) else {
                throw invalid(
                    "FieldValueNotSupported", "resourceVersionMatch",
                    "Unsupported value: \"\(match)\": supported values: \(matches.map { "\"\($0)\"" }.joined(separator: ", "))")
            }
            if match == "Exact", query["resourceVersion"] == "0" {
                throw forbidden("resourceVersionMatch", "\"Exact\" is not allowed for resourceVersion \"0\"")
            }
        }
        let revision = try revision(query)
        guard token.isEmpty else {
            guard revision == nil else { throw .badRequest("specifying resource version is not allowed when using continue") }
            guard let after = Continuation(token: token) else {
                throw .badRequest("continue key is not valid: it must be metadata.continue of an earlier answer")
            }
            return Page(limit: limit, after: after)
        }
        guard let revision else { return Page(limit: limit) }
        // Without a match a revision is the least one, but for a list in pages: there it is the very one (as Kubernetes has had it from early on).
        let isExact = match == "Exact" || match.isEmpty && (limit ?? 0) > 0
        return Page(limit: limit, version: isExact ? .exactly(revision) : .notOlder(than: revision))
    }

    private static func forbidden(_ field: String, _ why: String) -> StatusError {
        invalid("FieldValueForbidden", field, "Forbidden: \(field) \(why)")
    }

    private static func invalid(_ reason: String, _ field: String, _ message: String) -> StatusError {
        StatusError(
            code: 422, reason: "Invalid", message: "ListOptions.meta.k8s.io \"\" is invalid: \(field): \(message)",
            details: StatusError.Details(
                name: "", group: "meta.k8s.io", kind: "ListOptions",
                causes: [StatusError.Cause(reason: reason, message: message, field: field)]))
    }
}
