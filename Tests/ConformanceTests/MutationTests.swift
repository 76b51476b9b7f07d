import Testing

@testable import Formats

/// The same numbers in every run, so that a failure can be looked at again (splitmix64).
private struct SeededGenerator: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var z = state
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }
}

/// Garbled corpus inputs: a reader may refuse them, but never crash, hang, or read something that it writes differently.
@Suite struct `Garbled input` {
    private static let pieces = [
        "\n", " ", "\t", "- ", ": ", "? ", "[", "]", "{", "}", ",", "\"", "'", "&a ", "*a", "!!str ", "|\n", ">-\n", "#", "---\n", "%",
        "\\", "0", "\u{e9}",
    ]
    .map { Array($0.utf8) }

    private func mutated(_ bytes: [UInt8], with generator: inout SeededGenerator) -> [UInt8] {
        var result = bytes
        for _ in 0..<Int.random(in: 1...3, using: &generator) {
            let at = Int.random(in: 0...result.count, using: &generator)
            switch Int.random(in: 0..<5, using: &generator) {
            case 0 where at < result.count: result.remove(at: at)
            case 1 where at < result.count: result[at] = UInt8.random(in: 0...255, using: &generator)
            case 2: result = Array(result[..<at])
            case 3:
                result.insert(contentsOf: result[at..<min(result.count, at + 12)], at: Int.random(in: 0...result.count, using: &generator))
            default: result.insert(contentsOf: Self.pieces.randomElement(using: &generator) ?? [], at: at)
            }
        }
        return result
    }

    @Test func `in JSON is refused or read and written alike`() throws {
        guard let corpus = Corpus("json-test-suite") else { return }
        var generator = SeededGenerator(state: 1)
        for name in corpus.list("test_parsing") {
            guard let bytes = corpus.read("test_parsing/\(name)"), bytes.count < 2000 else { continue }
            for _ in 0..<30 {
                let input = mutated(bytes, with: &generator)
                guard let value = try? JSON.parse(input) else { continue }
                let text = JSON.text(value)
                #expect(JSON.text(try JSON.parse(text: text)) == text)
                #expect(try JSON.parseWithPositions(input).value == value)
            }
        }
    }

    @Test func `in YAML is refused or read and written alike`() throws {
        guard let corpus = Corpus("yaml-test-suite") else { return }
        var generator = SeededGenerator(state: 2)
        for name in corpus.list() {
            guard let bytes = corpus.read("\(name)/in.yaml") else { continue }
            for round in 0..<20 {
                let schema: ScalarSchema = round % 2 == 0 ? .core : .kubernetes
                let input = mutated(bytes, with: &generator)
                guard let documents = try? YAML.parse(input, schema: schema) else { continue }
                for document in documents {
                    let text = YAML.text(document.value)
                    let again = Result { try YAML.parse(Array(text.utf8), schema: schema) }
                    let isSame = (try? again.get().first?.value.isEquivalent(to: document.value)) ?? false
                    // A NaN equals nothing, itself included.
                    #expect(isSame || text.contains(".nan"), "\(name), written as:\n\(text)\nread as \(again)")
                }
            }
        }
    }
}
