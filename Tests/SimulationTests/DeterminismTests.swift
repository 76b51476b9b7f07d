import Foundation
import Simulation
import Testing

@Suite struct DeterminismTests {
    @Test func `One seed gives one history, another seed another`() {
        var scenario = Samples.stormy(3)
        scenario.chaosTime = .seconds(20)
        let first = SimulationRun(scenario, seed: 3).run()
        let again = SimulationRun(scenario, seed: 3).run()
        #expect(first.digest == again.digest)
        #expect(first.stepCount == again.stepCount)
        #expect(first.digest != SimulationRun(scenario, seed: 4).run().digest)
    }

    @Test func `A history does not depend on the order of dictionaries`() throws {
        let deterministic = try digests(["SWIFT_DETERMINISTIC_HASHING": "1"])
        #expect(deterministic.split(separator: "\n").count == 3)
        #expect(try digests([:]) == deterministic)
        #expect(try digests([:]) == deterministic)
    }

    /// What another process, with another hash seed, makes of the same seeds.
    private func digests(_ environment: [String: String]) throws -> String {
        let process = Process()
        process.executableURL = Self.binary
        process.arguments = ["digest", "3"]
        process.environment = environment
        let output = Pipe()
        process.standardOutput = output
        try process.run()
        let data = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        #expect(process.terminationStatus == 0)
        return String(decoding: data, as: UTF8.self)
    }

    /// The program beside the tests' own bundle.
    private static var binary: URL {
        let bundle = Bundle.allBundles.map(\.bundlePath).first { $0.hasSuffix(".xctest") } ?? CommandLine.arguments[0]
        return URL(fileURLWithPath: bundle).deletingLastPathComponent().appendingPathComponent("SimulationBenchmark")
    }
}
