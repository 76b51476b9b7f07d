import Testing

/// Habits that a reader can rely on in every file.
@Suite struct HabitTests {
    /// A file is one idea: longer ones hold two.
    private static let lineLimit = 400

    private static let sources = SourceTree.files(below: "Sources") + SourceTree.files(below: "examples")

    @Test func `No source file is longer than the limit`() {
        for file in Self.sources {
            if file.lines.count > Self.lineLimit + 1 { Issue.record("\(file.path) has \(file.lines.count - 1) lines") }
        }
    }

    // The words are put together here so that this file does not find itself.
    @Test(arguments: ["TO" + "DO", "FIX" + "ME", "try" + "!", "as" + "! ", "Task" + ".sleep", "usleep" + "("])
    func `Nothing is left for later, forced, or slept through`(word: String) {
        for file in Self.sources + SourceTree.files(below: "Tests") {
            for (index, line) in file.lines.enumerated() where line.contains(word) {
                Issue.record("\(file.place(index)) contains \(word)")
            }
        }
    }

    /// A test that ends where something is missing would pass without having looked; corpora say themselves that they are missing.
    @Test func `No test ends early without saying so`() {
        var testCount = 0
        for file in SourceTree.files(below: "Tests") {
            // How far the test is indented that a line stands in.
            var indent: Int?
            for (index, line) in file.lines.enumerated() {
                let text = line.drop { $0 == " " }
                let depth = line.count - text.count
                if text.hasPrefix("@Test") {
                    (indent, testCount) = (depth, testCount + 1)
                } else if depth == indent, text.hasPrefix("}") {
                    indent = nil
                }
                guard let indent, depth == indent + 4, text.hasPrefix("guard "), text.hasSuffix("else { return }") else { continue }
                if !text.contains("Corpus(") { Issue.record("\(file.place(index)) ends the test, which then passes") }
            }
        }
        #expect(testCount > 500)
    }

    @Test func `Modules are joined by package access, nothing is public`() {
        for file in Self.sources {
            for (index, line) in file.lines.enumerated() where Self.declaration(line)?.access == "public" {
                Issue.record("\(file.place(index)) is public")
            }
        }
    }

    /// Properties and initialisers are explained by their types, where their names are not enough.
    @Test func `Every type that crosses modules says what it is`() {
        for file in Self.sources {
            for (index, line) in file.lines.enumerated() {
                guard let found = Self.declaration(line), found.access == "package", Self.typeWords.contains(found.word) else { continue }
                if !Self.isDocumented(file.lines, index) { Issue.record("\(file.place(index)) has no doc comment") }
            }
        }
    }

    @Test func `Doc comments are found above attributes, and on nobody else's account`() {
        let lines = [
            "/// What it is.", "@frozen", "package final class A {}", "", "    package enum B {", "// why", "package struct C {",
            "package extension X {", "private struct D {", "package import Linux", "package let enumeration = 1", "public struct E {",
        ]
        let found = lines.indices.filter { Self.declaration(lines[$0]).map { Self.typeWords.contains($0.word) } ?? false }
        #expect(found == [2, 4, 6, 11])
        #expect(found.map { Self.isDocumented(lines, $0) } == [true, false, false, false])
        #expect(Self.declaration(lines[11])?.access == "public")
    }

    private static let typeWords: Set = ["struct", "class", "enum", "protocol", "actor", "typealias"]

    /// The access and the first word of a declaration that is made for others; nil for every other line.
    private static func declaration(_ line: String) -> (access: String, word: String)? {
        var words = line.split(separator: " ").map(String.init)
        guard let access = words.first, ["package", "public", "open"].contains(access) else { return nil }
        words.removeFirst()
        // `open -= 1` is a variable.
        guard let word = words.first(where: { $0 != "final" && $0 != "indirect" }), word.first?.isLetter == true else { return nil }
        return (access == "open" ? "public" : access, word)
    }

    /// Goes up over attributes to the line that should be the comment's last.
    private static func isDocumented(_ lines: [String], _ index: Int) -> Bool {
        for line in lines[..<index].reversed() {
            let text = line.drop { $0 == " " }
            if text.hasPrefix("///") { return true }
            if !text.hasPrefix("@") { return false }
        }
        return false
    }
}
