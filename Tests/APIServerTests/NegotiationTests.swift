import Resources
import Testing

@testable import APIServer

struct NegotiationTests {
    static let objects: [(accept: String?, shape: Representation?)] = [
        (nil, .plain),
        ("application/json", .plain),
        ("application/json, */*", .plain),
        ("*/*", .plain),
        ("application/vnd.kubernetes.protobuf,application/json", .plain),
        ("application/vnd.kubernetes.protobuf", nil),
        ("text/html", nil),
        (
            "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json",
            .table(version: "v1")
        ),
        ("application/json; as=Table; g=meta.k8s.io; v=v1beta1", .table(version: "v1beta1")),
        ("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", .plain),
        (
            "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1",
            .metadata(version: "v1")
        ),
        ("application/json;as=Unheard;v=v1;g=meta.k8s.io", nil),
    ]

    @Test(arguments: objects) func `The first clause that can be served decides the shape of objects`(
        accept: String?, shape: Representation?
    ) {
        do {
            let found = try Representation.negotiate(accept)
            #expect(found == shape)
        } catch {
            #expect(shape == nil && error.code == 406)
        }
    }

    static let discovery: [(accept: String?, form: DiscoveryForm)] = [
        (nil, .legacy),
        ("application/json", .legacy),
        ("application/json, */*", .legacy),
        (
            "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json",
            .aggregated(version: "v2")
        ),
        ("application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json", .aggregated(version: "v2beta1")),
        ("application/json;g=apidiscovery.k8s.io;v=v7;as=APIGroupDiscoveryList,application/json", .legacy),
    ]

    @Test(arguments: discovery) func `Discovery is aggregated only for who lists a version that is known`(
        accept: String?, form: DiscoveryForm
    ) {
        #expect(DiscoveryForm.negotiate(accept) == form)
    }

    static let visitors: [(host: String?, origin: String?, site: String?, isLetIn: Bool)] = [
        ("127.0.0.1:7080", nil, nil, true),
        ("localhost:7080", nil, nil, true),
        ("localhost", nil, nil, true),
        ("LOCALHOST:1", nil, nil, true),
        (nil, nil, nil, false),
        ("", nil, nil, false),
        ("127.0.0.1", nil, nil, false),
        ("127.0.0.1:7081", nil, nil, false),
        ("localhost.evil.example", nil, nil, false),
        ("localhost:7080.evil", nil, nil, false),
        ("evil.example:7080", nil, nil, false),
        ("127.0.0.1:7080", "http://127.0.0.1:7080", "same-origin", true),
        ("127.0.0.1:7080", "http://localhost:7080", nil, false),
        ("127.0.0.1:7080", "null", nil, false),
        ("127.0.0.1:7080", "http://evil.example", nil, false),
        ("127.0.0.1:7080", nil, "cross-site", false),
        ("127.0.0.1:7080", nil, "same-site", false),
    ]

    @Test(arguments: visitors) func `Only the served address and localhost are hosts and only same-origin pages may ask`(
        host: String?, origin: String?, site: String?, isLetIn: Bool
    ) {
        let refusal = Gatekeeper(servedAddress: "127.0.0.1:7080").refusal(host: host, origin: origin, fetchSite: site)
        #expect((refusal == nil) == isLetIn)
        #expect(refusal == nil || refusal?.code == 403)
    }
}
