import Formats
import Testing

@testable import Resources

@Suite struct OpenAPITests {
    @Test func `the index names every group-version with a hash`() {
        #expect(
            OpenAPI.paths == [
                "api/v1", "apis/apps/v1", "apis/coordination.k8s.io/v1", "apis/discovery.k8s.io/v1", "apis/policy/v1", "apis/steady.dev/v1",
            ])
        let url = OpenAPI.index["paths"]["apis/apps/v1"]["serverRelativeURL"].string
        #expect(url?.hasPrefix("/openapi/v3/apis/apps/v1?hash=") == true)
        #expect(OpenAPI.document("apis/none/v1") == nil)
    }

    @Test func `kubectl finds a patch operation that takes fieldValidation, without a body`() throws {
        let document = try #require(OpenAPI.document("apis/apps/v1"))
        let patch = document["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]["patch"]
        #expect(patch["parameters"].elements.contains { $0["name"] == "fieldValidation" && $0["in"] == "query" })
        #expect(patch["x-kubernetes-group-version-kind"] == ["group": "apps", "version": "v1", "kind": "Deployment"])
        #expect(patch["requestBody"] == nil)
    }

    @Test(arguments: ResourceType.all) func `every kind has a schema that is marked with its kind`(type: ResourceType) throws {
        let document = try #require(OpenAPI.document(OpenAPI.path(type)))
        let schema = document["components"]["schemas"]["dev.steady.\(type.kind)"]
        #expect(
            schema["x-kubernetes-group-version-kind"]
                == [["group": .string(type.group), "version": .string(type.version), "kind": .string(type.kind)]])
        #expect(schema["properties"]["metadata"]["allOf"][0]["$ref"] == "#/components/schemas/dev.steady.ObjectMeta")
    }

    @Test(arguments: OpenAPI.paths) func `every reference leads somewhere`(path: String) throws {
        let document = try #require(OpenAPI.document(path))
        var references: Set<String> = []
        func visit(_ value: Value) {
            if let reference = value["$ref"].string { references.insert(reference) }
            for (_, member) in value.object ?? Object() { visit(member) }
            for element in value.elements { visit(element) }
        }
        visit(document)
        for reference in references.sorted() {
            let name = String(reference.dropFirst("#/components/schemas/".count))
            #expect(document["components"]["schemas"][name].object != nil, "\(reference)")
        }
    }
}
