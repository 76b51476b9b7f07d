import Formats
import Resources
import Transport
import Wire

/// Writes a `Request` as Kubernetes' REST has it and reads the answer: the mirror image of the API server's routes.
package enum RequestCoding {
    /// The header under which a node's agent names the lease it writes under: `NODE/TRANSITIONS`.
    package static let leaseEpochHeader = "Steady-Lease-Epoch"

    /// The HTTP request for an API request.
    package static func encode(_ request: Request) -> ClientRequest {
        switch request {
        case .get(let key, let subresource):
            return ClientRequest("GET", target(of: key, subresource))
        case .list(let list):
            return ClientRequest("GET", target(of: list, page(list.page)))
        case .create(let value, let type, let namespace, let options):
            let collection = segments(type, namespace: type.isNamespaced ? namespace : nil)
            return write("POST", collection, options, value)
        case .update(let key, let value, let subresource, let options):
            return write("PUT", segments(key, subresource), options, value)
        case .patch(let key, let patch, let subresource, let options):
            let (contentType, body): (String, Value) =
                switch patch {
                case .json(let body): ("application/json-patch+json", body)
                case .merge(let body): ("application/merge-patch+json", body)
                case .strategic(let body): ("application/strategic-merge-patch+json", body)
                }
            return write("PATCH", segments(key, subresource), options, body, contentType: contentType)
        case .delete(let key, let options):
            var request = withBody("DELETE", target(of: key, nil), deleteOptions(options))
            if let epoch = options.leaseEpoch { request.headers.add(leaseEpochHeader, text(epoch)) }
            return request
        case .deleteCollection(let list, let options):
            return withBody("DELETE", target(of: list), deleteOptions(options))
        case .evict(let key, let options):
            let body: Value = [
                "apiVersion": "policy/v1", "kind": "Eviction",
                "metadata": ["name": .string(key.name), "namespace": .string(key.namespace)], "deleteOptions": deleteOptions(options),
            ]
            return withBody("POST", target(of: key, .eviction), body)
        case .restart(let key, let epoch):
            var request = withBody("POST", target(of: key, .restart), [:])
            if let epoch { request.headers.add(leaseEpochHeader, text(epoch)) }
            return request
        }
    }

    /// A watch; `from` nil asks for what exists first, and for the bookmark behind it.
    package static func encodeWatch(_ list: ListRequest, from: Revision?) -> ClientRequest {
        var query: [(String, String)] = [("allowWatchBookmarks", "true")]
        if let from {
            query.append(("resourceVersion", from.description))
        } else {
            query += [("resourceVersionMatch", "NotOlderThan"), ("sendInitialEvents", "true")]
        }
        query.append(("watch", "true"))
        return ClientRequest("GET", target(of: list, query))
    }

    /// Path segments of a kind's collection: `api v1 namespaces default pods`.
    package static func segments(_ type: ResourceType, namespace: String?) -> [String] {
        let group = type.group.isEmpty ? ["api", type.version] : ["apis", type.group, type.version]
        guard type.isNamespaced, let namespace else { return group + [type.plural] }
        return group + ["namespaces", namespace, type.plural]
    }

    /// The path of an object, or of a part of it.
    package static func segments(_ key: ObjectKey, _ subresource: ResourceType.Subresource? = nil) -> [String] {
        segments(key.type, namespace: key.type.isNamespaced ? key.namespace : nil) + [key.name] + (subresource.map { [$0.rawValue] } ?? [])
    }

    private static func target(of key: ObjectKey, _ subresource: ResourceType.Subresource?) -> String {
        RequestTarget.text(segments: segments(key, subresource))
    }

    private static func target(of list: ListRequest, _ more: [(String, String)] = []) -> String {
        var query = more
        if !list.fieldSelector.terms.isEmpty { query.append(("fieldSelector", list.fieldSelector.query)) }
        if !list.labelSelector.requirements.isEmpty { query.append(("labelSelector", list.labelSelector.query)) }
        return RequestTarget.text(segments: segments(list.type, namespace: list.namespace), query: query)
    }

    private static func page(_ page: Page) -> [(String, String)] {
        var query: [(String, String)] = []
        if let after = page.after { query.append(("continue", after.token)) }
        if let limit = page.limit { query.append(("limit", String(limit))) }
        guard page.after == nil else { return query }
        switch page.version {
        case .newest: break
        case .notOlder(let revision):
            query += [("resourceVersion", revision.description), ("resourceVersionMatch", "NotOlderThan")]
        case .exactly(let revision): query += [("resourceVersion", revision.description), ("resourceVersionMatch", "Exact")]
        }
        return query
    }

    private static func write(
        _ method: String, _ segments: [String], _ options: WriteOptions, _ body: Value, contentType: String = "application/json"
    ) -> ClientRequest {
        var query: [(String, String)] = []
        if options.isDryRun { query.append(("dryRun", "All")) }
        if let manager = options.fieldManager { query.append(("fieldManager", manager)) }
        query.append(("fieldValidation", options.fieldValidation.rawValue))
        var request = withBody(method, RequestTarget.text(segments: segments, query: query), body, contentType: contentType)
        if let epoch = options.leaseEpoch { request.headers.add(leaseEpochHeader, text(epoch)) }
        return request
    }

    private static func text(_ epoch: LeaseEpoch) -> String { "\(epoch.node)/\(epoch.transitions)" }

    private static func withBody(_ method: String, _ target: String, _ body: Value, contentType: String = "application/json")
        -> ClientRequest
    {
        var headers = HTTPHeaders()
        headers.add(.accept, "application/json")
        headers.add(.contentType, contentType)
        return ClientRequest(method, target, headers: headers, body: JSON.serialize(body))
    }

    private static func deleteOptions(_ options: DeleteOptions) -> Value {
        var body: Value = ["kind": "DeleteOptions", "apiVersion": "v1"]
        if let propagation = options.propagation { body["propagationPolicy"] = .string(propagation.rawValue) }
        if let seconds = options.gracePeriodSeconds { body["gracePeriodSeconds"] = .int(seconds) }
        if let uid = options.preconditionUID { body["preconditions"]["uid"] = .string(uid) }
        if let revision = options.preconditionResourceVersion { body["preconditions"]["resourceVersion"] = .string(revision) }
        if options.isDryRun { body["dryRun"] = ["All"] }
        return body
    }

    // MARK: - Answers

    /// What an HTTP answer says about the request that it answers.
    package static func decode(_ response: ClientResponse, to request: Request) -> Result<Reply, StatusError> {
        guard (200..<300).contains(response.status) else { return .failure(error(status: response.status, body: response.body)) }
        let value: Value
        do throws(FormatError) { value = try JSON.parse(response.body) } catch {
            return .failure(.internalError("the server's answer is not JSON: line \(error.line), column \(error.column): \(error.message)"))
        }
        let warnings = response.headers.all("Warning").compactMap(warningText)
        let isCreated = response.status == 201
        switch request {
        case .list(let list), .deleteCollection(let list, _):
            guard value["kind"].string != "Status" else { return .success(Reply(.status(value), warnings: warnings)) }
            guard let revision = Revision(value["metadata"]["resourceVersion"].string ?? "") else {
                return .failure(.internalError("the server's list has no resourceVersion"))
            }
            let items = value["items"].elements.map { named($0, list.type) }
            var reply = Reply(.list(type: list.type, items: items, revision: revision), warnings: warnings)
            if let start = value["metadata"]["continue"].string.flatMap({ Continuation(token: $0) }) {
                reply.next = NextPage(start: start, remainingCount: value["metadata"]["remainingItemCount"].int.map { Int($0) })
            }
            return .success(reply)
        default:
            let body: Reply.Body = value["kind"].string == "Status" ? .status(value) : .object(value)
            return .success(Reply(body, warnings: warnings, isCreated: isCreated))
        }
    }

    /// The `Status` that came as the body, or one made from what did come.
    package static func error(status: Int, body: [UInt8]) -> StatusError {
        if let value = try? JSON.parse(body), let error = StatusError(value) { return error }
        let text = String(decoding: body.prefix(1024), as: UTF8.self).split(separator: "\n").first.map(String.init) ?? ""
        return StatusError(
            code: status, reason: StatusReason.text(status).split(separator: " ").joined(),
            message: text.isEmpty ? "the server answered \(status) \(StatusReason.text(status))" : text)
    }

    /// Items of lists may come without their kind.
    private static func named(_ item: Value, _ type: ResourceType) -> Value {
        if item["kind"].string != nil, item["apiVersion"].string != nil { return item }
        var item = item
        item["apiVersion"] = .string(type.apiVersion)
        item["kind"] = .string(type.kind)
        return item
    }

    /// The text within `299 - "text"`.
    private static func warningText(_ header: String) -> String? {
        guard let open = header.firstIndex(of: "\""), let close = header.lastIndex(of: "\""), open < close else { return nil }
        var text = ""
        var isEscaped = false
        for character in header[header.index(after: open)..<close] {
            if character == "\\", !isEscaped {
                isEscaped = true
            } else {
                text.append(character)
                isEscaped = false
            }
        }
        return text
    }
}

extension StatusError {
    /// What a caller sees when the server could not be asked, or its answer was lost. `reason` tells them apart: `ServerUnreachable` (the request
    /// was not sent), `AnswerLost` (it may have been carried out), `Timeout`.
    package init(_ error: TransportError, _ address: String) {
        switch error.kind {
        case .connect, .overloaded:
            self.init(code: 503, reason: "ServerUnreachable", message: "the server at \(address) cannot be reached: \(error.message)")
        case .timeout: self.init(code: 504, reason: "Timeout", message: "the server at \(address) did not answer in time: \(error.message)")
        case .closed, .badResponse, .tooLarge:
            self.init(code: 503, reason: "AnswerLost", message: "the answer of the server at \(address) was lost: \(error.message)")
        }
    }
}
