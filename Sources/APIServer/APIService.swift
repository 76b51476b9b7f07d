import APIClient
import Formats
import Linux
import Measuring
import Resources
import Timing
import Transport
import Wire

/// Answers HTTP exchanges: routes them, asks the store, and writes what comes back.
package final class APIService {
    private let api: any ResourceAPI
    private let logs: LogRelay
    private var metrics = ServiceMetrics()
    private let gathering: MetricsGathering

    /// Checks requests that came over TCP; set once the address is known.
    package var gatekeeper: Gatekeeper?
    /// False while the server cannot do its work: `/readyz` says so.
    package var isReady: () -> Bool = { true }
    /// Answers `/snapshot`; nil where there is no store to take one of.
    package var sendSnapshot: ((HTTPExchange) -> Void)?
    /// Adds what others count to `/metrics`.
    package var appendMetrics: (inout PrometheusText) -> Void = { _ in }

    /// The records of why an object's controllers decided as they did, in the order of deciding.
    package var decisions: (_ kind: String, _ namespace: String, _ name: String) -> [Value] = { _, _, _ in [] }

    /// - Parameter roleSocket: where an agent serves logs, and a proxy its metrics, by the role's name.
    package init(api: any ResourceAPI, http: HTTPClient, roleSocket: @escaping (_ role: String) -> SocketAddress) {
        self.api = api
        logs = LogRelay(http: http) { roleSocket(RoleName.agent($0)) }
        gathering = MetricsGathering(http: http, socket: roleSocket)
    }

    /// The proxies that may carry traffic, as `up` names them: `/metrics` has their figures.
    package func live(proxies: Set<String>) { gathering.proxies = proxies }

    /// For the metrics: a peer was not let in.
    package func countRefusedConnection() { metrics.refusedConnection() }

    /// The handler of the HTTP server.
    package func handle(_ exchange: HTTPExchange) {
        let started = Clock.monotonic()
        if exchange.kind == .tcp, let refusal = refusal(of: exchange) {
            return send(Answer(refusal), to: exchange, verb: exchange.method, resource: "", since: started)
        }
        let call = Call(
            exchange.method, exchange.path, query: Query(exchange.query.map { (name: $0.0, value: $0.1) }),
            headers: CallHeaders(
                accept: exchange.head.headers["Accept"], contentType: exchange.head.headers[.contentType],
                ifNoneMatch: exchange.head.headers["If-None-Match"], leaseEpoch: exchange.head.headers["Steady-Lease-Epoch"]),
            body: exchange.body)
        do throws(StatusError) {
            switch try Routing.route(call) {
            case .perform(let storeCall): perform(storeCall, exchange, since: started)
            case .watch(let watchCall): watch(watchCall, exchange)
            case .log(let logCall): log(logCall, exchange, since: started)
            case .machine(let pod): machine(pod, exchange, since: started)
            case .review(let review, let posted):
                send(
                    Answer(201, json: review.answer(to: posted, user: name(of: exchange.caller))), to: exchange, verb: "create",
                    resource: review.rawValue,
                    since: started)
            case .document(.snapshot) where sendSnapshot != nil: sendSnapshot?(exchange)
            case .document(.metrics): tellMetrics(exchange, since: started)
            case .document(let document):
                send(answer(document, call), to: exchange, verb: "get", resource: "", since: started)
            }
        } catch {
            send(Answer(error), to: exchange, verb: exchange.method, resource: "", since: started)
        }
    }

    /// What `kubectl auth whoami` is told. Who cannot be told apart got in as the server's own user.
    private func name(of caller: PeerIdentity) -> String {
        let uid = if case .user(let uid) = caller { uid } else { Ownership.own.user }
        return Ownership.account(uid)?.name ?? "uid:\(uid)"
    }

    private func refusal(of exchange: HTTPExchange) -> StatusError? {
        guard let gatekeeper else { return .unavailable("the API is not open yet") }
        let headers = exchange.head.headers
        return gatekeeper.refusal(
            host: exchange.target.authority ?? headers[.host], origin: headers["Origin"], fetchSite: headers["Sec-Fetch-Site"])
    }

    // MARK: Objects

    private func perform(_ call: StoreCall, _ exchange: HTTPExchange, since started: Instant) {
        guard let least = call.leastRevision else { return performNow(call, exchange, since: started) }
        // A list of one kind knows the store's revision; the smallest page is enough to hear whether it is reached.
        let probe = ListRequest(.namespaces, page: Page(limit: 1, version: .notOlder(than: least)))
        api.perform(.list(probe)) { [self] result in
            guard case .failure(let error) = result else { return performNow(call, exchange, since: started) }
            send(Answer(error), to: exchange, verb: call.request.verb, resource: call.type.wire.plural, since: started)
        }
    }

    private func performNow(_ call: StoreCall, _ exchange: HTTPExchange, since started: Instant) {
        api.perform(call.request) { [self] result in
            switch result.flatMap({ call.shown($0) }) {
            case .success(let reply):
                let rendering = Rendering(call.type, call.representation, rowObject: call.rowObject, now: Clock.realtime())
                var answer = Answer(call.status(of: reply), "application/json", rendering.bytes(reply))
                answer.warnings = call.warnings + reply.warnings
                send(answer, to: exchange, verb: call.request.verb, resource: call.type.wire.plural, since: started)
            case .failure(let error):
                send(Answer(error), to: exchange, verb: call.request.verb, resource: call.type.wire.plural, since: started)
            }
        }
    }

    private func watch(_ call: WatchCall, _ exchange: HTTPExchange) {
        let resource = call.type.wire.plural
        metrics.watchOpened(resource)
        // Kept alive by its subscription and its response stream until either ends.
        _ = WatchStream(
            call, api: api, exchange: exchange, onEvent: { [weak self] in self?.metrics.sentEvent(resource) },
            onEnd: { [weak self] in self?.metrics.watchClosed(resource) })
    }

    private func log(_ call: LogCall, _ exchange: HTTPExchange, since started: Instant) {
        api.perform(.get(call.pod)) { [self] result in
            do throws(StatusError) {
                guard let target = try LogTarget.resolve(call, pod: try result.get().object) else {
                    return send(Answer(text: ""), to: exchange, verb: "get", resource: "pods/log", since: started)
                }
                logs.relay(target, to: exchange) { [weak self] code in
                    self?.metrics.answered(verb: "get", resource: "pods/log", code: code, seconds: (Clock.monotonic() - started).inSeconds)
                }
            } catch {
                send(Answer(error), to: exchange, verb: "get", resource: "pods/log", since: started)
            }
        }
    }

    private func machine(_ pod: ObjectKey, _ exchange: HTTPExchange, since started: Instant) {
        api.perform(.get(pod)) { [self] result in
            let resource = "pods/machine"
            do throws(StatusError) {
                guard let node = try result.get().object["spec"]["nodeName"].string, !node.isEmpty else {
                    return send(Answer(json: ["items": []]), to: exchange, verb: "get", resource: resource, since: started)
                }
                let target = LogTarget(node: node, target: "/machines/\(pod.namespace)/\(pod.name)")
                logs.relay(target, to: exchange) { [weak self] code in
                    self?.metrics.answered(verb: "get", resource: resource, code: code, seconds: (Clock.monotonic() - started).inSeconds)
                }
            } catch {
                send(Answer(error), to: exchange, verb: "get", resource: resource, since: started)
            }
        }
    }

    // MARK: Documents

    private func tellMetrics(_ exchange: HTTPExchange, since started: Instant) {
        gathering.gather { [self] merging, said in
            var all = merging
            var text = said
            metrics.append(to: &text)
            appendMetrics(&text)
            all.add(text.bytes)
            send(Answer(200, PrometheusText.contentType, all.bytes), to: exchange, verb: "get", resource: "", since: started)
        }
    }

    private func answer(_ document: Document, _ call: Call) -> Answer {
        switch document {
        case .decisions:
            guard let kind = call.query["kind"], let name = call.query["name"] else {
                return Answer(.badRequest("name the object: ?kind=KIND&namespace=NAMESPACE&name=NAME"))
            }
            let items = decisions(kind, call.query["namespace"] ?? "", name)
            return Answer(json: ["kind": "DecisionList", "apiVersion": "steady.dev/v1", "items": .array(items)])
        case .health(let health):
            let (status, text) = health.answer(isVerbose: call.query["verbose"] != nil, excluded: call.query.all("exclude")) { check in
                check == .ping || isReady()
            }
            return Answer(status, text: text)
        default: return Documents.answer(document, call)
        }
    }

    // MARK: Sending

    private func send(_ answer: Answer, to exchange: HTTPExchange, verb: String, resource: String, since started: Instant) {
        var headers: HTTPHeaders = ["Content-Type": answer.contentType]
        if let tag = answer.entityTag { headers.add("ETag", tag) }
        if let seconds = answer.retryAfter { headers.add(.retryAfter, String(seconds)) }
        for warning in answer.warnings { headers.add("Warning", Answer.warningHeader(warning)) }
        exchange.respond(status: answer.status, headers: headers, body: answer.body)
        metrics.answered(verb: verb, resource: resource, code: answer.status, seconds: (Clock.monotonic() - started).inSeconds)
    }
}

extension StoreCall {
    /// What is shown of the store's answer.
    func shown(_ reply: Reply) -> Result<Reply, StatusError> {
        guard let endpoints else { return .success(reply) }
        do throws(StatusError) { return .success(try ServiceEndpoints.reply(endpoints, from: reply)) } catch { return .failure(error) }
    }

    func status(of reply: Reply) -> Int {
        if reply.isCreated { return 201 }
        switch request {
        case .create, .evict, .restart: return 201
        default: return 200
        }
    }
}

extension Request {
    /// As Kubernetes names it in audit and metrics.
    var verb: String {
        switch self {
        case .get: "get"
        case .list: "list"
        case .create: "create"
        case .update: "update"
        case .patch: "patch"
        case .delete: "delete"
        case .deleteCollection: "deletecollection"
        case .evict: "evict"
        case .restart: "restart"
        }
    }
}
