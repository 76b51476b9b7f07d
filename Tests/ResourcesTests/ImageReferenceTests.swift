import Testing

@testable import Resources

@Suite struct ImageReferenceTests {
    @Test(arguments: [
        ("web", "web"), ("web:latest", "web"), ("docker.io/library/web:latest", "web"), ("docker.io/web", "web"),
        ("library/web:v2", "web:v2"),
        ("docker.io/shop/web:v2", "shop/web:v2"), ("localhost:5000/web", "localhost:5000/web"),
        ("localhost:5000/web:latest", "localhost:5000/web"),
        ("web:v1@sha256:ab", "web@sha256:ab"), ("index.docker.io/library/web", "web"), ("ghcr.io/library/web", "ghcr.io/library/web"),
        ("", ""),
    ]) func `equal references have one form`(reference: String, form: String) { #expect(ImageReference.normalize(reference) == form) }

    @Test func `latest is given or implied`() {
        #expect(ImageReference.isLatest("web") && ImageReference.isLatest("a:5000/web:latest"))
        #expect(!ImageReference.isLatest("web:v1") && !ImageReference.isLatest("web@sha256:ab"))
    }

    @Test func `the nearest references are other versions, then near names`() {
        let known = ["web:v1", "docker.io/library/web:v2", "wbe", "api:v1"]
        #expect(ImageReference.nearest("web:v3", among: known) == ["web:v1", "web:v2", "wbe"])
        #expect(ImageReference.nearest("apo", among: known) == ["api:v1"])
        #expect(ImageReference.nearest("database", among: known) == [])
    }
}
