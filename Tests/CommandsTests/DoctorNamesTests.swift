import Testing

@testable import Commands

@Suite struct DoctorNamesTests {
    @Test(
        arguments: [
            ("", nil), ("passwd: files\nhosts: files dns\n", nil), ("hosts:          files mdns4_minimal [NOTFOUND=return] dns", nil),
            ("hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns", "dns before resolve"),
            ("hosts: files dns resolve [!UNAVAIL=return]", nil), ("hosts: files resolve[NOTFOUND=return] dns", "dns before resolve"),
            ("hosts: files resolve [SUCCESS=continue NOTFOUND=return] dns", "dns before resolve"),
            ("hosts: files resolve dns # a comment", nil),
            ("# hosts: files\nhosts: files myhostname", "dns in its line"),
        ] as [(String, String?)])
    func `says whether names of Services are asked for, and what to change`(switches: String, remedy: String?) {
        let finding = DoctorVerb.names(switches: switches, hasCache: false)
        #expect((finding.verdict == .good) == (remedy == nil))
        if let remedy { #expect(finding.remedy.contains(remedy)) }
        #expect(DoctorVerb.names(switches: switches, hasCache: true).remedy.contains("nscd.conf"))
    }
}
