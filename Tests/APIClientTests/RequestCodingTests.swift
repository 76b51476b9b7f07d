import Formats
import Resources
import Testing
import Transport
import Wire

@testable import APIClient

@Suite struct `Requests over HTTP` {
    private static let web = ObjectKey(.deployments, namespace: "default", name: "web")

    static let cases: [(request: Request, line: String, body: String)] = [
        (.get(web), "GET /apis/apps/v1/namespaces/default/deployments/web", ""),
        (.get(ObjectKey(.nodes, name: "a1")), "GET /api/v1/nodes/a1", ""),
        (.get(web, .scale), "GET /apis/apps/v1/namespaces/default/deployments/web/scale", ""),
        (.list(ListRequest(.pods)), "GET /api/v1/pods", ""),
        (
            .list(
                ListRequest(
                    .pods, namespace: "x", labelSelector: LabelSelector(labels: ["app": "web"]),
                    fieldSelector: FieldSelector([.init(["spec", "nodeName"], "a1")]))),
            "GET /api/v1/namespaces/x/pods?fieldSelector=spec.nodeName%3Da1&labelSelector=app%3Dweb", ""
        ),
        (
            .create(
                ["kind": "Image"], type: .images, namespace: "", WriteOptions(isDryRun: true, fieldValidation: .strict, fieldManager: "me")),
            "POST /apis/steady.dev/v1/images?dryRun=All&fieldManager=me&fieldValidation=Strict", #"{"kind":"Image"}"#
        ),
        (
            .update(web, ["a": 1], .status),
            "PUT /apis/apps/v1/namespaces/default/deployments/web/status?fieldValidation=Ignore", #"{"a":1}"#
        ),
        (
            .patch(web, .merge(["a": nil])),
            "PATCH /apis/apps/v1/namespaces/default/deployments/web?fieldValidation=Ignore", #"{"a":null}"#
        ),
        (
            .delete(web, DeleteOptions(propagation: .foreground, gracePeriodSeconds: 0, preconditionUID: "u")),
            "DELETE /apis/apps/v1/namespaces/default/deployments/web",
            #"{"kind":"DeleteOptions","apiVersion":"v1","propagationPolicy":"Foreground","gracePeriodSeconds":0,"preconditions":{"uid":"u"}}"#
        ),
        (
            .deleteCollection(ListRequest(.configMaps, namespace: "x")), "DELETE /api/v1/namespaces/x/configmaps",
            #"{"kind":"DeleteOptions","apiVersion":"v1"}"#
        ),
    ]

    @Test(arguments: cases.indices) func `have Kubernetes' paths, parameters and bodies`(index: Int) {
        let (request, line, body) = Self.cases[index]
        let encoded = RequestCoding.encode(request)
        #expect("\(encoded.method) \(encoded.target)" == line)
        #expect(String(decoding: encoded.body, as: UTF8.self) == body)
    }

    @Test func `carry their kind of patch and the lease epoch`() {
        let options = WriteOptions(leaseEpoch: LeaseEpoch(node: "a1", transitions: 7))
        let strategic = RequestCoding.encode(.patch(Self.web, .strategic([:]), nil, options))
        #expect(strategic.headers["content-type"] == "application/strategic-merge-patch+json")
        #expect(strategic.headers["steady-lease-epoch"] == "a1/7")
        #expect(RequestCoding.encode(.patch(Self.web, .json([]))).headers["content-type"] == "application/json-patch+json")
    }

    @Test func `that watch ask for what exists first, or for what is newer`() {
        let list = ListRequest(.services)
        #expect(
            RequestCoding.encodeWatch(list, from: nil).target
                == "/api/v1/services?allowWatchBookmarks=true&resourceVersionMatch=NotOlderThan&sendInitialEvents=true&watch=true")
        #expect(
            RequestCoding.encodeWatch(list, from: Revision(7)).target
                == "/api/v1/services?allowWatchBookmarks=true&resourceVersion=7&watch=true")
    }

    private func decode(_ status: Int, _ body: String, to request: Request = .get(web), headers: HTTPHeaders = [:]) -> Result<
        Reply, StatusError
    > {
        RequestCoding.decode(ClientResponse(head: ResponseHead(status: status, headers: headers), body: Array(body.utf8)), to: request)
    }

    @Test func `are answered with objects, lists, warnings`() throws {
        let made = try decode(201, #"{"kind":"X"}"#, headers: ["Warning": #"299 - "a \"b\" \\""#]).get()
        #expect(made.isCreated)
        #expect(made.object["kind"] == "X")
        #expect(made.warnings == [#"a "b" \"#])
        let list = try decode(
            200, #"{"kind":"PodList","metadata":{"resourceVersion":"8"},"items":[{"metadata":{}}]}"#, to: .list(ListRequest(.pods))
        ).get()
        #expect(list.items == [["metadata": [:], "apiVersion": "v1", "kind": "Pod"]])
        if case .list(_, _, let revision) = list.body { #expect(revision == Revision(8)) } else { Issue.record("no list") }
    }

    @Test func `are refused with the server's Status, or with what can be told without one`() {
        let refusal = StatusError.notFound(Self.web)
        #expect(decode(404, JSON.text(refusal.value)) == .failure(refusal))
        #expect(decode(404, "no such page\n") == .failure(StatusError(code: 404, reason: "NotFound", message: "no such page")))
        #expect(
            decode(503, "")
                == .failure(StatusError(code: 503, reason: "ServiceUnavailable", message: "the server answered 503 Service Unavailable")))
        if case .failure(let error) = decode(200, "{") { #expect(error.code == 500) } else { Issue.record("half an object was taken") }
    }

    @Test(arguments: [1, 5, 4096]) func `that watch are cut into events, however they arrive`(pieceCount: Int) {
        let lines = [
            #"{"type":"ADDED","object":{"metadata":{"name":"a","resourceVersion":"5"}}}"#, "",
            #"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"6","annotations":{"k8s.io/initial-events-end":"true"}}}}"#,
            #"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"7"}}}"#,
            #"{"type":"ERROR","object":{"kind":"Status","status":"Failure","code":410,"reason":"Expired","message":"old"}}"#,
            #"{"type":"ADDED","object":{}}"#,
        ]
        let bytes = Array((lines.joined(separator: "\n") + "\n").utf8)
        var decoder = WatchDecoder(type: .pods)
        var texts: [String] = []
        for start in stride(from: 0, to: bytes.count, by: pieceCount) {
            for signal in decoder.feed(Array(bytes[start..<min(start + pieceCount, bytes.count)])) {
                switch signal {
                case .event(let event): texts.append("\(event.kind) \(event.object["metadata"]["name"].string ?? "-") \(event.revision)")
                case .synced(let revision): texts.append("synced \(revision)")
                case .ended(let error): texts.append("ended \(error?.reason ?? "well")")
                }
            }
            if texts.last == "ended Expired" { break }
        }
        #expect(texts == ["added a 5", "synced 6", "bookmark - 7", "ended Expired"])
    }
}

extension Reply: Equatable {
    package static func == (a: Reply, b: Reply) -> Bool { a.object == b.object && a.items == b.items }
}
