import Formats
import Measuring
import Wire

extension Property {
    /// The first bytes of a connection: what was judged of fewer of them stays so, whatever follows, and nobody waits for more than is promised.
    static let greeting = Property(name: "greeting") { bytes in
        var answer = TLSGreeting.Answer.incomplete
        var verdict = FirstBytes.Verdict.unknown
        for length in 0...min(bytes.count, 64) {
            let beginning = Array(bytes[..<length])
            let judged = TLSGreeting.judge(beginning)
            if answer != .incomplete, !isSame(judged, answer) { return "the answer \(answer) becomes \(judged) with \(length) bytes" }
            if length >= TLSGreeting.answerLength, judged == .incomplete { return "\(length) bytes are too few" }
            answer = judged
            let found = beginning.withUnsafeBufferPointer { FirstBytes.verdict($0) }
            if verdict != .unknown, found != verdict { return "\(verdict) becomes \(found) with \(length) bytes" }
            // The longest method, a space and one octet.
            if length >= 9, found == .unknown { return "\(length) bytes tell nothing" }
            verdict = found
        }
        return nil
    }

    private static func isSame(_ a: TLSGreeting.Answer, _ b: TLSGreeting.Answer) -> Bool {
        switch (a, b) {
        case (.incomplete, .incomplete), (.serverHello, .serverHello), (.refused, .refused): true
        default: false
        }
    }

    /// A message of protobuf as kubectl sends it: what is read can be written as JSON and read again.
    static let protobuf = Property(name: "protobuf") { bytes in
        guard let value = try? Protobuf.decode(bytes) else { return nil }
        guard let again = try? JSON.parse(JSON.serialize(value)) else { return "what was read cannot be written" }
        return again.isEquivalent(to: value) ? nil : "what was read is written as something else"
    }

    /// What an exporter prints: a sum over it is read again, and has as many series as it was given at most.
    static let scrape = Property(name: "scrape") { bytes in
        let samples = Scrape(bytes).samples
        var merging = ScrapeMerging()
        merging.add(bytes, label: ("proxy", "p\"1\\"))
        merging.add(bytes)
        let again = Scrape(merging.bytes).samples
        return again.count <= 2 * samples.count ? nil : "\(samples.count) samples became \(again.count)"
    }
}
