import Wire

extension Property {
    /// A message of the domain name system: what can be read is the same when it is written and read again, also in part; and a stream's messages are
    /// the same however it is cut.
    static let dns = Property(name: "dns") { bytes in
        if let message = try? DNSMessage(bytes) {
            let octets = message.serialized()
            guard let again = try? DNSMessage(octets) else { return "what was written cannot be read" }
            if !again.isTruncated, again != message { return "what was written is another message" }
            let short = message.serialized(limit: max(DNSMessage.plainDatagramByteLimit, bytes.count / 2))
            guard let part = try? DNSMessage(short) else { return "what was cut cannot be read" }
            if !message.answers.starts(with: part.answers) { return "what was cut is another message" }
            if part.answers.count < message.answers.count, !part.isTruncated { return "what was cut does not say so" }
            for question in message.questions {
                guard DNSName(labels: question.name.labels) != nil else { return "a name that is none" }
                _ = DNSMessage.isAnswer(bytes, id: message.id, to: question)
            }
        }
        let whole = messages(bytes, pieceCount: .max)
        for pieceCount in [1, 7] where messages(bytes, pieceCount: pieceCount) != whole { return "read in pieces it is something else" }
        return nil
    }

    /// The messages of a stream; the last one is empty where it ended for its form.
    private static func messages(_ bytes: [UInt8], pieceCount: Int) -> [[UInt8]] {
        var input = ByteQueue()
        var found: [[UInt8]] = []
        var at = 0
        while at < bytes.count {
            let end = at + min(pieceCount, bytes.count - at)
            input.append(bytes[at..<end])
            at = end
            do throws(DNSError) {
                while let message = try DNSStream.next(&input) { found.append(message) }
            } catch { return found + [[]] }
        }
        return found
    }
}
