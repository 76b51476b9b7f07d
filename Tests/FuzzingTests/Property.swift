/// What must hold for whatever bytes come in. The same code is fuzzed by coverage (`Tests/Fuzzing/run`) and replayed over the kept corpus by an
/// ordinary test.
struct Property: Sendable {
    /// The name of its folder in the corpus, and of the fuzzer's target.
    let name: String
    /// How many mutations the ordinary test tries. Most take microseconds; the fuzzer itself tries a million times as many.
    var mutationCount = 2000
    /// Nil when all holds, else what does not.
    let violation: @Sendable ([UInt8]) -> String?

    static let all = [
        json, yaml, object, protobuf, request, response, chunks, greeting, proxyHeader, dns, patch, strategic, jsonPath, scrape, journal,
    ]

    /// Two inputs in one: what stands before the first zero byte, and what stands behind it.
    static func halves(_ bytes: [UInt8]) -> (first: [UInt8], second: [UInt8])? {
        guard let cut = bytes.firstIndex(of: 0) else { return nil }
        return (Array(bytes[..<cut]), Array(bytes[(cut + 1)...]))
    }
}
