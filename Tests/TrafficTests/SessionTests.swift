import Resources
import Testing
import Timing
import Wire

@testable import Traffic

private let name = RouteTable.BackendName(.init("default", "web"), port: 80)

@Suite struct `Sessions` {
    private static let key = SessionKey([UInt8](repeating: 7, count: SessionKey.length))!

    private struct Visitor {
        var field: (name: String, value: String)?
        var last: UInt32?
    }

    private func router(_ rules: SessionRules, _ pods: [(String, RouteTable.Standing)], key: SessionKey = key) -> Router {
        var router = Router(seed: 1, sessionKey: key)
        put(rules, pods, &router)
        return router
    }

    private func put(_ session: SessionRules, _ pods: [(String, RouteTable.Standing)], _ router: inout Router) {
        var rules = TrafficRules()
        rules.balance.session = session
        var table = RouteTable()
        // The address follows from the pod's name, as a test's simplest.
        let endpoints = pods.map { pod, standing in
            RouteTable.Endpoint(EndpointAddress(host: 0x7F40_0000 + UInt32(pod.split(separator: "-")[1])!, port: 8080), standing, pod: pod)
        }
        table.backends = [.init(name: name, carriage: .exchanges, endpoints: endpoints.sorted { $0.address < $1.address }, rules: rules)]
        _ = router.swap(table)
    }

    /// One request with these fields: where it went, and what its response told the client.
    private func visit(_ router: inout Router, _ fields: [(String, String)] = [], at second: Int64 = 0, avoiding: [EndpointID] = [])
        -> Visitor
    {
        let head = RequestHead(method: "GET", target: "/", headers: HTTPHeaders(fields))
        let time = Timestamp(nanosecondsSince1970: (1_800_000_000 + second) * 1_000_000_000)
        let now = Instant.zero + .seconds(second)
        guard let backend = router.backend(name), case .stay(var stay) = router.admit(backend, head, client: 1, now: now) else {
            return Visitor()
        }
        router.recall(&stay, head, time: { time })
        guard case .endpoint(let id) = router.choose(backend, client: 1, avoiding: avoiding, stay: stay, now: now) else { return Visitor() }
        defer {
            router.finished(id, .exchanges)
            router.left(stay)
        }
        return Visitor(field: router.sessionField(stay, at: id, time: { time }), last: router.address(of: id).host & 255)
    }

    private func cookie(_ visitor: Visitor) -> (String, String) { ("Cookie", "a=b; " + visitor.field!.value.split(separator: ";")[0]) }

    private let cookies = SessionRules(.cookie(isPermanent: false), name: "shop")

    @Test func `a client comes back to where it was, and is told once`() {
        var router = router(cookies, [("web-1", .ready), ("web-2", .ready), ("web-3", .ready)])
        let first = visit(&router)
        #expect(first.field?.name == "Set-Cookie")
        #expect(first.field?.value.hasSuffix("; Path=/; HttpOnly; SameSite=Lax") == true)
        for _ in 0..<10 {
            let again = visit(&router, [cookie(first)])
            #expect(again.last == first.last && again.field == nil)
        }
        #expect(Set((0..<3).map { _ in visit(&router).last }) == [1, 2, 3], "others are spread")
    }

    @Test func `a request that waited while its pod left is not led to who has that pod's number now`() {
        var router = router(cookies, [("web-1", .ready), ("web-2", .ready)])
        var first = visit(&router)
        while first.last != 1 { first = visit(&router) }
        let head = RequestHead(method: "GET", target: "/", headers: HTTPHeaders([cookie(first)]))
        let time = Timestamp(nanosecondsSince1970: 1_800_000_000 * 1_000_000_000)
        guard let backend = router.backend(name), case .stay(var stay) = router.admit(backend, head, client: 1, now: .zero) else {
            Issue.record("not let in")
            return
        }
        router.recall(&stay, head, time: { time })
        put(cookies, [("web-2", .ready)], &router)
        put(cookies, [("web-2", .ready), ("web-3", .ready)], &router)
        // The new one has something to do, so that nothing but the token would lead there.
        guard case .endpoint(let busy) = router.choose(backend, client: 1, avoiding: [], now: .zero) else {
            return _ = Issue.record("no endpoint")
        }
        guard case .endpoint(let chosen) = router.choose(backend, client: 1, avoiding: [], stay: stay, now: .zero) else {
            return _ = Issue.record("no endpoint")
        }
        #expect(busy != chosen)
        guard case .endpoint(let third) = router.choose(backend, client: 1, avoiding: [], stay: stay, now: .zero) else {
            return _ = Issue.record("no endpoint")
        }
        guard case .endpoint(let fourth) = router.choose(backend, client: 1, avoiding: [], stay: stay, now: .zero) else {
            return _ = Issue.record("no endpoint")
        }
        #expect(third != fourth, "they take turns, as without a token")
    }

    @Test func `the token names neither pod nor address, and differs from Service to Service`() {
        let tokens = SessionTokens(Self.key, name.service)
        let endpoint = RouteTable.Endpoint(EndpointAddress(host: 0x7F40_0001, port: 8080), .ready, pod: "web-1")
        let text = tokens.write(.init(mark: tokens.mark(of: endpoint), begun: 1, written: 1))
        #expect(text.utf8.count == 46)
        #expect(!text.contains("web") && !text.contains("127") && !text.contains("8080"))
        #expect(SessionTokens(Self.key, .init("default", "shop")).mark(of: endpoint) != tokens.mark(of: endpoint))
        #expect(tokens.read(text, cookies, now: 2) == .init(mark: tokens.mark(of: endpoint), begun: 1, written: 1))
        #expect(SessionTokens(Self.key, .init("default", "shop")).read(text, cookies, now: 2) == nil)
    }

