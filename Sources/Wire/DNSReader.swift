extension DNSMessage {
    /// Reads a whole message. Every length is held against what is there; names may point only backwards, so that each ends.
    package init(_ octets: [UInt8]) throws(DNSError) {
        var reader = DNSReader(octets)
        self.init(id: try reader.number16())
        let flags = try reader.number16()
        isResponse = flags & 0x8000 != 0
        operation = UInt8(flags >> 11 & 15)
        isAuthoritative = flags & 0x0400 != 0
        isTruncated = flags & 0x0200 != 0
        wantsRecursion = flags & 0x0100 != 0
        hasRecursion = flags & 0x0080 != 0
        outcomeLow = UInt8(flags & 15)
        let questionCount = Int(try reader.number16())
        let answerCount = Int(try reader.number16())
        let authorityCount = Int(try reader.number16())
        let additionalCount = Int(try reader.number16())
        questions = try reader.many(questionCount, leastByteCount: 5) { (reader) throws(DNSError) in
            Question(try reader.name(), Kind(rawValue: try reader.number16()), recordClass: try reader.number16())
        }
        answers = try reader.many(answerCount, leastByteCount: 11) { (reader) throws(DNSError) in try reader.record() }
        authorities = try reader.many(authorityCount, leastByteCount: 11) { (reader) throws(DNSError) in try reader.record() }
        for _ in 0..<additionalCount {
            let start = reader.offset
            let record = try reader.record()
            guard record.kind == .opt else {
                additional.append(record)
                continue
            }
            guard record.name == .root else { throw DNSError(offset: start, message: "OPT belongs to the root alone") }
            guard extended == nil else { throw DNSError(offset: start, message: "a second OPT") }
            extended = Extension(
                datagramByteLimit: record.recordClass, version: UInt8(record.timeToLive >> 16 & 255),
                wantsSignatures: record.timeToLive & 0x8000 != 0, outcomeHigh: UInt8(record.timeToLive >> 24))
        }
        for record in answers + authorities where record.kind == .opt {
            throw DNSError(offset: 12, message: "OPT outside of the additional section (\(record.name))")
        }
        guard reader.isAtEnd else { throw DNSError(offset: reader.offset, message: "octets behind the last record") }
    }
}

extension DNSMessage {
    /// Whether these octets begin as the answer to this question of ours: id, question, and that it is an answer. What follows is for whoever asked.
    package static func isAnswer(_ octets: [UInt8], id: UInt16, to question: Question?) -> Bool {
        var reader = DNSReader(octets)
        do throws(DNSError) {
            guard try reader.number16() == id, try reader.number16() & 0x8000 != 0 else { return false }
            let questionCount = try reader.number16()
            for _ in 0..<3 { _ = try reader.number16() }
            // A server that cannot read the question leaves it out.
            if questionCount == 0 { return octets[3] & 15 != 0 }
            guard questionCount == 1 else { return false }
            return Question(try reader.name(), Kind(rawValue: try reader.number16()), recordClass: try reader.number16()) == question
        } catch { return false }
    }

    /// Whether a message says that it was cut (TC).
    package static func isTruncated(_ octets: [UInt8]) -> Bool { octets.count > 2 && octets[2] & 2 != 0 }
}

/// Reads a message from its first octet on.
struct DNSReader {
    private let octets: [UInt8]
    private(set) var offset = 0
    /// Where the record's data ends that is being read.
    private var end: Int

    init(_ octets: [UInt8]) {
        self.octets = octets
        end = octets.count
    }

    var isAtEnd: Bool { offset == octets.count }

    /// The counts of a header promise what may not be there: nothing is set aside for them.
    mutating func many<T>(_ count: Int, leastByteCount: Int, _ read: (inout DNSReader) throws(DNSError) -> T) throws(DNSError) -> [T] {
        guard count * leastByteCount <= end - offset else {
            throw DNSError(offset: offset, message: "\(count) entries do not fit into \(end - offset) octets")
        }
        var all: [T] = []
        for _ in 0..<count { all.append(try read(&self)) }
        return all
    }

    mutating func number8() throws(DNSError) -> UInt8 {
        guard offset < end else { throw DNSError(offset: offset, message: "ends too soon") }
        defer { offset += 1 }
        return octets[offset]
    }

    mutating func number16() throws(DNSError) -> UInt16 {
        let high = try number8()
        return UInt16(high) << 8 | UInt16(try number8())
    }

