import Foundation
import Testing

/// The page of promises names a test or a benchmark for each, and there is one of that name.
@Suite struct PromiseTests {
    /// The rows of the page's tables: what is promised, by what it is held, and the figure.
    private static let rows: [(cells: [String], line: Int)] = {
        let page = SourceTree.root + "/Sources/steady/steady.docc/Promises.md"
        let lines = ((try? String(contentsOfFile: page, encoding: .utf8)) ?? "").split(separator: "\n", omittingEmptySubsequences: false)
        return lines.enumerated().compactMap { index, line in
            guard line.hasPrefix("| "), !line.hasPrefix("| promise |") else { return nil }
            let cells = line.split(separator: "|", omittingEmptySubsequences: false).dropFirst().dropLast()
            return (cells.map { $0.trimmingCharacters(in: .whitespaces) }, index + 1)
        }
    }()

    private static let tests: (names: Set<Substring>, suites: Set<Substring>) = {
        var (names, suites): (Set<Substring>, Set<Substring>) = ([], [])
        for file in SourceTree.files(below: "Tests") {
            for line in file.lines {
                // A long name stands on a line of its own.
                let parts = line.split(separator: "`", omittingEmptySubsequences: false)
                if parts.count >= 3, parts[2].hasPrefix("(") || parts[0].contains("struct ") { names.insert(parts[1]) }
                if let at = line.range(of: "struct ") { suites.insert(line[at.upperBound...].prefix { $0.isLetter || $0.isNumber }) }
            }
        }
        return (names, suites)
    }()

    /// A test's or a suite's name; a file of a test target; a script or a benchmark with its words; a product to run.
    private static func exists(_ name: Substring) -> Bool {
        if tests.names.contains(name) || tests.suites.contains(name) { return true }
        let words = name.split(separator: " ")
        guard let first = words.first, let last = words.last else { return false }
        if first == "swift" { return SourceTree.manifest.contains("\"\(last)\"") }
        return ["", "Tests/"].contains { FileManager.default.fileExists(atPath: "\(SourceTree.root)/\($0)\(first)") } && first.contains("/")
    }

    @Test func `Every promise names what holds it, and that is there`() {
        #expect(Self.rows.count > 100 && Self.tests.names.count > 500)
        for (cells, line) in Self.rows {
            guard cells.count == 3 else {
                Issue.record("line \(line) has \(cells.count) cells")
                continue
            }
            let names = cells[1].split(separator: "`", omittingEmptySubsequences: false).enumerated().compactMap { $0 % 2 == 1 ? $1 : nil }
            if names.isEmpty { Issue.record("line \(line) names nothing that holds it") }
            for name in names where !Self.exists(name) { Issue.record("line \(line): there is no \(name)") }
        }
    }

    @Test func `A name that nothing has is found`() {
        #expect(!Self.exists("A test that nobody has written") && !Self.exists("Tests/NoSuchFolder/run") && !Self.exists("EndToEndTests"))
        #expect(Self.exists("PromiseTests") && Self.exists("ArchitectureTests/PromiseTests.swift SECONDS"))
        #expect(Self.exists("A name that nothing has is found"))
    }
}
