import Testing

@testable import Wire

@Suite struct ResolverConfigurationTests {
    @Test func `The first three name servers, the last search list and all options count`() {
        let text = """
            # made by somebody
            domain old.example
            nameserver 10.0.0.1
            nameserver\tfe80::1%eth0 ; the router
             nameserver 10.0.0.2\r
            nameserver 10.0.0.3
            search a.example b.example # both
            options ndots:2 timeout:1
            options rotate
            nameserver
            sortlist 1.2.3.4
            """
        let found = ResolverConfiguration(text)
        #expect(found.nameServers == ["10.0.0.1", "fe80::1%eth0", "10.0.0.2"])
        #expect(found.searches == ["a.example", "b.example"])
        #expect(found.options == ["ndots:2", "timeout:1", "rotate"])
        #expect(ResolverConfiguration("domain x.example y").searches == ["x.example"])
        #expect(ResolverConfiguration("") == ResolverConfiguration())
        #expect(ResolverConfiguration("search a.example").effectiveServers == ["127.0.0.1", "::1"])
        #expect(found.effectiveServers == found.nameServers)
    }
}