    mutating func number32() throws(DNSError) -> UInt32 {
        let high = try number16()
        return UInt32(high) << 16 | UInt32(try number16())
    }

    /// A name, compressed or not (RFC 1035, 4.1.4).
    mutating func name() throws(DNSError) -> DNSName {
        var labels: [[UInt8]] = []
        var length = 1
        var at = offset
        var limit = end
        // What the next pointer must lie before: each goes further back than the name began that holds it.
        var before = offset
        var isBehindPointer = false
        while true {
            guard at < limit else { throw DNSError(offset: at, message: "a name ends too soon") }
            let count = octets[at]
            switch count & 0xC0 {
            case 0 where count == 0:
                if !isBehindPointer { offset = at + 1 }
                return DNSName(unchecked: labels)
            case 0:
                let next = at + 1 + Int(count)
                guard next <= limit else { throw DNSError(offset: at, message: "a label ends too soon") }
                length += Int(count) + 1
                guard length <= DNSName.nameByteLimit else {
                    throw DNSError(offset: at, message: "a name of more than \(DNSName.nameByteLimit) octets")
                }
                labels.append(Array(octets[(at + 1)..<next]))
                at = next
            case 0xC0:
                guard at + 1 < limit else { throw DNSError(offset: at, message: "a pointer ends too soon") }
                let target = Int(count & 0x3F) << 8 | Int(octets[at + 1])
                guard target < before else { throw DNSError(offset: at, message: "a pointer that does not lead backwards") }
                guard target >= 12 else { throw DNSError(offset: at, message: "a pointer into the header") }
                if !isBehindPointer { offset = at + 2 }
                isBehindPointer = true
                before = target
                at = target
                limit = octets.count
            default:
                throw DNSError(offset: at, message: "a label of unknown form")
            }
        }
    }

    mutating func record() throws(DNSError) -> DNSMessage.Record {
        let name = try name()
        let kind = DNSMessage.Kind(rawValue: try number16())
        let recordClass = try number16()
        let timeToLive = try number32()
        let length = Int(try number16())
        guard offset + length <= octets.count else { throw DNSError(offset: offset, message: "a record's data ends too soon") }
        end = offset + length
        let content = try content(of: kind, recordClass)
        guard offset == end else { throw DNSError(offset: offset, message: "a record's data is longer than what it means") }
        end = octets.count
        return DNSMessage.Record(name, kind, content, timeToLive: timeToLive, recordClass: recordClass)
    }

    private mutating func content(of kind: DNSMessage.Kind, _ recordClass: UInt16) throws(DNSError) -> DNSMessage.Content {
        guard recordClass == DNSMessage.internet else { return opaque() }
        switch kind {
        case .a: return .a(try number32())
        case .cname, .ptr, .ns: return .name(try name())
        case .srv:
            return .service(priority: try number16(), weight: try number16(), port: try number16(), target: try name())
        case .soa:
            let server = try name()
            let mailbox = try name()
            return .authority(
                DNSMessage.Authority(
                    server: server, mailbox: mailbox, serial: try number32(), refresh: try number32(), retry: try number32(),
                    expire: try number32(), minimum: try number32()))
        default: return opaque()
        }
    }

    private mutating func opaque() -> DNSMessage.Content {
        defer { offset = end }
        return .opaque(Array(octets[offset..<end]))
    }
}

/// Cuts a TCP stream into messages: each begins with its length (RFC 1035, 4.2.2).
package enum DNSStream {
    /// The next whole message; nil when more octets are needed. Throws on a length that no message can have: the connection is of no more use.
    package static func next(_ input: inout ByteQueue) throws(DNSError) -> [UInt8]? {
        guard input.count >= 2 else { return nil }
        let length = Int(input[0]) << 8 | Int(input[1])
        guard length >= 12 else { throw DNSError(offset: 0, message: "a message of \(length) octets; a header alone has 12") }
        guard input.count >= 2 + length else { return nil }
        input.consume(2)
        return input.take(length)
    }

    /// Puts the length in front. `message` has at most `DNSMessage.byteLimit` octets.
    package static func framed(_ message: [UInt8]) -> [UInt8] {
        [UInt8(truncatingIfNeeded: message.count >> 8), UInt8(truncatingIfNeeded: message.count)] + message
    }
}
