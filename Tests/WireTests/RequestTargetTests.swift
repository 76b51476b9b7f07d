import Testing

@testable import Wire

@Suite struct `Targets` {
    @Test func `are taken apart and decoded`() throws {
        let target = try RequestTarget("/api/v1/a%2Fb//c/?labelSelector=app+in+%28web%2Cx%29%2C%21foo&command=ls&command=-l&watch&x=")
        #expect(target.segments == ["api", "v1", "a/b", "c"])
        #expect(target.path == "/api/v1/a/b//c/")
        #expect(target.first("labelSelector") == "app in (web,x),!foo")
        #expect(target.all("command") == ["ls", "-l"])
        #expect(target.first("watch") == "")
        #expect(target.first("x") == "")
        #expect(target.authority == nil)
    }

    @Test func `may be whole URLs`() throws {
        let target = try RequestTarget("http://127.0.0.1:80?a=b")
        #expect(target.authority == "127.0.0.1:80")
        #expect(target.path == "/")
        #expect(target.first("a") == "b")
    }

    @Test(arguments: ["/%", "/%1", "/%zz", "/%00", "/%ff", "/?a=%C3"]) func `with bad escapes are refused`(text: String) {
        #expect(throws: WireError.self) { try RequestTarget(text) }
    }

    @Test func `are written so that they read the same`() throws {
        let text = RequestTarget.text(segments: ["a b", "c/d", "ü%"], query: [("x", "1+2 &="), ("ö", "")])
        #expect(text == "/a%20b/c%2Fd/%C3%BC%25?x=1%2B2%20%26%3D&%C3%B6=")
        let target = try RequestTarget(text)
        #expect(target.segments == ["a b", "c/d", "ü%"])
        #expect(target.first("x") == "1+2 &=")
    }
}

@Suite struct `A byte queue` {
    @Test func `gives back what was put in, in order`() {
        var queue = ByteQueue()
        var expected: [UInt8] = []
        var random = SystemRandomNumberGenerator()
        for round in 0..<2000 {
            let bytes = (0..<Int.random(in: 0...300, using: &random)).map { UInt8(truncatingIfNeeded: $0 + round) }
            queue.append(bytes)
            expected += bytes
            let count = Int.random(in: 0...expected.count, using: &random)
            if round % 3 == 0 {
                #expect(queue.take(count) == Array(expected.prefix(count)))
                expected.removeFirst(count)
            } else if round % 3 == 1 {
                var other = ByteQueue()
                queue.move(count, to: &other)
                #expect(other.bytes == Array(expected.prefix(count)))
                expected.removeFirst(count)
            }
            #expect(queue.count == expected.count)
        }
        #expect(queue.bytes == expected)
    }
}
