import Testing

@testable import Traffic

@Suite struct RequestPathTests {
    @Test(
        arguments: [
            ("/", "/"), ("/a/b?c=/../d", "/a/b"), ("/limited", "/limited"), ("/%6cimited", "/limited"), ("//limited", "/limited"),
            ("/x/../limited", "/limited"), ("/x/%2E%2e/limited", "/limited"), ("/./limited/.", "/limited/"),
            ("/../../limited//", "/limited/"),
            ("/a%2Fb", "/a%2Fb"), ("/a%", "/a%"), ("/a%4", "/a%4"), ("/%zz", "/%zz"), ("/%25%36c", "/%256c"), ("/a.b/..c", "/a.b/..c"),
            ("*", "*"),
            ("/..", "/"), ("/a/..", "/"),
        ])
    func `a path is read as servers read it, however it is spelled`(target: String, path: String) {
        #expect(RequestPath.read(target) == path)
    }
}
