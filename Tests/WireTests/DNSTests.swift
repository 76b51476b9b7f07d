import Testing

@testable import Wire

/// What stands in RFC 1035's examples, and every way in which a message can lie about its lengths.
@Suite struct DNSTests {
    private func octets(_ hex: String) -> [UInt8] {
        let digits = hex.filter { !$0.isWhitespace }.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    private func name(_ text: String) throws -> DNSName { try #require(DNSName(text)) }

    /// A query for F.ISI.ARPA, A, id 1234, recursion desired.
    private let query = "1234 0100 0001 0000 0000 0000 01 46 03 495349 04 41525041 00 0001 0001"

    @Test func `A query says what it asks, and keeps the case of its name`() throws {
        let message = try DNSMessage(octets(query))
        #expect(message.id == 0x1234 && message.wantsRecursion && !message.isResponse)
        #expect(message.questions == [DNSMessage.Question(try name("f.isi.arpa"), .a)])
        #expect(message.questions[0].name.description == "F.ISI.ARPA.")
        #expect(message.datagramByteLimit == 512)
        #expect(message.serialized() == octets(query))
    }

    @Test func `Names are equal whatever the case of their ASCII letters`() throws {
        #expect(try name("Web.Default") == name("wEB.default."))
        #expect(try name("a@").hashValue != name("a`").hashValue)
        #expect(try !name("Web").isIdentical(to: name("web")))
        #expect(try name("a.B.c").isWithin(name("b.C")))
        #expect(try !name("ab.c").isWithin(name("b.c")))
        #expect(try name("X.y.cluster.local").lowercasedLabels(before: name("CLUSTER.local")) == ["x", "y"])
    }

    @Test func `A name with a dot, a zero or a letter outside of ASCII within a label is told apart in text`() {
        #expect(DNSName(labels: [Array("a.b".utf8), [0, 200, 0x5C]])?.description == "a\\.b.\\000\\200\\\\.")
        #expect(DNSName.root.description == ".")
    }

    @Test(arguments: ["a..b", ".", "..", "", String(repeating: "a", count: 64), String(repeating: "abcdefg.", count: 32)])
    func `Text that is too long or has an empty label is no name, but for the root`(text: String) {
        let isRoot = text == "." || text.isEmpty
        #expect((DNSName(text) == nil) != isRoot)
    }

    @Test func `A label may have 63 octets and a name 255`() throws {
        #expect(DNSName(String(repeating: "a", count: 63)) != nil)
        let longest = String(repeating: "abcdefg.", count: 31) + "abcde"
        #expect(DNSName(longest) != nil && DNSName(longest + "f") == nil)
        let asked = DNSMessage(id: 1, asking: .init(try name(longest), .a)).serialized()
        #expect(try DNSMessage(asked).questions[0].name == name(longest))
    }

    @Test func `An answer reads as it was written, its names compressed`() throws {
        var answer = DNSMessage(id: 7, asking: .init(try name("_http._tcp.Web.default.svc.cluster.local"), .srv)).response()
        let target = try name("Web.default.svc.cluster.local")
        answer.isAuthoritative = true
        answer.answers = [
            .init(answer.questions[0].name, .srv, .service(priority: 1, weight: 2, port: 80, target: target), timeToLive: 5),
            .init(target, .cname, .name(try name("x.example")), timeToLive: 5),
        ]
        answer.authorities = [
            .init(
                try name("cluster.local"), .soa,
                .authority(
                    .init(server: try name("ns.dns.cluster.local"), mailbox: try name("h.cluster.local"), serial: 9, minimum: 5)),
                timeToLive: 5)
        ]
        answer.additional = [
            .init(target, .a, .a(0x7F20_0001), timeToLive: 5), .init(target, .txt, .opaque([1, 65]), timeToLive: 5),
        ]
        let octets = answer.serialized()
        #expect(try DNSMessage(octets) == answer)
        // The question is written out, the owner of the first record points at it.
        #expect(Array(octets[58..<60]) == [0xC0, 12])
        var plain = answer
        plain.questions = []
        #expect(plain.serialized().count < octets.count + 64)
    }

    @Test func `A pointer leads to what stands before it, in any case of letters as it was there`() throws {
        // F.ISI.ARPA; then FOO.F.ISI.ARPA as a label and a pointer.
        let text = "0001 8000 0001 0001 0000 0000 01 46 03 495349 04 41525041 00 0001 0001 03 464F4F C00C 0001 0001 00000005 0004 0A000034"
        let message = try DNSMessage(octets(text))
        #expect(message.answers[0].name.description == "FOO.F.ISI.ARPA.")
        #expect(message.answers[0].content == .a(0x0A00_0034))
    }

    /// Each with what is wrong with it.
    static let malformed: [(String, String)] = [
        ("", "nothing"),
        ("1234 0100 0001 0000 0000 00", "a header cut short"),
        ("1234 0100 0001 0000 0000 0000", "no question where one is promised"),
        ("1234 0100 ffff ffff ffff ffff 00 0001 0001", "counts that nothing stands behind"),
        ("1234 0100 0001 0000 0000 0000 01 46 00 0001", "a question cut short"),
        ("1234 0100 0001 0000 0000 0000 03 4649 0001 0001", "a label that takes in what follows"),
        ("1234 0100 0001 0000 0000 0000 3f 46 00 0001 0001", "a label longer than the message"),
        ("1234 0100 0001 0000 0000 0000 c00c 0001 0001", "a pointer at itself"),
        ("1234 0100 0001 0000 0000 0000 01 46 c00c 0001 0001", "a pointer at its own name"),
        ("1234 0100 0001 0000 0000 0000 c0ff 0001 0001", "a pointer behind the end"),
        ("1234 0100 0001 0000 0000 0000 c010 00 01 46 00 0001 0001", "a pointer forwards"),
        ("1234 0100 0001 0000 0000 0000 c000 0001 0001", "a pointer into the header"),
        ("1234 0100 0001 0000 0000 0000 c0", "half a pointer"),
        ("1234 0100 0001 0000 0000 0000 41 46 00 0001 0001", "an extended label (RFC 6891, 5)"),
        ("1234 0100 0001 0000 0000 0000 81 46 00 0001 0001", "a label of a form that nobody defined"),
        ("1234 0100 0001 0000 0000 0000 01 46 00 0001 0001 00", "an octet too much"),
        ("1234 8000 0000 0001 0000 0000 00 0001 0001 00000005 0003 010203", "an address of three octets"),
        ("1234 8000 0000 0001 0000 0000 00 0001 0001 00000005 0005 0102030405", "an address of five octets"),
        ("1234 8000 0000 0001 0000 0000 00 0001 0001 00000005 0400 01020304", "data longer than the message"),
        ("1234 8000 0000 0001 0000 0000 00 0005 0001 00000005 0004 03 666f 6f", "a name longer than its data"),
        ("1234 8000 0000 0001 0000 0000 00 0021 0001 00000005 0005 0000 0000 00", "a service record cut short"),
        ("1234 8000 0000 0001 0000 0000 00 0006 0001 00000005 0003 00 00 01", "an authority cut short"),
        ("1234 0100 0000 0000 0000 0002 00 0029 04d0 00000000 0000 00 0029 04d0 00000000 0000", "OPT twice"),
        ("1234 0100 0000 0000 0000 0001 01 46 00 0029 04d0 00000000 0000", "OPT of a name"),
        ("1234 0100 0000 0001 0000 0000 00 0029 04d0 00000000 0000", "OPT as an answer"),
    ]

    @Test(arguments: malformed) func `A malformed message is refused`(hex: String, what: String) {
        #expect(throws: DNSError.self, "\(what)") { try DNSMessage(self.octets(hex)) }
    }

    @Test func `No beginning of a message is a message`() throws {
        var answer = try DNSMessage(octets(query)).response()
        answer.answers = [.init(answer.questions[0].name, .a, .a(1), timeToLive: 5)]
        answer.extended = DNSMessage.Extension()
        let whole = answer.serialized()
        for count in 0..<whole.count { #expect(throws: DNSError.self) { try DNSMessage(Array(whole[..<count])) } }
    }

    @Test func `A name of pointers that grows beyond 255 octets is refused`() throws {
        // Each name is a label of 63 and a pointer to the one before.
        var message: [UInt8] = octets("0001 0100 0005 0000 0000 0000")
        var last = 0
        for index in 0..<5 {
            let here = message.count
            message += [63] + Array(repeating: 97, count: 63)
            message += index == 0 ? [0] : [0xC0 | UInt8(last >> 8), UInt8(last & 255)]
            message += [0, 1, 0, 1]
            last = here
        }
        #expect(throws: DNSError.self) { try DNSMessage(message) }
    }

    @Test func `EDNS0 says how long a datagram may be, and its options are tolerated`() throws {
        let text = "1234 0100 0001 0000 0000 0001 01 46 00 0001 0001 00 0029 04d0 00008000 000c 000a 0008 0102030405060708"
        let message = try DNSMessage(octets(text))
        #expect(message.extended == DNSMessage.Extension(datagramByteLimit: 1232, wantsSignatures: true))
        #expect(message.datagramByteLimit == 1232)
        let small = try DNSMessage(octets("1234 0100 0000 0000 0000 0001 00 0029 0010 00000000 0000"))
        #expect(small.datagramByteLimit == 512)
        let answer = try DNSMessage(message.response(.badVersion).serialized())
        #expect(answer.outcome == .badVersion && answer.outcomeLow == 0 && answer.extended?.wantsSignatures == true)
    }

    @Test(arguments: [512, 600, 1232, 4096]) func `What does not fit is left out and told, and what is sent can be read`(limit: Int) throws
    {
        var answer = try DNSMessage(octets(query)).response()
        answer.extended = DNSMessage.Extension()
        answer.answers = (0..<100).map { .init(answer.questions[0].name, .a, .a($0), timeToLive: 5) }
        answer.additional = [.init(answer.questions[0].name, .a, .a(7), timeToLive: 5)]
        let octets = answer.serialized(limit: limit)
        let read = try DNSMessage(octets)
        #expect(octets.count <= limit)
        #expect(read.isTruncated == (limit < 4096))
        #expect(read.extended != nil)
        #expect(read.answers == Array(answer.answers.prefix(read.answers.count)))
        #expect(octets.count + 16 > limit || read.answers.count == 100)
        #expect(read.additional.isEmpty == (limit < 4096))
    }

    @Test func `Additional records that do not fit are no truncation`() throws {
        var answer = try DNSMessage(octets(query)).response()
        answer.additional = (0..<100).map { .init(answer.questions[0].name, .a, .a($0), timeToLive: 5) }
        let read = try DNSMessage(answer.serialized(limit: 512))
        #expect(!read.isTruncated && (1..<100).contains(read.additional.count))
    }

    @Test func `A name that was taken back with its record is not pointed at`() throws {
        var answer = try DNSMessage(octets(query)).response()
        let long = try name(String(repeating: "abcdefg.", count: 29) + "x")
        answer.answers = [.init(long, .cname, .name(long), timeToLive: 5)]
        answer.authorities = []
        answer.additional = [.init(try name("x"), .a, .a(1), timeToLive: 5)]
        #expect(try DNSMessage(answer.serialized(limit: 100)).answers.isEmpty)
        answer.answers = []
        answer.additional = [.init(long, .a, .a(1), timeToLive: 5), .init(try name("x"), .a, .a(1), timeToLive: 5)]
        #expect(try DNSMessage(answer.serialized(limit: 100)).additional.isEmpty)
    }

    @Test func `A message longer than a pointer reaches still reads as it was written`() throws {
        var answer = DNSMessage(id: 1)
        answer.isResponse = true
        for index in 0..<1500 {
            let owner = try name("pod-\(index).web.default.svc.cluster.local")
            answer.answers.append(.init(owner, .a, .a(UInt32(index)), timeToLive: 5))
        }
        let octets = answer.serialized()
        #expect(octets.count > 0x4000)
        #expect(try DNSMessage(octets) == answer)
    }

    // MARK: TCP

    @Test(arguments: [1, 2, 3, 7, 1000]) func `A stream is cut into the same messages however it arrives`(pieceCount: Int) throws {
        let messages = [octets(query), octets(query) + [0], Array(repeating: 9, count: 300)]
        let stream = messages.flatMap(DNSStream.framed)
        var input = ByteQueue()
        var found: [[UInt8]] = []
        var at = 0
        while at < stream.count {
            let end = min(stream.count, at + pieceCount)
            input.append(Array(stream[at..<end]))
            at = end
            while let message = try DNSStream.next(&input) { found.append(message) }
        }
        #expect(found == messages)
        #expect(input.isEmpty)
    }

    @Test func `A length that is less than a header ends the stream`() {
        var input = ByteQueue([0, 11] + Array(repeating: 0, count: 11))
        #expect(throws: DNSError.self) { try DNSStream.next(&input) }
    }
}
