import Resources
import Testing

@testable import APIServer

struct PlaceTests {
    static let places: [(path: String, place: Place?)] = [
        ("/", .document(.paths)),
        ("/api", .document(.coreVersions)),
        ("/api/", .document(.coreVersions)),
        ("/api/v1", .document(.resources(group: "", version: "v1"))),
        ("/api/v2", nil),
        ("/apis", .document(.groups)),
        ("/apis/apps", .document(.group("apps"))),
        ("/apis/apps/v1", .document(.resources(group: "apps", version: "v1"))),
        ("/apis/apps/v1beta1", nil),
        ("/apis/metrics.k8s.io", nil),
        ("/api/v1/pods", .collection(ServedType(.pods), namespace: nil)),
        ("/api/v1/pods/web", nil),
        ("/api/v1/namespaces", .collection(ServedType(.namespaces), namespace: nil)),
        ("/api/v1/namespaces/default", .object(ServedType(.namespaces), namespace: "", name: "default", subresource: nil)),
        ("/api/v1/namespaces/default/status", .object(ServedType(.namespaces), namespace: "", name: "default", subresource: .status)),
        ("/api/v1/namespaces/default/pods", .collection(ServedType(.pods), namespace: "default")),
        ("/api/v1/namespaces/default/pods/", .collection(ServedType(.pods), namespace: "default")),
        ("/api/v1/namespaces/default/pods/web-1", .object(ServedType(.pods), namespace: "default", name: "web-1", subresource: nil)),
        ("/api/v1/namespaces/default/pods/web-1/log", .object(ServedType(.pods), namespace: "default", name: "web-1", subresource: .log)),
        ("/api/v1/namespaces/default/pods/web-1/scale", nil),
        ("/api/v1/namespaces/default/pods/web-1/log/more", nil),
        ("/api/v1/namespaces/default/nodes", nil),
        ("/api/v1/nodes/a1", .object(ServedType(.nodes), namespace: "", name: "a1", subresource: nil)),
        (
            "/apis/apps/v1/namespaces/x/deployments/web/scale",
            .object(ServedType(.deployments), namespace: "x", name: "web", subresource: .scale)
        ),
        ("/apis/v1/pods", nil),
        ("/apis/steady.dev/v1/images/web", .object(ServedType(.images), namespace: "", name: "web", subresource: nil)),
        ("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", .review(.selfSubjectAccess)),
        ("/version", .document(.version)),
        ("/version/", .document(.version)),
        ("/healthz", Health(["healthz"]).map { Place.document(.health($0)) }),
        ("/livez", Health(["livez"]).map { Place.document(.health($0)) }),
        ("/readyz", Health(["readyz"]).map { Place.document(.health($0)) }),
        ("/readyz/ping", Health(["readyz", "ping"]).map { Place.document(.health($0)) }), ("/readyz/nothing", nil), ("/livez/ping/x", nil),
        ("/metrics", .document(.metrics)), ("/snapshot", .document(.snapshot)),
        ("/openapi/v2", .document(.openAPIv2)),
        ("/openapi/v3", .document(.openAPIv3Index)),
        ("/openapi/v3/api/v1", .document(.openAPIv3(path: "api/v1"))),
        ("/openapi/v3/apis/apps/v1", .document(.openAPIv3(path: "apis/apps/v1"))),
        ("/openapi/v3/apis/v1", nil),
        ("/unknown", nil),
    ]

    @Test(arguments: places) func `A path names one place or none`(path: String, place: Place?) {
        #expect(Place(path: path) == place)
    }

    @Test func `The newer events are the stored core events`() throws {
        let place = try #require(Place(path: "/apis/events.k8s.io/v1/namespaces/default/events"))
        guard case .collection(let type, "default") = place else {
            Issue.record("\(place)")
            return
        }
        #expect(type.stored == .events)
        #expect(type.wire.group == "events.k8s.io")
    }
}
