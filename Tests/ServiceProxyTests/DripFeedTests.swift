import Testing
import Wire

@testable import ServiceProxy

/// Every input split at every byte gives the same result.
@Suite(.serialized) struct DripFeedTests {
    /// What a reader made of its input: its parts, and how it ended.
    private struct Reading: Equatable {
        var lines: [String] = []
        /// Octets that nobody read; where it failed, nobody counts them.
        var rest = 0
        var error: WireError?
    }

    /// Hands the pieces over one by one; `read` is asked again until it has nothing more to say.
    private func feed(_ pieces: [ArraySlice<UInt8>], _ read: (inout ByteQueue, inout [String]) throws(WireError) -> Bool) -> Reading {
        var input = ByteQueue()
        var reading = Reading()
        for piece in pieces {
            input.append(piece)
            do throws(WireError) {
                while try read(&input, &reading.lines) {}
            } catch {
                reading.error = error
                return reading
            }
        }
        reading.rest = input.count
        return reading
    }

    private func requests(_ pieces: [ArraySlice<UInt8>]) -> Reading {
        var reader = RequestReader(limits: .streaming)
        var body: [UInt8] = []
        return feed(pieces) { input, lines throws(WireError) in
            guard let part = try reader.next(&input) else { return false }
            switch part {
            case .head(let head):
                lines.append("\(head.method) \(head.target) \(head.version) \(head.framing) \(head.keepsAlive) \(head.expectsContinue)")
                lines += head.headers.pairs.map { "\($0.name): \($0.value)" }
            case .body(let count): body += input.take(count)
            case .end(let trailers):
                lines.append("body \(body)")
                lines += trailers.pairs.map { "\($0.name): \($0.value)" }
                body = []
            }
            return true
        }
    }

    private func responses(_ pieces: [ArraySlice<UInt8>]) -> Reading {
        var reader = ResponseReader(limits: .streaming)
        reader.expect(method: "GET", mayUpgrade: false)
        var body: [UInt8] = []
        return feed(pieces) { input, lines throws(WireError) in
            guard let part = try reader.next(&input) else { return false }
            switch part {
            case .interim(let head): lines.append("interim \(head.status)")
            case .head(let head):
                lines.append("\(head.version) \(head.status) \(head.reason) \(head.framing) \(head.keepsAlive)")
                lines += head.headers.pairs.map { "\($0.name): \($0.value)" }
            case .body(let count): body += input.take(count)
            case .end(let trailers):
                lines.append("body \(body)")
                lines += trailers.pairs.map { "\($0.name): \($0.value)" }
                body = []
                reader.expect(method: "GET", mayUpgrade: false)
            }
            return true
        }
    }

    /// The first cut after which it is something else.
    private func firstDifference(_ bytes: [UInt8], _ read: ([ArraySlice<UInt8>]) -> Reading) -> String? {
        let whole = read([bytes[...]])
        for cut in bytes.indices where read([bytes[..<cut], bytes[cut...]]) != whole {
            return "cut at \(cut): \(read([bytes[..<cut], bytes[cut...]])) instead of \(whole)"
        }
        let drops = read(bytes.indices.map { bytes[$0...$0] })
        return drops == whole ? nil : "byte by byte: \(drops) instead of \(whole)"
    }

    @Test(arguments: SmugglingCase.files) func `requests, the ambiguous ones too`(file: String) throws {
        var count = 0
        for given in try SmugglingCase.read(file) where given.bytes.count <= 1200 {
            count += 1
            if let difference = firstDifference(given.bytes, requests) { Issue.record("\(given): \(difference)") }
        }
        #expect(count >= 50)
    }

    static let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n",
        "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5;a=\"b\\\"\"\r\nhello\r\n0;c\r\nX: y\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\nuntil the end\r\n\r\n", "HTTP/1.1 200\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "HTTP/1.1 200 OK\r\nX: a\n\r\n",
        "HTTP/1.1 200 OK\r\n X: a\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 99 No\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "<html>",
    ]

    @Test func responses() {
        for answer in Self.answers {
            if let difference = firstDifference(Array(answer.utf8), responses) { Issue.record("\(answer): \(difference)") }
        }
    }

    @Test func `messages of DNS over TCP`() throws {
        let name = try #require(DNSName("web.default.svc.cluster.local"))
        let messages = (1...3).map { DNSMessage(id: UInt16($0), asking: .init(name, .a)).serialized() }
        let bytes = messages.flatMap { [UInt8($0.count >> 8), UInt8($0.count & 255)] + $0 }
        func read(_ pieces: [ArraySlice<UInt8>]) -> [[UInt8]]? {
            var input = ByteQueue()
            var found: [[UInt8]] = []
            for piece in pieces {
                input.append(piece)
                do throws(DNSError) { while let message = try DNSStream.next(&input) { found.append(message) } } catch { return nil }
            }
            return input.isEmpty ? found : nil
        }
        for cut in bytes.indices { #expect(read([bytes[..<cut], bytes[cut...]]) == messages) }
        #expect(read(bytes.indices.map { bytes[$0...$0] }) == messages)
    }

    @Test func `an exchange over a real connection, cut anywhere on its way in and out`() throws {
        let request = "POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3;e=f\r\nabc\r\n0\r\nX-T: 1\r\n\r\n"
        let answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Y: 2\r\n\r\n"
        let harness = try Harness()
        var cut = 0
        var asked: [String] = []
        _ = try harness.backend { peer in
            peer.onBytes = { peer in
                guard let message = Recording(peer.received).requests.first else { return }
                peer.clear()
                asked.append(message)
                let bytes = Array(answer.utf8)
                peer.send(Array(bytes[..<min(cut, bytes.count)]))
                harness.loop.later { peer.send(Array(bytes[min(cut, bytes.count)...])) }
            }
        }
        let client = try harness.client()
        let bytes = Array(request.utf8)
        while cut < bytes.count {
            client.clear()
            client.send(Array(bytes[..<cut]))
            var turnCount = 0
            harness.loop.runUntil(within: .milliseconds(2)) {
                turnCount += 1
                return turnCount > 3
            }
            client.send(Array(bytes[cut...]))
            harness.wait { client.text.hasSuffix("X-Y: 2\r\n\r\n") }
            // Pieces of a body are chunks of their own; what they make is the same.
            #expect(responses([client.received[...]]) == responses([Array(answer.utf8)[...]]), "cut at \(cut)")
            cut += 1
        }
        #expect(asked == Array(repeating: "POST /x \"abc\" {X-T: 1}", count: bytes.count))
    }
}
