import Testing

@testable import Formats

@Suite struct `Reading JSON` {
    @Test(
        arguments: [
            ("1", .int(1)), ("-0", .int(0)), ("1.0", .double(1)), ("1e2", .double(100)), ("9223372036854775807", .int(.max)),
            ("-9223372036854775808", .int(.min)), ("9223372036854775808", .double(9_223_372_036_854_775_808)),
            ("\"\\u00e9\\ud83d\\ude00\"", "é😀"),
            ("\"\\u0000\"", "\u{0}"), (" [ ] ", .array([])), ("{\"a\":{\"b\":[null,true,false]}}", ["a": ["b": [nil, true, false]]]),
            ("{\"a\":1,\"a\":2}", ["a": 2]),
        ] as [(String, Value)])
    func `a text means`(text: String, expected: Value) throws {
        #expect(try JSON.parse(text: text) == expected)
    }

    @Test(arguments: [
        ("", "1:1: the text ends where a value was expected"),
        ("{\"a\":1,}", "1:8: found '}' where a key in double quotes was expected"),
        ("{\n  \"é\": tru\n}", "2:8: expected \"true\""),
        ("[1 2]", "1:4: found '2' where ',' or ']' was expected"),
        ("\"a\tb\"", "1:3: a tab inside a string must be written as an escape"),
        ("\"\\ud800\"", "1:2: a lone surrogate is no character"),
        ("01", "1:1: a number may not start with 0"),
        ("1e999", "1:1: the number 1e999 is out of range"),
        ("{} x", "1:4: found 'x' after the end of the JSON text"),
        ("\u{FEFF}{}", "1:1: found '\u{FEFF}' where a value was expected"),
    ])
    func `an error names the place, what was found and what is allowed`(text: String, expected: String) {
        let error = #expect(throws: FormatError.self) { try JSON.parse(text: text) }
        #expect(error?.description == expected)
    }

    @Test func `invalid UTF-8 is refused where it begins`() {
        let error = #expect(throws: FormatError.self) { try JSON.parse([0x22, 0x61, 0xFF, 0x22]) }
        #expect(error?.description == "1:3: the string is not valid UTF-8: the byte 0xff")
    }

    @Test func `nesting stops at the limit with an error, not with a crash`() throws {
        #expect(throws: Never.self) { try JSON.parse(text: String(repeating: "[", count: 256) + String(repeating: "]", count: 256)) }
        let error = #expect(throws: FormatError.self) { try JSON.parse(text: String(repeating: "[", count: 100_000)) }
        #expect(error?.message == "nested more than 256 levels deep")
    }

    @Test func `every prefix of a text is refused`() throws {
        let text = Array("{\"a\":[1,-2.5e3,\"x\\u0041\\n\",true,null],\"b\":{}}".utf8)
        for length in 0..<text.count { #expect(throws: FormatError.self) { try JSON.parse(Array(text[..<length])) } }
        #expect(try JSON.parse(text)["a"][2] == "xA\n")
    }

    @Test func `positions are those of keys and values, and repeated keys are listed`() throws {
        let document = try JSON.parseWithPositions(Array("{\n \"é\": [1,\n  {\"b\": 2, \"b\": 3}]\n}".utf8))
        #expect(document.positions[[]] == .init(key: nil, value: .init(line: 1, column: 1)))
        #expect(document.positions[["é"]] == .init(key: .init(line: 2, column: 2), value: .init(line: 2, column: 7)))
        #expect(document.positions[["é", 1, "b"]] == .init(key: .init(line: 3, column: 12), value: .init(line: 3, column: 17)))
        #expect(document.positions[["é", 2]] == nil)
        #expect(document.positions.nearest(["é", 1, "missing"])?.value == .init(line: 3, column: 3))
        #expect(document.positions.duplicates.map(\.path.fieldPath) == ["é[1].b"])
        #expect(document.positions.duplicates.first?.first == .init(line: 3, column: 4))
        #expect(document.value == ["é": [1, ["b": 3]]])
    }
}

struct `Repeated keys` {
    @Test(arguments: [
        ("{\"a\":1,\"b\":{\"a\":2}}", false), ("{\"a\":1,\"a\":1}", true), ("[{\"x\":[{\"a\":1,\"b\":2,\"a\":3}]}]", true),
        ("[1,1]", false),
    ])
    func `are noticed at any depth`(_ text: String, _ isRepeated: Bool) throws {
        let read = try JSON.parseNotingRepetition(Array(text.utf8))
        #expect(read.hasRepeatedKey == isRepeated)
        #expect(try read.value == JSON.parse(text: text))
    }

    @Test func `are noticed in large objects`() throws {
        let members = (0..<60).map { "\"k\($0)\":\($0)" }.joined(separator: ",")
        #expect(try !JSON.parseNotingRepetition(Array("{\(members)}".utf8)).hasRepeatedKey)
        #expect(try JSON.parseNotingRepetition(Array("{\(members),\"k7\":0}".utf8)).hasRepeatedKey)
    }
}

@Suite struct `Writing JSON` {
    @Test(
        arguments: [
            (.double(3), "3"), (.double(-0.5), "-0.5"), (.double(1e21), "1e+21"), (.double(1e20), "100000000000000000000"),
            (.double(1e-7), "1e-7"),
            (.double(0.000001), "0.000001"), (.double(123.456), "123.456"), (.double(1.5e300), "1.5e+300"),
            (.int(.min), "-9223372036854775808"),
            (.int(10), "10"), ("a\"\\\n\u{1}é😀", "\"a\\\"\\\\\\n\\u0001é😀\""), (["a": [1, nil], "b": [:]], "{\"a\":[1,null],\"b\":{}}"),
        ] as [(Value, String)])
    func `a value is written as`(value: Value, expected: String) {
        #expect(JSON.text(value) == expected)
    }

    @Test func `pretty text is indented by four spaces`() {
        #expect(
            JSON.text(["a": [1, ["b": [], "c": [:]]]], pretty: true) == """
                {
                    "a": [
                        1,
                        {
                            "b": [],
                            "c": {}
                        }
                    ]
                }

                """)
    }

    @Test func `appending goes on behind what is there`() {
        var bytes = Array("x".utf8)
        JSON.append(["a": "b"], to: &bytes)
        #expect(String(decoding: bytes, as: UTF8.self) == "x{\"a\":\"b\"}")
    }

    @Test func `what must be escaped is found at every place of a string`() throws {
        for length in 0..<20 {
            for place in 0..<max(1, length) {
                for special in ["\"", "\\", "\u{0}", "\u{1F}", " ", "é", "\u{7F}", "😀"] {
                    let text = String(repeating: "!", count: place) + special + String(repeating: "~", count: max(0, length - place - 1))
                    #expect(try JSON.parse(JSON.serialize(.string(text))) == .string(text))
                }
                let control = Array("\"\(String(repeating: "a", count: place))\u{1}\(String(repeating: "a", count: 20))\"".utf8)
                #expect(throws: FormatError.self) { try JSON.parse(control) }
            }
        }
    }
}