    @Test func `what is forged in any letter, cut short, too long or signed with another key is no session`() {
        var random = SeededRandom(seed: 3)
        let tokens = SessionTokens(Self.key, name.service)
        let text = tokens.write(.init(mark: 42, begun: 1_800_000_000, written: 1_800_000_000))
        for index in text.indices {
            var forged = text
            forged.replaceSubrange(index...index, with: text[index] == "A" ? "Q" : "A")
            #expect(tokens.read(forged, cookies, now: 1_800_000_000) == nil, "\(forged)")
        }
        for bad in [
            "", "x", String(text.dropLast()), text + "A", text + text, String(repeating: "=", count: 46), String(repeating: "ä", count: 23),
        ] {
            #expect(tokens.read(bad, cookies, now: 1_800_000_000) == nil)
        }
        #expect(SessionTokens(SessionKey(using: &random), name.service).read(text, cookies, now: 1_800_000_000) == nil)
    }

    @Test func `another proxy with the same key, and one after a restart, leads the client to the same pod`() {
        let pods: [(String, RouteTable.Standing)] = [("web-1", .ready), ("web-2", .ready), ("web-3", .ready)]
        var one = router(cookies, pods)
        _ = visit(&one)
        let first = visit(&one)
        var other = router(cookies, pods.reversed())
        #expect(visit(&other, [cookie(first)]).last == first.last)
    }

    /// What happens to the instance, and whether its client stays there.
    @Test(arguments: [RouteTable.Standing.terminating, .withheld, nil])
    func `a client of an instance that is withdrawn or gone is led elsewhere, told so, and stays there`(standing: RouteTable.Standing?) {
        var router = router(cookies, [("web-1", .ready), ("web-2", .ready), ("web-3", .ready)])
        let first = visit(&router)
        put(
            cookies,
            (standing.map { [("web-\(first.last!)", $0)] } ?? []) + (1...3).filter { $0 != first.last }.map { ("web-\($0)", .ready) },
            &router)
        let moved = visit(&router, [cookie(first)])
        #expect(moved.last != first.last && moved.field != nil)
        put(cookies, (1...3).map { ("web-\($0)", .ready) }, &router)
        for _ in 0..<5 { #expect(visit(&router, [cookie(moved)]).last == moved.last) }
    }

    @Test func `a client whose instance refused, or is avoided by this request, is led elsewhere`() {
        var router = router(cookies, [("web-1", .ready), ("web-2", .ready)])
        let first = visit(&router)
        let id = EndpointID(index: Int(first.last!) - 1)
        #expect(visit(&router, [cookie(first)], avoiding: [id]).last != first.last)
        router.refused(id, now: .zero)
        #expect(visit(&router, [cookie(first)]).last != first.last)
    }

    @Test func `a session ends after its absolute time, however often it is used`() {
        var rules = cookies
        rules.absoluteTimeout = .seconds(100)
        var router = router(rules, [("web-1", .ready), ("web-2", .ready)])
        let first = visit(&router)
        #expect(visit(&router, [cookie(first)], at: 99).field == nil)
        #expect(visit(&router, [cookie(first)], at: 100).field != nil)
    }

    @Test func `a session that is used does not get idle, and its absolute time goes on`() {
        var rules = cookies
        rules.idleTimeout = .seconds(40)
        rules.absoluteTimeout = .seconds(100)
        var router = router(rules, [("web-1", .ready), ("web-2", .ready)])
        let first = visit(&router)
        #expect(visit(&router, [cookie(first)], at: 9).field == nil, "not with every response")
        let second = visit(&router, [cookie(first)], at: 30)
        #expect(second.field != nil && second.last == first.last)
        #expect(visit(&router, [cookie(first)], at: 40).field != nil)
        let third = visit(&router, [cookie(second)], at: 69)
        #expect(third.last == first.last)
        let tokens = SessionTokens(Self.key, name.service)
        let value = third.field!.value.split(separator: ";")[0].split(separator: "=")[1]
        #expect(tokens.read(value, rules, now: 1_800_000_069)?.begun == 1_800_000_000)
        #expect(tokens.read(value, rules, now: 1_800_000_100) == nil)
    }

    @Test func `a permanent cookie says how long it is good`() {
        var rules = SessionRules(.cookie(isPermanent: true), name: "shop", absoluteTimeout: .seconds(3600))
        rules.idleTimeout = .seconds(100)
        var router = router(rules, [("web-1", .ready)])
        let first = visit(&router)
        #expect(first.field?.value.hasSuffix("; Max-Age=3600") == true)
        #expect(visit(&router, [cookie(first)], at: 60).field?.value.hasSuffix("; Max-Age=3540") == true)
    }

    @Test func `a header field does what a cookie does, and comes with every response`() {
        let rules = SessionRules(.header, name: "X-Session")
        var router = router(rules, [("web-1", .ready), ("web-2", .ready)])
        let first = visit(&router)
        #expect(first.field?.name == "X-Session")
        for _ in 0..<4 {
            let again = visit(&router, [("x-session", first.field!.value)])
            #expect(again.last == first.last && again.field != nil)
        }
    }

    @Test func `a client that is known by its address needs to be told nothing`() {
        var router = router(SessionRules(.sourceIP, idleTimeout: .seconds(10)), [("web-1", .ready), ("web-2", .ready)])
        let first = visit(&router)
        #expect(first.field == nil)
        for second in [0, 5, 14] as [Int64] { #expect(visit(&router, at: second).last == first.last) }
        #expect(visit(&router, at: 30).last != first.last)
    }
}
