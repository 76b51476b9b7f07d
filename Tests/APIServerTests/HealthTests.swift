import Testing

@testable import APIServer

struct HealthTests {
    @Test(arguments: [
        (["readyz"], false, [], true, 200, "ok"), (["healthz"], true, [], true, 200, "[+]ping ok\nhealthz check passed\n"),
        (["livez"], true, [], false, 200, "[+]ping ok\nlivez check passed\n"),
        (["readyz"], true, [], true, 200, "[+]ping ok\n[+]journal ok\nreadyz check passed\n"),
        (["readyz"], false, [], false, 503, "[+]ping ok\n[-]journal failed: reason withheld\nreadyz check failed\n"),
        (["readyz"], true, ["journal"], false, 200, "[+]ping ok\n[+]journal excluded: ok\nreadyz check passed\n"),
        (["readyz", "ping"], true, [], false, 200, "ok"),
        (["readyz", "journal"], false, [], false, 503, "[-]journal failed: reason withheld\nreadyz check failed\n"),
    ])
    func `health is told in Kubernetes' words`(
        path: [String], isVerbose: Bool, excluded: [String], isDurable: Bool, status: Int, text: String
    ) throws {
        let answer = try #require(Health(path)).answer(isVerbose: isVerbose, excluded: excluded) { $0 == .ping || isDurable }
        #expect(answer.status == status)
        #expect(answer.text == text)
    }
}
