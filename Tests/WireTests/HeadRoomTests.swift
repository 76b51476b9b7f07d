import Testing

@testable import Wire

@Suite struct `Room for heads` {
    /// Reads a request, gives its memory back, and says where it lay.
    private func place(_ text: String, _ room: inout HeadRoom) throws -> (UnsafeRawPointer?, [String]) {
        var reader = RequestReader()
        var input = ByteQueue(Array(text.utf8))
        guard case .head(var head)? = try reader.next(&input, &room) else { return (nil, []) }
        let found = [head.target] + head.headers.pairs.map { "\($0.name)=\($0.value)" }
        let place = head.headers.bytes.withUnsafeBytes { $0.baseAddress }
        room.takeBack(&head.headers)
        #expect(head.headers.isEmpty && head.target.isEmpty)
        return (place, found)
    }

    @Test func `serves one head after the other, and nothing of the earlier one shows`() throws {
        var room = HeadRoom()
        let long = try place("GET /longer/than/fifteen HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\r\n", &room)
        var reader = RequestReader()
        var input = ByteQueue(Array("GET /second/and/long/too HTTP/1.1\r\nHost: b\r\n\r\n".utf8))
        guard case .head(let head)? = try reader.next(&input, &room) else {
            Issue.record("no head")
            return
        }
        #expect(head.headers.bytes.withUnsafeBytes { $0.baseAddress } == long.0)
        #expect(head.headers.pairs.map(\.value) == ["b"])
        #expect(head.target == "/second/and/long/too")
    }

    @Test func `leaves alone what somebody still looks at`() throws {
        var room = HeadRoom()
        var reader = RequestReader()
        var input = ByteQueue(Array("GET /a HTTP/1.1\r\nHost: a\r\n\r\n".utf8))
        guard case .head(let held)? = try reader.next(&input, &room) else {
            Issue.record("no head")
            return
        }
        var given = held
        room.takeBack(&given.headers)
        _ = try place("GET /b HTTP/1.1\r\nHost: b\r\n\r\n", &room)
        #expect(held.target == "/a")
        #expect(held.headers.pairs.map(\.value) == ["a"])
    }

    @Test func `is asked for again when a head is cut`() throws {
        var room = HeadRoom()
        for _ in 0..<3 {
            var reader = ResponseReader()
            reader.expect(method: "GET")
            var input = ByteQueue()
            var found: ResponseHead?
            for octet in Array("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nA: b\r\n\r\n".utf8) {
                input.append(octet)
                if case .head(let head)? = try reader.next(&input, &room) { found = head }
            }
            #expect(found?.headers.pairs.map(\.name) == ["Content-Length", "A"])
            if var found { room.takeBack(&found.headers) }
        }
    }
}

@Suite struct `A target` {
    private func head(_ target: String) throws -> RequestHead? {
        var reader = RequestReader()
        var input = ByteQueue(Array("\r\nGET \(target) HTTP/1.1\r\nHost: x\r\nA: b\r\n\r\n".utf8))
        guard case .head(let head)? = try reader.next(&input) else { return nil }
        return head
    }

    @Test(arguments: ["/", "/a?b=c", "/caf\u{E9}/\u{1F600}", "http://x/y"]) func `is what was sent`(target: String) throws {
        var head = try #require(try head(target))
        #expect(head.target == target)
        head.headers.remove("host")
        head.headers.add("X-Further", "y")
        #expect(head.target == target)
    }

    @Test func `can be another one`() throws {
        var head = try #require(try head("/a"))
        head.target = "/other"
        #expect(head.target == "/other")
    }

    @Test func `that is not UTF-8 is refused`() {
        var reader = RequestReader()
        var input = ByteQueue(Array("GET /".utf8) + [0xC3, 0x28] + Array(" HTTP/1.1\r\nHost: x\r\n\r\n".utf8))
        #expect(throws: WireError(400, "the request's target is not UTF-8")) { try reader.next(&input) }
    }
}

@Suite struct `A reason` {
    @Test(arguments: ["OK", "Internal Server Error", "Internal Server Horror", "Fine"]) func `is what was sent`(reason: String) throws {
        var reader = ResponseReader()
        reader.expect(method: "GET")
        var input = ByteQueue(Array("HTTP/1.1 500 \(reason)\r\nContent-Length: 0\r\n\r\n".utf8))
        guard case .head(let head)? = try reader.next(&input) else {
            Issue.record("no head")
            return
        }
        #expect(head.reason == reason)
    }
}
