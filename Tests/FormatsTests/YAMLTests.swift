import Testing

@testable import Formats

private func parse(_ text: String, _ schema: ScalarSchema = .kubernetes) throws -> Value {
    try #require(try YAML.parse(Array(text.utf8), schema: schema).first).value
}

@Suite struct `Scalars of manifests` {
    /// What kubectl 1.33 makes of `k: TEXT`.
    @Test(arguments: [
        ("0644", "420"), ("0o644", "420"), ("0x1F", "31"), ("0b101", "5"), ("-0x1f", "-31"), ("+12", "12"), ("1_000", "1000"),
        ("1__0", "10"),
        ("_1", "\"_1\""), ("08", "8"), ("0.5", "0.5"), (".5", "0.5"), ("5.", "5"), ("1e3", "1000"), ("1E+3", "1000"), ("1.5e3", "1500"),
        ("+1.5", "1.5"), ("-0", "0"), ("1.0", "1"), ("3.00", "3"), ("685_230.15", "685230.15"), ("1e400", "\"1e400\""), ("yes", "true"),
        ("Yes", "true"), ("YES", "true"), ("yEs", "\"yEs\""), ("no", "false"), ("on", "true"), ("On", "true"), ("ON", "true"),
        ("off", "false"),
        ("y", "true"), ("Y", "true"), ("n", "false"), ("N", "false"), ("true", "true"), ("True", "true"), ("tRUE", "\"tRUE\""),
        ("~", "null"),
        ("null", "null"), ("Null", "null"), ("NULL", "null"), ("nULL", "\"nULL\""), ("2001-12-14", "\"2001-12-14\""), ("1:30", "\"1:30\""),
        ("9223372036854775807", "9223372036854775807"), ("0777777777777777777777777", "7.777777777777778e+23"),
        ("222222212222222240000", "222222212222222240000"), ("-222222212222222240000", "-222222212222222240000"), ("=", "\"=\""),
        ("<<", "\"<<\""), ("1,000", "\"1,000\""), ("0x", "\"0x\""), ("0o8", "\"0o8\""), ("0b2", "\"0b2\""), ("00", "0"), ("007", "7"),
        ("-0644", "-420"), ("+0644", "420"), ("1e", "\"1e\""), ("e3", "\"e3\""), (".", "\".\""), ("+", "\"+\""), ("1.2.3", "\"1.2.3\""),
        ("0x_1", "1"), ("0_7", "7"), ("\"yes\"", "\"yes\""), ("!!str yes", "\"yes\""), ("!!int \"12\"", "12"), ("!!float 3", "3"),
        ("!!bool \"yes\"", "true"), ("!!binary aGk=", "\"hi\""), ("!foo 12", "\"12\""), ("! 12", "\"12\""),
        ("1e2_0", "100000000000000000000"),
        ("+.5", "0.5"), ("-.5e1", "-5"), (".e1", "\".e1\""), ("0.1e-7", "1e-8"), ("1234567890123456789012", "1.2345678901234568e+21"),
        ("1e21", "1e+21"), ("0e0", "0"), ("0x1p3", "\"0x1p3\""), ("Infinity", "\"Infinity\""), ("inf", "\"inf\""), ("", "null"),
    ])
    func `resolve as kubectl does`(text: String, json: String) throws {
        #expect(JSON.text(try parse("k: \(text)\n")["k"]) == json)
    }

    @Test(arguments: [
        ("yes", "true"), ("n", "false"), ("1", "1"), ("0644", "420"), ("1.5", "1.5"), ("1.0", "1"), ("1e3", "1000"), ("0x10", "16"),
        ("2001-01-01", "2001-01-01"), ("1_0", "10"), ("\"y\"", "y"),
    ])
    func `resolve as keys too`(text: String, key: String) throws {
        #expect(try parse("\(text): w\n").object?.keys == [key])
        #expect(try parse("{\(text): w}\n").object?.keys == [key])
    }

    @Test(arguments: [
        ("yes", "\"yes\""), ("0644", "644"), ("0o14", "12"), ("0x1F", "31"), ("1_000", "\"1_000\""), ("1.0", "1"), ("true", "true"),
        ("~", "null"), ("0b1", "\"0b1\""), ("<<", "\"<<\""), ("-.5", "-0.5"), ("+12", "12"),
    ])
    func `of the core schema follow YAML 1.2`(text: String, json: String) throws {
        #expect(JSON.text(try parse("k: \(text)\n", .core)["k"]) == json)
    }
}

