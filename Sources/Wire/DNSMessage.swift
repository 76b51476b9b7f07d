/// A message of the domain name system (RFC 1035, 4.1), with what EDNS0 adds (RFC 6891).
package struct DNSMessage: Hashable, Sendable {
    /// What a question asks for and a record holds; the numbers are IANA's.
    package struct Kind: RawRepresentable, Hashable, Sendable {
        package var rawValue: UInt16
        package init(rawValue: UInt16) { self.rawValue = rawValue }
        package static let a = Kind(rawValue: 1)
        package static let ns = Kind(rawValue: 2)
        package static let cname = Kind(rawValue: 5)
        package static let soa = Kind(rawValue: 6)
        package static let ptr = Kind(rawValue: 12)
        package static let txt = Kind(rawValue: 16)
        package static let aaaa = Kind(rawValue: 28)
        package static let srv = Kind(rawValue: 33)
        package static let opt = Kind(rawValue: 41)
        package static let any = Kind(rawValue: 255)
    }

    /// How a query ended (RFC 1035, 4.1.1; 16 is RFC 6891's).
    package enum Outcome: UInt16, Sendable {
        case noError = 0
        case formatError, serverFailure, nameError, notImplemented, refused
        case badVersion = 16
    }

    /// The class of the Internet; every other one is history.
    package static let internet: UInt16 = 1

    /// What is asked.
    package struct Question: Hashable, Sendable {
        package var name: DNSName
        package var kind: Kind
        package var recordClass: UInt16
        package init(_ name: DNSName, _ kind: Kind, recordClass: UInt16 = DNSMessage.internet) {
            self.name = name
            self.kind = kind
            self.recordClass = recordClass
        }
    }

    /// What a record says.
    package enum Content: Hashable, Sendable {
        /// An IPv4 address in host order.
        case a(UInt32)
        case name(DNSName)
        /// RFC 2782.
        case service(priority: UInt16, weight: UInt16, port: UInt16, target: DNSName)
        case authority(Authority)
        /// Of kinds whose form is not known here: names within it are not read (RFC 3597).
        case opaque([UInt8])
    }

    /// The start of a zone of authority: who says that something does not exist, and for how long that holds (RFC 2308).
    package struct Authority: Hashable, Sendable {
        package var server: DNSName
        package var mailbox: DNSName
        package var serial: UInt32
        package var refresh: UInt32
        package var retry: UInt32
        package var expire: UInt32
        /// Seconds that a negative answer may be kept.
        package var minimum: UInt32
        package init(
            server: DNSName, mailbox: DNSName, serial: UInt32, refresh: UInt32 = 7200, retry: UInt32 = 1800, expire: UInt32 = 86400,
            minimum: UInt32
        ) {
            self.server = server
            self.mailbox = mailbox
            self.serial = serial
            self.refresh = refresh
            self.retry = retry
            self.expire = expire
            self.minimum = minimum
        }
    }

    /// One resource record.
    package struct Record: Hashable, Sendable {
        package var name: DNSName
        package var kind: Kind
        package var recordClass: UInt16
        /// Seconds.
        package var timeToLive: UInt32
        package var content: Content
        package init(
            _ name: DNSName, _ kind: Kind, _ content: Content, timeToLive: UInt32, recordClass: UInt16 = DNSMessage.internet
        ) {
            self.name = name
            self.kind = kind
            self.content = content
            self.timeToLive = timeToLive
            self.recordClass = recordClass
        }
    }

    /// What the OPT record says; its options mean nothing here and are left out.
    package struct Extension: Hashable, Sendable {
        /// What the sender takes in one datagram.
        package var datagramByteLimit: UInt16
        package var version: UInt8
        /// The sender wants signatures (DO); they pass from other servers, this one has none.
        package var wantsSignatures: Bool
        /// The upper 8 bits of the outcome.
        package var outcomeHigh: UInt8
        package init(datagramByteLimit: UInt16 = 1232, version: UInt8 = 0, wantsSignatures: Bool = false, outcomeHigh: UInt8 = 0) {
            self.datagramByteLimit = datagramByteLimit
            self.version = version
            self.wantsSignatures = wantsSignatures
            self.outcomeHigh = outcomeHigh
        }
    }

    package var id: UInt16
    package var isResponse = false
    /// 0 is a query; nothing else is answered.
    package var operation: UInt8 = 0
    package var isAuthoritative = false
    package var isTruncated = false
    package var wantsRecursion = false
    package var hasRecursion = false
    /// The outcome's lower 4 bits.
    package var outcomeLow: UInt8 = 0
    package var questions: [Question] = []
    package var answers: [Record] = []
    package var authorities: [Record] = []
    /// Without OPT.
    package var additional: [Record] = []
    package var extended: Extension?

    package init(id: UInt16) { self.id = id }

    /// A query for one name.
    package init(id: UInt16, asking question: Question, wantsRecursion: Bool = true) {
        self.init(id: id)
        self.wantsRecursion = wantsRecursion
        questions = [question]
    }

    /// The begin of an answer to this query: its id, question and wishes.
    package func response(_ outcome: Outcome = .noError) -> DNSMessage {
        var answer = DNSMessage(id: id)
        answer.isResponse = true
        answer.operation = operation
        answer.wantsRecursion = wantsRecursion
        answer.hasRecursion = true
        answer.questions = questions
        if let extended { answer.extended = Extension(wantsSignatures: extended.wantsSignatures) }
        answer.set(outcome)
        return answer
    }

    package mutating func set(_ outcome: Outcome) {
        outcomeLow = UInt8(outcome.rawValue & 15)
        extended?.outcomeHigh = UInt8(outcome.rawValue >> 4)
    }

    /// Nil: one that has no name here.
    package var outcome: Outcome? { Outcome(rawValue: UInt16(outcomeLow) | UInt16(extended?.outcomeHigh ?? 0) << 4) }

    /// What the sender takes in one datagram: 512 octets without EDNS0 (RFC 1035, 4.2.1), never less with it (RFC 6891, 6.2.3).
    package var datagramByteLimit: Int { max(Self.plainDatagramByteLimit, Int(extended?.datagramByteLimit ?? 0)) }

    package static let plainDatagramByteLimit = 512
    /// What TCP's length field can say.
    package static let byteLimit = 65_535
}

/// A message that breaks the rules of RFC 1035, and where.
package struct DNSError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Octets from the message's start.
    package var offset: Int
    package var message: String

    package var description: String { "octet \(offset): \(message)" }
}
