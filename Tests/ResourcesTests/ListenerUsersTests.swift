import Formats
import Resources
import Testing

@Suite struct ListenerUsersTests {
    @Test(
        arguments: [
            (.user(1000), .ours), (.user(33), .ours), (.user(0), .ours), (.user(1001), .stranger(1001)), (.nobody, .nobody),
            (.untold, .ours),
        ] as [(ListenerUsers.Finding, ListenerUsers.Verdict)])
    func `the pod's users and root are at home, everybody else is a stranger, and what the kernel does not say is not required`(
        finding: ListenerUsers.Finding, verdict: ListenerUsers.Verdict
    ) throws {
        let users = try #require(ListenerUsers([1000, 33]))
        #expect(users.judge(finding) == verdict)
    }

    private func status(_ containers: [Value]) -> Value { ["containerStatuses": .array(containers)] }

    @Test func `all containers of a pod count together, and one that does not say leaves it open`() {
        let web: Value = ["name": "web", "user": ["listeners": [1000]]]
        let proxy: Value = ["name": "proxy", "user": ["listeners": [0, 33]]]
        #expect(ListenerUsers(podStatus: status([web, proxy]))?.all == [0, 33, 1000])
        #expect(ListenerUsers(podStatus: status([web, ["name": "old"]])) == nil)
        #expect(ListenerUsers(podStatus: status([web, ["name": "unseen", "user": ["linux": ["uid": 0]]]])) == nil)
        #expect(ListenerUsers(podStatus: [:]) == nil)
    }

    @Test func `what is written is read again, and what is no number is nobody`() {
        let users = ListenerUsers([33, 0, 33])
        #expect(users?.text == "0, 33")
        #expect(ListenerUsers(endpoint: ["deprecatedTopology": users?.topologyValue ?? .null]) == users)
        #expect(ListenerUsers(podStatus: status([["user": ["listeners": users?.statusValue ?? .null]]])) == users)
        #expect(ListenerUsers(endpoint: ["deprecatedTopology": ["steady.dev/listener-users": "root"]]) == nil)
        #expect(ListenerUsers(endpoint: [:]) == nil)
    }
}
