import Formats
import Resources
import Testing

@testable import APIServer

struct RoutingTests {
    private func route(
        _ method: String, _ path: String, _ query: [(name: String, value: String)] = [], type: String? = nil, body: String = "",
        epoch: String? = nil
    ) throws -> Route {
        try Routing.route(
            Call(
                method, path, query: Query(query), headers: CallHeaders(contentType: type, leaseEpoch: epoch), body: Array(body.utf8)))
    }

    private func refusal(_ body: () throws -> Route) -> StatusError? {
        do {
            let route = try body()
            Issue.record("not refused: \(route)")
            return nil
        } catch {
            return error as? StatusError
        }
    }

    static let refused: [(method: String, path: String, code: Int)] = [
        ("GET", "/unknown", 404),
        ("GET", "/api/v1/namespaces/default/nodes", 404),
        ("POST", "/api/v1/pods", 405),
        ("DELETE", "/api/v1/pods", 405),
        ("PUT", "/api/v1/namespaces/default/pods", 405),
        ("POST", "/api/v1/namespaces/default/pods/web", 405),
        ("DELETE", "/apis/apps/v1/namespaces/default/deployments/web/scale", 405),
        ("POST", "/version", 405),
        ("GET", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", 405),
        ("BREW", "/api/v1/namespaces/default/pods/web", 405),
    ]

    @Test(arguments: refused) func `What is not served is refused with its code`(method: String, path: String, code: Int) {
        #expect(refusal { try route(method, path) }?.code == code)
    }

    @Test func `A list carries its selectors`() throws {
        let query = [
            (name: "labelSelector", value: "app in (web,x),!foo"), (name: "fieldSelector", value: "spec.nodeName=a1"),
            (name: "limit", value: "500"),
        ]
        guard case .perform(let call) = try route("GET", "/api/v1/pods", query), case .list(let list) = call.request else {
            Issue.record("not a list")
            return
        }
        #expect(list.namespace == nil)
        #expect(list.labelSelector.matches(["app": "web"]))
        #expect(!list.labelSelector.matches(["app": "web", "foo": ""]))
        #expect(list.fieldSelector.terms == [FieldSelector.Term(["spec", "nodeName"], "a1")])
    }

    static let token = Continuation(revision: Revision(9), namespace: "x", name: "web").token
    static let pages: [(query: [(name: String, value: String)], page: Page)] = [
        ([], .whole),
        ([("resourceVersion", "0"), ("limit", "500")], Page(limit: 500)),
        ([("resourceVersion", "7")], Page(version: .notOlder(than: Revision(7)))),
        ([("resourceVersion", "7"), ("limit", "2")], Page(limit: 2, version: .exactly(Revision(7)))),
        (
            [("resourceVersion", "7"), ("limit", "2"), ("resourceVersionMatch", "NotOlderThan")],
            Page(limit: 2, version: .notOlder(than: Revision(7)))
        ),
        ([("resourceVersion", "7"), ("resourceVersionMatch", "Exact")], Page(version: .exactly(Revision(7)))),
        ([("limit", "2"), ("continue", token)], Page(limit: 2, after: Continuation(revision: Revision(9), namespace: "x", name: "web"))),
    ]

    @Test(arguments: pages) func `A list says which state it wants, and how much of it`(
        query: [(name: String, value: String)], page: Page
    ) throws {
        guard case .perform(let call) = try route("GET", "/api/v1/pods", query), case .list(let list) = call.request else {
            Issue.record("not a list")
            return
        }
        #expect(list.page == page)
    }

    static let wrongPages: [(query: [(name: String, value: String)], code: Int)] = [
        ([("resourceVersion", "abc")], 400), ([("resourceVersion", "-1")], 400), ([("resourceVersion", "007")], 400),
        ([("limit", "many")], 400), ([("limit", "-1")], 400), ([("continue", "nonsense")], 400),
        ([("continue", token), ("resourceVersion", "7")], 400),
        ([("continue", token), ("resourceVersionMatch", "Exact"), ("resourceVersion", "7")], 422),
        ([("resourceVersionMatch", "Exact")], 422), ([("resourceVersionMatch", "Exact"), ("resourceVersion", "0")], 422),
        ([("resourceVersionMatch", "Newest"), ("resourceVersion", "7")], 422), ([("sendInitialEvents", "true")], 422),
    ]

    @Test(arguments: wrongPages) func `Parameters of a list that cannot be meant are refused`(
        query: [(name: String, value: String)], code: Int
    ) {
        #expect(refusal { try route("GET", "/api/v1/pods", query) }?.code == code)
    }

    @Test func `An unknown field of a field selector is refused`() {
        #expect(refusal { try route("GET", "/api/v1/pods", [("fieldSelector", "spec.foo=1")]) }?.code == 400)
    }

    static let watches: [(query: [(name: String, value: String)], since: Revision?, marks: Bool)] = [
        ([("watch", "true")], nil, false),
        ([("watch", "True"), ("resourceVersion", "0")], nil, false),
        ([("watch", "1"), ("resourceVersion", "173"), ("allowWatchBookmarks", "true")], Revision(173), false),
        (
            [
                ("watch", "true"), ("sendInitialEvents", "true"), ("resourceVersionMatch", "NotOlderThan"), ("allowWatchBookmarks", "true"),
                ("resourceVersion", "5"),
            ], nil, true
        ),
    ]

    @Test(arguments: watches) func `A watch begins where its parameters say`(
        query: [(name: String, value: String)], since: Revision?, marks: Bool
    ) throws {
        guard case .watch(let watch) = try route("GET", "/api/v1/namespaces/default/pods", query) else {
            Issue.record("not a watch")
            return
        }
        #expect(watch.since == since)
        #expect(watch.marksInitialEnd == marks)
    }

    @Test func `A watch of one name is a list with a field selector`() throws {
        guard case .watch(let watch) = try route("GET", "/api/v1/namespaces/x/pods/web", [("watch", "true"), ("timeoutSeconds", "7")])
        else {
            Issue.record("not a watch")
            return
        }
        #expect(watch.list.fieldSelector.terms == [FieldSelector.Term(["metadata", "name"], "web")])
        #expect(watch.timeout == .seconds(7))
    }

    @Test func `Watch parameters that contradict each other are refused`() {
        #expect(refusal { try route("GET", "/api/v1/pods", [("watch", "1"), ("sendInitialEvents", "true")]) }?.code == 422)
        #expect(refusal { try route("GET", "/api/v1/pods", [("watch", "1"), ("resourceVersionMatch", "Exact")]) }?.code == 422)
        #expect(refusal { try route("GET", "/api/v1/pods", [("watch", "1"), ("resourceVersion", "latest")]) }?.code == 400)
        #expect(refusal { try route("GET", "/api/v1/pods", [("watch", "perhaps")]) }?.code == 400)
    }

    @Test func `A body without Content-Type and kind is JSON of the URL's kind`() throws {
        guard case .perform(let call) = try route("POST", "/api/v1/namespaces/x/configmaps", body: #"{"metadata":{"name":"a"}}"#),
            case .create(let value, let type, let namespace, let options) = call.request
        else {
            Issue.record("not a create")
            return
        }
        #expect(value["kind"] == "ConfigMap")
        #expect(value["apiVersion"] == "v1")
        #expect(type == .configMaps)
        #expect(namespace == "x")
        #expect(options.fieldValidation == .warn)
    }

    static let bodies: [(type: String?, body: String, code: Int, text: String)] = [
        (nil, "{", 400, "could not be read"),
        (nil, "[]", 400, "must be a ConfigMap object"),
        (nil, #"{"kind":"Pod","apiVersion":"v1"}"#, 400, "cannot be handled as a ConfigMap"),
        (nil, #"{"kind":"ConfigMap","apiVersion":"apps/v1"}"#, 400, "does not match the expected API version (v1)"),
        (nil, #"{"metadata":{"namespace":"y"}}"#, 400, "does not match the namespace sent on the request"),
        ("application/x-www-form-urlencoded", "a=b", 415, "unknown format"),
        ("text/plain", "{}", 415, "unknown format"),
        ("application/vnd.kubernetes.protobuf", "{}", 400, "protobuf"),
    ]

    @Test(arguments: bodies) func `A body that does not fit is refused with the reason`(
        type: String?, body: String, code: Int, text: String
    ) {
        let error = refusal { try route("POST", "/api/v1/namespaces/x/configmaps", type: type, body: body) }
        #expect(error?.code == code)
        #expect(error?.message.contains(text) == true)
    }

    @Test func `A repeated key is refused when validation is strict and warned about otherwise`() throws {
        let body = #"{"metadata":{"name":"a"},"data":{"x":"1","x":"2"}}"#
        let path = "/api/v1/namespaces/x/configmaps"
        let error = refusal { try route("POST", path, [("fieldValidation", "Strict")], body: body) }
        #expect(
            error?.message
                == "ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: duplicate field \"data.x\"")
        guard case .perform(let warned) = try route("POST", path, [("fieldValidation", "Warn")], body: body),
            case .perform(let ignored) = try route("POST", path, [("fieldValidation", "Ignore")], body: body)
        else {
            Issue.record("not performed")
            return
        }
        #expect(warned.warnings == ["duplicate field \"data.x\""])
        #expect(ignored.warnings == [])
    }

    @Test func `Patches are told apart by their Content-Type`() throws {
        func patch(_ type: String?, _ body: String) throws -> Patch? {
            guard case .perform(let call) = try route("PATCH", "/api/v1/nodes/a1", type: type, body: body),
                case .patch(_, let patch, _, _) = call.request
            else { return nil }
            return patch
        }
        guard case .json = try patch("application/json-patch+json", "[]"), case .merge = try patch("application/merge-patch+json", "{}"),
            case .strategic = try patch("application/strategic-merge-patch+json; charset=utf-8", "{}")
        else {
            Issue.record("told apart wrongly")
            return
        }
        for type in ["application/apply-patch+yaml", "application/json", nil] {
            #expect(refusal { try route("PATCH", "/api/v1/nodes/a1", type: type, body: "{}") }?.code == 415)
        }
        #expect(refusal { try route("PATCH", "/api/v1/nodes/a1", type: "application/json-patch+json", body: "{}") }?.code == 400)
        #expect(refusal { try route("PATCH", "/api/v1/nodes/a1", type: "application/merge-patch+json", body: "[]") }?.code == 400)
    }

    @Test func `Delete options come from the body first and from the query else`() throws {
        func options(_ query: [(name: String, value: String)], _ body: String) throws -> DeleteOptions? {
            guard case .perform(let call) = try route("DELETE", "/api/v1/namespaces/x/pods/web", query, body: body),
                case .delete(_, let options) = call.request
            else { return nil }
            return options
        }
        let both = try options(
            [("gracePeriodSeconds", "9"), ("propagationPolicy", "Orphan")], #"{"gracePeriodSeconds":0,"preconditions":{"uid":"u"}}"#)
        #expect(both?.gracePeriodSeconds == 0)
        #expect(both?.propagation == .orphan)
        #expect(both?.preconditionUID == "u")
        #expect(try options([], #"{"dryRun":["All"]}"#)?.isDryRun == true)
        #expect(try options([], "")?.propagation == nil)
        #expect(refusal { try route("DELETE", "/api/v1/namespaces/x/pods/web", [("propagationPolicy", "Slowly")]) }?.code == 400)
    }

    @Test func `An eviction carries its delete options`() throws {
        let body = #"{"kind":"Eviction","apiVersion":"policy/v1","metadata":{"name":"web"},"deleteOptions":{"gracePeriodSeconds":3}}"#
        guard case .perform(let call) = try route("POST", "/api/v1/namespaces/x/pods/web/eviction", body: body),
            case .evict(let key, let options) = call.request
        else {
            Issue.record("not an eviction")
            return
        }
        #expect(key == ObjectKey(.pods, namespace: "x", name: "web"))
        #expect(options.gracePeriodSeconds == 3)
    }

    @Test func `Leave for a restart is asked with the lease epoch, by POST alone`() throws {
        guard case .perform(let call) = try route("POST", "/api/v1/namespaces/x/pods/web/restart", epoch: "a1/7"),
            case .restart(let key, let epoch) = call.request
        else {
            Issue.record("not a restart")
            return
        }
        #expect(key == ObjectKey(.pods, namespace: "x", name: "web") && epoch == LeaseEpoch(node: "a1", transitions: 7))
        #expect(refusal { try route("GET", "/api/v1/namespaces/x/pods/web/restart") }?.code == 405)
    }

    @Test func `The lease epoch is read from its header`() throws {
        guard
            case .perform(let call) = try route(
                "PATCH", "/api/v1/namespaces/x/pods/web/status", type: "application/merge-patch+json", body: "{}", epoch: "a1/7"),
            case .patch(_, _, .status?, let options) = call.request
        else {
            Issue.record("not a status patch")
            return
        }
        #expect(options.leaseEpoch == LeaseEpoch(node: "a1", transitions: 7))
    }

    @Test func `Events of the newer group are read in the stored words`() throws {
        let body = #"{"metadata":{"name":"e"},"regarding":{"kind":"Pod","name":"web"},"note":"n"}"#
        guard case .perform(let call) = try route("POST", "/apis/events.k8s.io/v1/namespaces/x/events", body: body),
            case .create(let value, .events, _, _) = call.request
        else {
            Issue.record("not a create of an event")
            return
        }
        #expect(value["involvedObject"]["name"] == "web")
        #expect(value["message"] == "n")
        #expect(value["apiVersion"] == "v1")
        guard
            case .perform(let list) = try route("GET", "/apis/events.k8s.io/v1/events", [("fieldSelector", "regarding.name=web")]),
            case .list(let request) = list.request
        else {
            Issue.record("not a list")
            return
        }
        #expect(request.fieldSelector.terms == [FieldSelector.Term(["involvedObject", "name"], "web")])
    }

    static let eventPatches: [(type: String, body: String, stored: Value)] = [
        (
            "application/strategic-merge-patch+json", #"{"note":"n","series":{"count":2}}"#, ["message": "n", "series": ["count": 2]]
        ),
        (
            "application/merge-patch+json", #"{"apiVersion":"events.k8s.io/v1","deprecatedCount":3}"#,
            ["apiVersion": "v1", "count": 3]
        ),
        (
            "application/json-patch+json",
            #"[{"op":"replace","path":"/note","value":"n"},{"op":"move","from":"/regarding/name","path":"/action"}]"#,
            [
                ["op": "replace", "path": "/message", "value": "n"],
                ["op": "move", "from": "/involvedObject/name", "path": "/action"],
            ]
        ),
    ]

    @Test(arguments: eventPatches) func `A patch of a newer event is made one of the stored event`(
        type: String, body: String, stored: Value
    ) throws {
        let call = try route("PATCH", "/apis/events.k8s.io/v1/namespaces/x/events/e", type: type, body: body)
        guard case .perform(let perform) = call, case .patch(_, let patch, nil, _) = perform.request else {
            Issue.record("not a patch")
            return
        }
        switch patch {
        case .json(let value), .merge(let value), .strategic(let value): #expect(value == stored)
        }
    }

    @Test func `An older event is shown with a time, which does not stick to it when it is written back`() throws {
        let type = try #require(ServedType(group: "events.k8s.io", version: "v1", plural: "events"))
        let stored: Value = [
            "apiVersion": "v1", "kind": "Event", "metadata": ["name": "e"], "firstTimestamp": "2026-01-01T00:00:00Z",
            "source": ["component": "x"], "count": 2,
        ]
        let shown = type.toWire(stored)
        #expect(shown["eventTime"] == "2026-01-01T00:00:00.000000Z")
        #expect(shown["deprecatedFirstTimestamp"] == "2026-01-01T00:00:00Z")
        #expect(shown["deprecatedSource"]["component"] == "x" && shown["deprecatedCount"] == 2)
        #expect(type.fromWire(shown)["eventTime"].isNull)
        var newer = stored
        newer["eventTime"] = "2026-01-01T00:00:00.123456Z"
        #expect(type.fromWire(type.toWire(newer)) == newer)
    }
}
