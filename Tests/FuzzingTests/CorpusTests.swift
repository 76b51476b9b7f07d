import Foundation
import Testing

/// The kept corpus and mutations of it: what the fuzzer has found stays found, and a little is tried each time.
@Suite struct CorpusTests {
    private static let folder = URL(fileURLWithPath: #filePath).resolvingSymlinksInPath()
        .deletingLastPathComponent().deletingLastPathComponent().appendingPathComponent("Fuzzing/corpus").path

    private static let lengthLimit = 4096

    private static func inputs(_ target: String) throws -> [[UInt8]] {
        try FileManager.default.contentsOfDirectory(atPath: folder + "/" + target).sorted().map {
            [UInt8](try Data(contentsOf: URL(fileURLWithPath: "\(folder)/\(target)/\($0)")))
        }
    }

    @Test(arguments: Property.all.map(\.name)) func `every kept input holds what its parser promises`(target: String) throws {
        let property = try #require(Property.all.first { $0.name == target })
        let inputs = try Self.inputs(target)
        #expect(inputs.count >= 5)
        for input in inputs {
            if let violation = property.violation(input) { Issue.record("\(violation): \(Data(input).base64EncodedString())") }
        }
    }

    @Test(arguments: Property.all.map(\.name)) func `so do mutations of them, the same in each run`(target: String) throws {
        let property = try #require(Property.all.first { $0.name == target })
        let inputs = try Self.inputs(target)
        var mutator = Mutator(seed: 20)
        for round in 0..<property.mutationCount {
            let input = Array(mutator.mutation(of: inputs).prefix(Self.lengthLimit))
            if let violation = property.violation(input) {
                Issue.record("round \(round): \(violation): \(Data(input).base64EncodedString())")
                return
            }
        }
    }
}
