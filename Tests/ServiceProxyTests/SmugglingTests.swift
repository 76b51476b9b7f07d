import Testing

@testable import ServiceProxy

/// Each case goes through a real proxy to an endpoint that writes down what it is asked.
@Suite(.serialized) struct `What a client means is what the endpoint is asked` {
    private static let canary = "GET /canary HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n"

    @Test(arguments: SmugglingCase.files) func `however it is framed, and nothing that is ambiguous gets there`(file: String) throws {
        let cases = try SmugglingCase.read(file)
        #expect(cases.count >= 50)
        let harness = try Harness()
        // By the connection's number; of one case at a time.
        var heard: [Int: [UInt8]] = [:]
        var connectionCount = 0
        _ = try harness.backend { peer in
            let index = connectionCount
            connectionCount += 1
            var answeredCount = 0
            peer.onBytes = { peer in
                if !peer.isEnded { heard[index] = peer.received }
                let recording = Recording(peer.received)
                while answeredCount < recording.requests.count {
                    answeredCount += 1
                    peer.send("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
                }
            }
        }
        for given in cases {
            heard = [:]
            let client = try harness.client()
            client.send(given.bytes + Array(Self.canary.utf8))
            harness.wait { client.isEnded || client.failure != nil }
            let all = heard.sorted { $0.key < $1.key }.map(\.value)
            let problems = Self.problems(of: given, client.text, all.map { Recording($0) }, all)
            if !problems.isEmpty { Issue.record("\(given): \(problems.joined(separator: "; "))") }
            client.close()
            // The endpoints' connections end with the case, so that what each hears is the case's alone.
            harness.wait { harness.plane.openConnectionCount == 0 }
            harness.plane.closeAll()
        }
    }

    private static func problems(of given: SmugglingCase, _ answer: String, _ recordings: [Recording], _ heard: [[UInt8]]) -> [String] {
        var problems: [String] = []
        let canary = given.staysOpen ? ["GET /canary"] : []
        let requests = recordings.flatMap(\.requests)
        if requests.sorted() != (given.requests + canary).sorted() { problems.append("the endpoint was asked \(requests)") }
        if recordings.count == 1, requests != given.requests + canary { problems.append("in another order: \(requests)") }
        for recording in recordings where !recording.problem.isEmpty { problems.append(recording.problem) }
        let statuses = answer.components(separatedByText: "HTTP/1.1 ").dropFirst().compactMap { Int($0.prefix(3)) }
        if statuses != given.statuses + canary.map({ _ in 200 }) { problems.append("answered \(statuses)") }
        let last = recordings.flatMap(\.heads).last { given.requests.last?.hasPrefix($0[0].dropLast(9)) == true } ?? []
        for line in given.lines where !last.contains(line) { problems.append("\(line) is not in \(last)") }
        let all = heard.map { SmugglingCase.latin($0) }.joined()
        for part in given.absent where all.contains(part) { problems.append("\(part) came through") }
        return problems
    }
}
