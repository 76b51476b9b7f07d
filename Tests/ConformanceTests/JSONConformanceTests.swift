import Testing

@testable import Formats

@Suite struct `JSON against the parsing corpus` {
    @Test func `what must be accepted is accepted, and means the same after writing and reading again`() throws {
        guard let corpus = Corpus("json-test-suite") else { return }
        let names = corpus.list("test_parsing").filter { $0.hasPrefix("y_") }
        #expect(names.count >= 90)
        for name in names {
            let bytes = try #require(corpus.read("test_parsing/\(name)"))
            do {
                let value = try JSON.parse(bytes)
                // Compared as texts: a whole double is written without fraction and read again as an integer.
                let text = JSON.text(value)
                #expect(JSON.text(try JSON.parse(text: text)) == text, "\(name)")
                #expect(JSON.text(try JSON.parse(JSON.serialize(value, pretty: true))) == text, "\(name)")
                #expect(try JSON.parseWithPositions(bytes).value == value, "\(name)")
            } catch {
                Issue.record("\(name): \(error)")
            }
        }
    }

    @Test func `what must be refused is refused`() throws {
        guard let corpus = Corpus("json-test-suite") else { return }
        let names = corpus.list("test_parsing").filter { $0.hasPrefix("n_") }
        #expect(names.count >= 180)
        for name in names {
            let bytes = try #require(corpus.read("test_parsing/\(name)"))
            #expect(throws: FormatError.self, "\(name)") { try JSON.parse(bytes) }
        }
    }

    @Test func `what may go either way neither crashes nor changes when written and read again`() throws {
        guard let corpus = Corpus("json-test-suite") else { return }
        for name in corpus.list("test_parsing").filter({ $0.hasPrefix("i_") }) {
            let bytes = try #require(corpus.read("test_parsing/\(name)"))
            guard let value = try? JSON.parse(bytes) else { continue }
            let text = JSON.text(value)
            #expect(JSON.text(try JSON.parse(text: text)) == text, "\(name)")
        }
    }
}
