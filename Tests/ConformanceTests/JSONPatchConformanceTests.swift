import Testing

@testable import Formats

@Suite struct `JSON patch against the corpus` {
    @Test(arguments: ["tests.json", "spec_tests.json"])
    func `every case gives the expected document or an error`(file: String) throws {
        guard let corpus = Corpus("json-patch") else { return }
        let cases = try JSON.parse(try #require(corpus.read(file))).elements
        #expect(cases.count >= 17)
        for (index, testCase) in cases.enumerated() where testCase["disabled"].bool != true {
            guard let members = testCase.object, let patch = members["patch"], let document = members["doc"] else { continue }
            let name = Comment(rawValue: "\(file) case \(index): \(testCase["comment"].string ?? testCase["error"].string ?? "")")
            if members["error"] != nil {
                #expect(throws: PatchError.self, name) { try JSONPatch.apply(patch, to: document) }
            } else {
                do {
                    let result = try JSONPatch.apply(patch, to: document)
                    if let expected = members["expected"] { #expect(result.isEquivalent(to: expected), name) }
                } catch {
                    Issue.record("\(name): \(error)")
                }
            }
        }
    }
}
