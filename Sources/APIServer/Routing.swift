import Formats
import Resources
import Timing

/// Turns a call into a route. Pure: the same call always means the same.
package enum Routing {
    /// What a call asks for; throws the answer to what nobody serves.
    package static func route(_ call: Call) throws(StatusError) -> Route {
        guard let place = Place(path: call.path) else { throw notServed }
        switch place {
        case .document(let document):
            guard call.method == "GET" || call.method == "HEAD" else { throw methodNotAllowed }
            return .document(document)
        case .machine(let pod):
            guard call.method == "GET" else { throw methodNotAllowed }
            return .machine(pod)
        case .collection(let type, let namespace) where type.isDerived:
            return .perform(try endpoints(call, type, namespace, name: nil))
        case .object(let type, let namespace, let name, _) where type.isDerived:
            return .perform(try endpoints(call, type, namespace, name: name))
        case .review(let review):
            guard call.method == "POST" else { throw methodNotAllowed }
            return .review(review, try BodyReading.object(call, as: review.type, validation: .ignore).value)
        case .collection(let type, let namespace): return try collection(call, type, namespace)
        case .object(let type, let namespace, let name, let subresource):
            return try object(call, type, ObjectKey(type.stored, namespace: namespace, name: name), subresource)
        }
    }

    /// A reading of Endpoints: of the slices, in truth.
    private static func endpoints(_ call: Call, _ type: ServedType, _ namespace: String?, name: String?) throws(StatusError) -> StoreCall {
        guard call.method == "GET" || call.method == "HEAD", try !call.query.flag("watch") else { throw methodNotAllowed }
        let list = try list(call, type, namespace)
        let wish = ServiceEndpoints.Wish(
            key: name.map { ObjectKey(type.wire, namespace: namespace ?? "", name: $0) }, labels: list.labelSelector,
            fields: list.fieldSelector)
        var out = try storeCall(call, type, .list(ServiceEndpoints.slices(for: wish, namespace: namespace)))
        out.endpoints = wish
        return out
    }

    // MARK: Collections

    private static func collection(_ call: Call, _ type: ServedType, _ namespace: String?) throws(StatusError) -> Route {
        switch call.method {
        case "GET", "HEAD":
            var list = try list(call, type, namespace)
            if try call.query.flag("watch") { return .watch(try watch(call, type, list)) }
            list.page = try ListParameters.page(call.query)
            return .perform(try storeCall(call, type, .list(list)))
        case "POST":
            if type.wire.isNamespaced, namespace == nil { throw methodNotAllowed }
            let options = try writeOptions(call)
            var read = try BodyReading.object(call, as: type.wire, validation: options.fieldValidation)
            try checkNamespace(read.value, against: namespace)
            read.value = type.fromWire(read.value)
            var out = try storeCall(call, type, .create(read.value, type: type.stored, namespace: namespace ?? "", options))
            out.warnings = read.warnings
            return .perform(out)
        case "DELETE":
            // As in Kubernetes nobody empties all namespaces with one call.
            if type.wire.isNamespaced, namespace == nil { throw methodNotAllowed }
            return .perform(try storeCall(call, type, .deleteCollection(try list(call, type, namespace), try deleteOptions(call))))
        default: throw methodNotAllowed
        }
    }

    private static func list(_ call: Call, _ type: ServedType, _ namespace: String?, name: String? = nil) throws(StatusError) -> ListRequest
    {
        let labels: LabelSelector
        var fields: FieldSelector
        do {
            labels = try LabelSelector(query: call.query["labelSelector"] ?? "")
            fields = try FieldSelector(query: type.storedFieldSelector(call.query["fieldSelector"] ?? ""), for: type.stored)
        } catch { throw .badRequest(error.message) }
        if let name { fields.terms.append(FieldSelector.Term(["metadata", "name"], name)) }
        return ListRequest(type.stored, namespace: namespace, labelSelector: labels, fieldSelector: fields)
    }

    private static func watch(_ call: Call, _ type: ServedType, _ list: ListRequest) throws(StatusError) -> WatchCall {
        let wantsInitial = try ListParameters.wantsInitialEvents(call.query)
        let bookmarks = try call.query.flag("allowWatchBookmarks")
        // "" and "0" mean any state that is at hand: what exists comes first, then what changes. So does a WatchList: the state at the moment is never
        // older than the asked revision.
        let version = try ListParameters.revision(call.query)
        let since = wantsInitial ? nil : version
        let seconds = try call.query.count("timeoutSeconds")
        return WatchCall(
            list: list, type: type, representation: try Representation.negotiate(call.headers.accept), rowObject: try rowObject(call),
            since: since,
            allowsBookmarks: bookmarks, marksInitialEnd: wantsInitial && bookmarks,
            timeout: seconds.flatMap { $0 > 0 ? .seconds(min($0, maximumWatchSeconds)) : nil })
    }

    /// A day: longer deadlines are as good as none, and cannot overflow the clock.
    private static let maximumWatchSeconds: Int64 = 86_400

    // MARK: Objects

    private static func object(
        _ call: Call, _ type: ServedType, _ key: ObjectKey, _ subresource: ResourceType.Subresource?
    ) throws(StatusError) -> Route {
        switch subresource {
        case .log:
            guard call.method == "GET" || call.method == "HEAD" else { throw methodNotAllowed }
            return .log(try log(call, key))
        case .eviction:
            guard call.method == "POST" else { throw methodNotAllowed }
            let body = call.body.isEmpty ? Value.object([:]) : try BodyReading.tree(call)
            var options = try deleteOptions(body["deleteOptions"], Query())
            if try isDryRun(call) { options.isDryRun = true }
            return .perform(try storeCall(call, type, .evict(key, options)))
        case .restart:
            guard call.method == "POST" else { throw methodNotAllowed }
            return .perform(try storeCall(call, type, .restart(key, try leaseEpoch(call.headers.leaseEpoch))))
        case .binding: throw notServed
        case nil, .status, .scale: break
        }
        switch call.method {
        case "GET", "HEAD":
            if subresource == nil, try call.query.flag("watch") {
                return .watch(try watch(call, type, try list(call, type, key.namespace, name: key.name)))
            }
            var read = try storeCall(call, type, .get(key, subresource))
            read.leastRevision = try ListParameters.revision(call.query)
            return .perform(read)
        case "PUT":
            let options = try writeOptions(call)
            var read =
                subresource == .scale
                ? (value: try BodyReading.tree(call), warnings: [])
                : try BodyReading.object(call, as: type.wire, validation: options.fieldValidation)
            let name = read.value["metadata"]["name"].string ?? ""
            guard name == key.name || name.isEmpty else {
                throw .badRequest("the name of the object (\(name)) does not match the name on the URL (\(key.name))")
            }
            try checkNamespace(read.value, against: key.namespace)
            read.value = type.fromWire(read.value)
            var out = try storeCall(call, type, .update(key, read.value, subresource, options))
            out.warnings = read.warnings
            return .perform(out)
        case "PATCH":
            let options = try writeOptions(call)
            let patch = type.fromWire(try BodyReading.patch(call))
            return .perform(try storeCall(call, type, .patch(key, patch, subresource, options)))
        case "DELETE":
            guard subresource == nil else { throw methodNotAllowed }
            return .perform(try storeCall(call, type, .delete(key, try deleteOptions(call))))
        default: throw methodNotAllowed
        }
    }

    private static func log(_ call: Call, _ key: ObjectKey) throws(StatusError) -> LogCall {
        var parameters: [(name: String, value: String)] = []
        for name in ["follow", "previous", "timestamps"] where try call.query.flag(name) { parameters.append((name, "true")) }
        for name in ["tailLines", "sinceSeconds", "limitBytes"] {
            if let count = try call.query.count(name) { parameters.append((name, String(count))) }
        }
        if let text = call.query["sinceTime"], !text.isEmpty {
            guard Timestamp(rfc3339: text) != nil else {
                throw .badRequest("sinceTime: Invalid value: \"\(text)\": must be a time such as 2026-01-31T12:00:00Z")
            }
            parameters.append(("sinceTime", text))
        }
        let container = call.query["container"] ?? ""
        return LogCall(pod: key, container: container.isEmpty ? nil : container, parameters: parameters)
    }

    // MARK: Parameters

    private static func storeCall(_ call: Call, _ type: ServedType, _ request: Request) throws(StatusError) -> StoreCall {
        StoreCall(
            request: request, type: type, representation: try Representation.negotiate(call.headers.accept), rowObject: try rowObject(call))
    }

    private static func rowObject(_ call: Call) throws(StatusError) -> RowObject {
        guard let text = call.query["includeObject"], !text.isEmpty else { return .metadata }
        guard let choice = RowObject(rawValue: text) else {
            throw .badRequest("includeObject: Unsupported value: \"\(text)\": supported values: \"Metadata\", \"None\", \"Object\"")
        }
        return choice
    }

    private static func isDryRun(_ call: Call) throws(StatusError) -> Bool {
        let values = call.query.all("dryRun").filter { !$0.isEmpty }
        if let wrong = values.first(where: { $0 != "All" }) {
            throw .badRequest("dryRun: Unsupported value: \"\(wrong)\": supported values: \"All\"")
        }
        return !values.isEmpty
    }

    private static func writeOptions(_ call: Call) throws(StatusError) -> WriteOptions {
        // Kubernetes warns where nothing is said.
        var validation = FieldValidation.warn
        if let text = call.query["fieldValidation"], !text.isEmpty {
            guard let choice = FieldValidation(rawValue: text) else {
                throw .badRequest("fieldValidation: Unsupported value: \"\(text)\": supported values: \"Ignore\", \"Strict\", \"Warn\"")
            }
            validation = choice
        }
        return WriteOptions(
            isDryRun: try isDryRun(call), fieldValidation: validation, fieldManager: call.query["fieldManager"],
            leaseEpoch: try leaseEpoch(call.headers.leaseEpoch))
    }

    private static func leaseEpoch(_ text: String?) throws(StatusError) -> LeaseEpoch? {
        guard let text else { return nil }
        guard let slash = text.lastIndex(of: "/"), let transitions = Int64(text[text.index(after: slash)...]) else {
            throw .badRequest("header Steady-Lease-Epoch: Invalid value: \"\(text)\": must be NODE/NUMBER")
        }
        return LeaseEpoch(node: String(text[..<slash]), transitions: transitions)
    }

    /// Options come in the body (kubectl) or as parameters (Python); the body wins.
    private static func deleteOptions(_ call: Call) throws(StatusError) -> DeleteOptions {
        let body = call.body.isEmpty ? Value.null : try BodyReading.tree(call)
        var options = try deleteOptions(body, call.query)
        options.leaseEpoch = try leaseEpoch(call.headers.leaseEpoch)
        return options
    }

    private static func deleteOptions(_ body: Value, _ query: Query) throws(StatusError) -> DeleteOptions {
        var options = DeleteOptions()
        let graceParameter = try query.count("gracePeriodSeconds")
        options.gracePeriodSeconds = body["gracePeriodSeconds"].int ?? graceParameter
        if let grace = options.gracePeriodSeconds, grace < 0 {
            // Kubernetes takes a negative grace for the shortest one.
            options.gracePeriodSeconds = 1
        }
        if let text = body["propagationPolicy"].string ?? query["propagationPolicy"], !text.isEmpty {
            guard let policy = DeleteOptions.Propagation(rawValue: text) else {
                throw .badRequest(
                    "propagationPolicy: Unsupported value: \"\(text)\": supported values: \"Background\", \"Foreground\", \"Orphan\"")
            }
            options.propagation = policy
        } else if let orphan = body["orphanDependents"].bool {
            options.propagation = orphan ? .orphan : .background
        }
        options.preconditionUID = body["preconditions"]["uid"].string ?? query["preconditions.uid"]
        options.preconditionResourceVersion = body["preconditions"]["resourceVersion"].string ?? query["preconditions.resourceVersion"]
        let dryRun = body["dryRun"].elements.compactMap(\.string) + query.all("dryRun").filter { !$0.isEmpty }
        if let wrong = dryRun.first(where: { $0 != "All" }) {
            throw .badRequest("dryRun: Unsupported value: \"\(wrong)\": supported values: \"All\"")
        }
        options.isDryRun = !dryRun.isEmpty
        return options
    }

    private static func checkNamespace(_ object: Value, against namespace: String?) throws(StatusError) {
        guard let said = object["metadata"]["namespace"].string, !said.isEmpty, let namespace, !namespace.isEmpty, said != namespace else {
            return
        }
        throw .badRequest("the namespace of the provided object does not match the namespace sent on the request")
    }

    // MARK: Refusals

    package static let notServed = StatusError(
        code: 404, reason: "NotFound", message: "the server could not find the requested resource",
        details: StatusError.Details(name: "", group: "", kind: ""))

    static let methodNotAllowed = StatusError(
        code: 405, reason: "MethodNotAllowed", message: "the server does not allow this method on the requested resource")
}