@Suite struct `Structure of manifests` {
    /// What kubectl 1.33 makes of a document's `k`.
    @Test(arguments: [
        ("k: |\n  x", "\"x\\n\""), ("k: >-\n  a\n  b\n\n  c\n", "\"a b\\nc\""), ("k: [a,\nb,\n]\n", "[\"a\",\"b\"]"),
        ("k: {a: 1,\n}\n", "{\"a\":1}"),
        ("k:\n- a\n- b: 1\n  c: 2\n", "[\"a\",{\"b\":1,\"c\":2}]"), ("k: a\t# c\n", "\"a\""), ("k:\r\n  a: 1\r\n", "{\"a\":1}"),
        ("k: {a:1, b: 2}\n", "{\"a:1\":null,\"b\":2}"), ("k: {\"a\":1}\n", "{\"a\":1}"), ("k: a#b\n", "\"a#b\""),
        ("k: |2\n    x\n", "\"  x\\n\""),
        ("x: &a [1]\nk: [*a, *a]\n", "[[1],[1]]"), ("k: \"a\n  b\"\n", "\"a b\""), ("k: 'it''s'\n", "\"it's\""),
        ("k:\n  ? a\n  : b\n", "{\"a\":\"b\"}"),
        ("k: [a: b]\n", "[{\"a\":\"b\"}]"), ("k: |+\n  x\n\n", "\"x\\n\\n\""), ("k: http://a:80/\n", "\"http://a:80/\""),
        ("k: -x\n", "\"-x\""),
        ("k: {a, b}\n", "{\"a\":null,\"b\":null}"), ("k: {<<: {z: 1}, x: 2}\n", "{\"x\":2,\"z\":1}"), ("k: !x {a: 1}\n", "{\"a\":1}"),
        ("k:\n", "null"),
        ("k:\n  <<: [{a: 1, b: 1},{a: 2, c: 2}]\n  b: 3\n", "{\"b\":3,\"a\":1,\"c\":2}"), ("k:\n  a: 1\n  a: 2\n", "{\"a\":2}"),
        ("# c\n---\nk: 1 # c\n...\n", "1"), ("\u{FEFF}k: 1\n", "1"),
    ])
    func `is read as kubectl reads it`(text: String, json: String) throws {
        #expect(JSON.text(try parse(text)["k"]) == json)
    }

    @Test(arguments: [
        ("k: a: b\n", "1:5: a mapping may not begin inside a value: quote the value, or begin the mapping on a new line"),
        ("k: - a\n", "1:4: a sequence may not begin here: begin it on a new line"),
        ("k:\n\t- a\n", "2:2: tabs may not indent: use spaces"),
        ("k: @x\n", "1:4: found '@': a value that begins so must be quoted"),
        ("k: *nope\n", "1:4: the alias *nope has no anchor before it"),
        ("a: &name 1\nk: *nmae\n", "2:4: the alias *nmae has no anchor before it; did you mean *name?"),
        ("k: \"\\q\"\n", "1:5: unknown escape \\'q': use single quotes if a backslash is meant"),
        ("k: [a, b\n", "1:4: the text ends before this '[' is closed"),
        ("k: \"a\n", "1:4: the text ends before this quote is closed"),
        ("a:\n    b: 1\n  c: 2\n", "3:3: the indentation of this line fits no collection: the nearest begins at column 1"),
        ("a: 1\n  b: 2\n", "2:4: a mapping may not begin inside a value: quote the value, or begin the mapping on a new line"),
        ("a: 1\nb\n", "2:1: found 'b' where a key was expected: is there a ':' missing, or a space behind it?"),
        ("k: .inf\n", "1:4: JSON, which manifests become, has no number \".inf\": quote it if the text is meant"),
        ("~: a\n", "1:1: a key must not be null: quote it if the text is meant"),
        ("[a]: b\n", "1:1: a key must be a scalar, found a list"),
        ("é: \u{1}\n", "1:4: a control character (the byte 0x01) is allowed only as an escape in double quotes"),
        ("<<: 1\n", "1:1: the value of << must be a mapping or a list of mappings"),
    ])
    func `errors name place, cause and remedy`(text: String, message: String) {
        let error = #expect(throws: FormatError.self) { try YAML.parse(Array(text.utf8), schema: .kubernetes) }
        #expect(error?.description == message)
    }

