import Foundation
import Testing

@testable import Formats

@Suite struct `YAML against the test suite` {
    /// Names of the folders that have an `in.yaml`; some cases are one level deeper.
    private func cases(_ corpus: Corpus) -> [String] {
        corpus.list().flatMap { name -> [String] in
            if corpus.read("\(name)/in.yaml") != nil { return [name] }
            return corpus.list(name).map { "\(name)/\($0)" }.filter { corpus.read("\($0)/in.yaml") != nil }
        }
    }

    @Test func `all cases parse to the given JSON, or are refused where they must be`() throws {
        guard let corpus = Corpus("yaml-test-suite") else { return }
        let names = cases(corpus)
        #expect(names.count == 402)
        var (compared, refused) = (0, 0)
        for name in names {
            let bytes = try #require(corpus.read("\(name)/in.yaml"))
            let mustFail = corpus.read("\(name)/error") != nil
            do {
                let documents = try YAML.parse(bytes, schema: .core)
                if mustFail {
                    Issue.record("\(name) must be refused, but was read as \(documents.map { JSON.text($0.value) })")
                } else if let json = corpus.read("\(name)/in.json") {
                    compared += 1
                    let expected = try jsonStream(json)
                    let found = documents.map(\.value)
                    let isSame = found.count == expected.count && zip(found, expected).allSatisfy { $0.isEquivalent(to: $1) }
                    #expect(isSame, "\(name): \(found.map { JSON.text($0) }) instead of \(expected.map { JSON.text($0) })")
                }
            } catch {
                if mustFail { refused += 1 } else { Issue.record("\(name): \(error)") }
            }
        }
        // 282 cases have JSON, three of them must be refused all the same.
        #expect(compared == 279)
        #expect(refused == 94)
    }

    /// `in.json` has one JSON text after another.
    private func jsonStream(_ bytes: [UInt8]) throws -> [Value] {
        var values: [Value] = []
        var rest = bytes[...]
        while rest.contains(where: { $0 > 0x20 }) {
            // The longest first line ends that parse make the next text.
            var ends = rest.indices.filter { rest[$0] == 0x0A }.map { $0 + 1 }
            ends.append(rest.endIndex)
            let end = try #require(ends.first { (try? JSON.parse(Array(rest[..<$0]))) != nil })
            values.append(try JSON.parse(Array(rest[..<end])))
            rest = rest[end...]
        }
        return values
    }
}
