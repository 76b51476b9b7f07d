import Testing

@testable import Formats

@Suite struct `Writing YAML` {
    /// As kubectl 1.33 prints them with `-o yaml`.
    @Test(arguments: [
        ("", "\"\""), ("a", "a"), ("yes", "\"yes\""), ("n", "\"n\""), ("1", "\"1\""), ("0644", "\"0644\""), ("1.0", "\"1.0\""),
        ("~", "\"~\""),
        ("null", "\"null\""), ("a: b", "'a: b'"), ("a:b", "a:b"), ("a #b", "'a #b'"), ("a#b", "a#b"), ("-", "'-'"), ("- a", "'- a'"),
        ("-a", "-a"),
        ("?", "'?'"), ("?a", "?a"), (":a", ":a"), ("a:", "'a:'"), ("[a]", "'[a]'"), ("{a}", "'{a}'"), ("&a", "'&a'"),
        ("*/5 * * * *", "'*/5 * * * *'"),
        ("!a", "'!a'"), ("|a", "'|a'"), ("'a'", "'''a'''"), ("'\u{324}", "'''\u{324}'"), ("it's", "it's"), ("\"a\"", "'\"a\"'"),
        ("say \"x\"", "say \"x\""),
        ("%a", "'%a'"),
        ("@a", "'@a'"), ("`a", "'`a'"), (" a", "' a'"), ("a ", "'a '"), ("a\tb", "\"a\\tb\""), ("a\nb", "|-\n  a\n  b"),
        ("a\nb\n", "|\n  a\n  b"),
        ("a\nb\n\n", "|+\n  a\n  b\n"), ("  a\nb", "|2-\n    a\n  b"), ("a \nb", "\"a \\nb\""), ("\n", "|2+\n"), ("é", "é"),
        ("😀", "\"\\U0001F600\""),
        ("2020-01-01T00:00:00Z", "\"2020-01-01T00:00:00Z\""), ("2001-12-14", "\"2001-12-14\""), ("1:30", "\"1:30\""),
        ("127.0.0.1:80", "127.0.0.1:80"),
        ("1:", "'1:'"), ("12:3x", "12:3x"), ("1.2.3", "1.2.3"), ("1e3", "\"1e3\""), (".5", "\".5\""), ("---", "'---'"),
        ("$(VAR)", "$(VAR)"),
        ("10m", "10m"), ("a\r\nb", "\"a\\r\\nb\""), ("0x", "0x"), ("1.", "\"1.\""), ("nginx:1.2", "nginx:1.2"),
    ])
    func `strings are quoted where they must be`(string: String, expected: String) throws {
        #expect(YAML.text(["k": .string(string)]) == "k: \(expected)\n")
        for schema in [ScalarSchema.kubernetes, .core] {
            #expect(try YAML.parse(Array(YAML.text(["k": .string(string)]).utf8), schema: schema).first?.value == ["k": .string(string)])
        }
    }

    /// A reader looks no further than 1,024 characters for the colon.
    @Test(arguments: [1024, 1025, 5000]) func `a key of any length is read as it was written`(length: Int) throws {
        let key = String(repeating: "k", count: length)
        for member: Value in ["v", nil, "l1\nl2\n", 1, [], [:], [1, [2]], ["a": "b", "c": ["d": 1]], [["a": 1, "b": 2]]] {
            for value: Value in [
                .object([key: member]), ["list": [.object([key: member, "z": 1]), 2], "z": 3],
                ["map": .object(["a": 1, key: member]), "z": 3],
            ] {
                let text = YAML.text(value)
                #expect(text.contains("? k") == (length > 1024))
                for schema in [ScalarSchema.kubernetes, .core] {
                    #expect(try YAML.parse(Array(text.utf8), schema: schema).map(\.value) == [value])
                }
            }
        }
    }

    @Test func `collections are laid out as kubectl lays them out`() throws {
        let value: Value = [
            "long": .string(String(repeating: "word ", count: 20) + "end"), "none": nil, "empty": [[], [:]],
            "list": [[1, [2]], ["a": [["b": 1, "c": "x\ny"]]], ["d": ["e": "l1\nl2\n"], "yes": true]],
        ]
        let text = YAML.text(value)
        #expect(
            text == """
                long: word word word word word word word word word word word word word word word word
                  word word word word end
                none: null
                empty:
                - []
                - {}
                list:
                - - 1
                  - - 2
                - a:
                  - b: 1
                    c: |-
                      x
                      y
                - d:
                    e: |
                      l1
                      l2
                  "yes": true

                """)
        #expect(try YAML.parse(Array(text.utf8), schema: .kubernetes).first?.value == value)
    }

    @Test(arguments: [("a", "a\n"), (["x"], "- x\n"), ([:], "{}\n"), (1.5, "1.5\n"), ("a\nb\n", "|\n  a\n  b\n")] as [(Value, String)])
    func `a document may be any value`(value: Value, expected: String) throws {
        #expect(YAML.text(value) == expected)
        #expect(try YAML.parse(Array(expected.utf8), schema: .core).first?.value == value)
    }
}