    /// Each level doubles the quotes of the one below: 40 of them would be a text of a terabyte.
    @Test func `keys inside of keys are bounded`() throws {
        let text = Array((String(repeating: "? ", count: 40) + "b\n").utf8)
        let error = #expect(throws: FormatError.self) { try YAML.parse(text, schema: .core) }
        #expect(error?.description.contains("a key that is a collection has more than 4096 bytes as JSON") == true)
        #expect(try YAML.parse(Array("? ? b\n".utf8), schema: .core).map(\.value) == [["{\"b\":null}": nil]])
    }

    @Test func `documents of a stream are read one after the other`() throws {
        let documents = try YAML.parse(Array("a: 1\n---\n# nothing\n---\nb: 2\n...\n---\nc\n".utf8), schema: .kubernetes)
        #expect(documents.map(\.value) == [["a": 1], .null, ["b": 2], "c"])
        #expect(documents[2].positions[["b"]]?.key == .init(line: 5, column: 1))
        #expect(try YAML.parse(Array("# nothing\n".utf8), schema: .core).isEmpty)
    }

    @Test func `every key and value has its position`() throws {
        let text = "é: {x: 1, \"y\": [a, b]}\nspec:\n  containers:\n  - name: w\n    image: &i web\n  - ? name\n    : *i\n"
        let positions = try #require(try YAML.parse(Array(text.utf8), schema: .kubernetes).first).positions
        let expected: [([PathElement], Int, Int, Int, Int)] = [
            (["é"], 1, 1, 1, 4), (["é", "x"], 1, 5, 1, 8), (["é", "y"], 1, 11, 1, 16), (["spec"], 2, 1, 3, 3),
            (["spec", "containers"], 3, 3, 4, 3),
            (["spec", "containers", 0, "name"], 4, 5, 4, 11), (["spec", "containers", 0, "image"], 5, 5, 5, 12),
            (["spec", "containers", 1, "name"], 6, 5, 7, 7),
        ]
        for (path, keyLine, keyColumn, valueLine, valueColumn) in expected {
            #expect(positions[path]?.key == .init(line: keyLine, column: keyColumn), "\(path.fieldPath)")
            #expect(positions[path]?.value == .init(line: valueLine, column: valueColumn), "\(path.fieldPath)")
        }
        #expect(positions[["é", "y", 1]]?.value == .init(line: 1, column: 20))
        #expect(positions[["spec", "containers", 1]]?.value == .init(line: 6, column: 5))
    }

    @Test func `repeated keys are reported with both places`() throws {
        let document = try #require(try YAML.parse(Array("a:\n  b: 1\n  b: 2\nc: {d: 1, d: 2}\n".utf8), schema: .kubernetes).first)
        #expect(document.positions.duplicates.map(\.path.fieldPath) == ["a.b", "c.d"])
        #expect(document.positions.duplicates.map(\.again) == [.init(line: 3, column: 3), .init(line: 4, column: 11)])
    }
}

@Suite struct `Hostile YAML` {
    @Test func `an alias bomb is refused before it is built`() {
        var text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n"
        for level in 1...20 {
            let aliases = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
            text += "a\(level): &a\(level) [\(aliases)]\n"
        }
        let error = #expect(throws: FormatError.self) { try YAML.parse(Array(text.utf8), schema: .kubernetes) }
        #expect(error?.message == "the aliases stand for more than 100000 values")
    }

    @Test func `aliases may not add up to more depth than the limit`() {
        var text = "a0: &a0 []\n"
        for level in 1...300 { text += "a\(level): &a\(level) [*a\(level - 1)]\n" }
        let error = #expect(throws: FormatError.self) { try YAML.parse(Array(text.utf8), schema: .kubernetes) }
        #expect(error?.message == "nested more than 256 levels deep")
    }

    @Test(arguments: ["[", "{a: ", "- ", "? "])
    func `deep nesting is an error, not a crash`(opening: String) {
        let text = String(repeating: opening, count: 100_000)
        #expect(throws: FormatError.self) { try YAML.parse(Array(text.utf8), schema: .core) }
    }

    @Test func `deep block mappings stop at the limit`() {
        let text = (0..<300).map { String(repeating: " ", count: $0) + "a:\n" }.joined()
        let error = #expect(throws: FormatError.self) { try YAML.parse(Array(text.utf8), schema: .core) }
        #expect(error?.message == "nested more than 256 levels deep")
    }

    @Test func `any prefix of a manifest is read or refused`() {
        let text = Array("%YAML 1.2\n---\na: &x [1, {b: 'c', \"d\": *x0}]\n? |-\n  e\n: !!str >+2\n    f\n\n- g\n... # h\n".utf8)
        for length in 0...text.count { _ = try? YAML.parse(Array(text[..<length]), schema: .kubernetes) }
    }
}
