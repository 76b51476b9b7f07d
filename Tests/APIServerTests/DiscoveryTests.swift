import Formats
import Resources
import Testing

@testable import APIServer

struct DiscoveryTests {
    @Test func `The aggregated document lists every kind once with its subresources' kinds`() throws {
        let core = Discovery.aggregated(core: true, version: "v2")
        #expect(core["apiVersion"] == "apidiscovery.k8s.io/v2")
        #expect(core["items"].elements.count == 1)
        #expect(core["items"][0]["metadata"] == [:])
        let rest = Discovery.aggregated(core: false, version: "v2")
        let apps = try #require(rest["items"].elements.first { $0["metadata"]["name"] == "apps" })
        let deployments = apps["versions"][0]["resources"][0]
        #expect(deployments["resource"] == "deployments")
        #expect(deployments["scope"] == "Namespaced")
        #expect(deployments["shortNames"] == ["deploy"])
        #expect(deployments["categories"] == ["all"])
        let scale = try #require(deployments["subresources"].elements.first { $0["subresource"] == "scale" })
        #expect(scale["responseKind"] == ["group": "autoscaling", "version": "v1", "kind": "Scale"])
        let all = (core["items"].elements + rest["items"].elements).flatMap { $0["versions"].elements }.flatMap { $0["resources"].elements }
        #expect(all.count == Discovery.types.count + Review.allCases.count)
    }

    @Test func `The legacy list names Eviction's group because drain looks for it`() throws {
        let list = Discovery.resourceList(group: "", version: "v1")
        #expect(list["groupVersion"] == "v1")
        let eviction = try #require(list["resources"].elements.first { $0["name"] == "pods/eviction" })
        #expect(eviction["kind"] == "Eviction")
        #expect(eviction["group"] == "policy")
        #expect(eviction["version"] == "v1")
        #expect(eviction["verbs"] == ["create"])
        #expect(eviction["singularName"] == "")
    }

    @Test func `A group names its preferred version`() {
        let group = Discovery.group("apps")
        #expect(group["kind"] == "APIGroup")
        #expect(group["preferredVersion"] == ["groupVersion": "apps/v1", "version": "v1"])
        #expect(Discovery.groupList["groups"].elements.contains { $0["name"] == "steady.dev" })
    }
}
