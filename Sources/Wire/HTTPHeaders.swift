/// The header fields of a message, in the order in which they came or were added.
///
/// They stay bytes: a field is four numbers into one array, names compare without regard to case, and a String is made only for a value that
/// somebody asks for. A proxy passes a head on without making any.
package struct HTTPHeaders: Sendable {
    struct Field: Sendable {
        var nameStart: UInt32
        var valueStart: UInt32
        var valueCount: UInt32
        var nameCount: UInt16
        var known: KnownField
    }

    /// The head as it was received, then what was added; what was removed stays here until the headers go.
    private(set) var bytes: [UInt8]
    private(set) var fields: [Field]

    package init() {
        bytes = []
        fields = []
    }

    package init(_ pairs: [(String, String)]) {
        self.init()
        for (name, value) in pairs { add(name, value) }
    }

    /// - Parameter fieldCount: what is room for without growing.
    init(fieldCount: Int) {
        self.init()
        fields.reserveCapacity(fieldCount)
    }

    // MARK: - While a head is read

    /// A field that was found in what `finish` will bring.
    mutating func note(_ field: Field) { fields.append(field) }

    /// All of the head has come: its octets move here from the front of the queue. AFTER its fields were noted.
    mutating func finish(_ byteCount: Int, of input: inout ByteQueue) {
        input.withBytes { bytes.append(contentsOf: UnsafeBufferPointer(rebasing: $0[..<byteCount])) }
        input.consume(byteCount)
    }

    /// Whether there is memory, and not more than this.
    func isRoom(upToBytes byteLimit: Int, fields fieldLimit: Int) -> Bool {
        fields.capacity > 0 && fields.capacity <= fieldLimit && bytes.capacity <= byteLimit
    }

    /// Forgets everything; the memory stays.
    mutating func empty() {
        bytes.removeAll(keepingCapacity: true)
        fields.removeAll(keepingCapacity: true)
    }

    package var count: Int { fields.count }
    package var isEmpty: Bool { fields.isEmpty }

    // MARK: - Reading

    /// The first value of a name, in any case.
    package subscript(name: String) -> String? { first(name) }
    package subscript(known: KnownField) -> String? { first(known) }

    /// The value of the first field of this name.
    package func first(_ name: String) -> String? { index(of: name).map { value(fields[$0]) } }

    /// The value of the first field of this name.
    package func first(_ known: KnownField) -> String? {
        for field in fields where field.known == known { return value(field) }
        return nil
    }

    /// Every value of a name, in order.
    package func all(_ name: String) -> [String] { indices(of: name).map { value(fields[$0]) } }

    /// Whether there is a field of this name.
    package func contains(_ name: String) -> Bool { index(of: name) != nil }

    /// Whether there is a field of this name.
    package func contains(_ known: KnownField) -> Bool {
        for field in fields where field.known == known { return true }
        return false
    }

    /// Whether a comma-separated list, spread over any number of lines, has this element: `Connection: keep-alive, Upgrade` has `upgrade`.
    package func list(_ known: KnownField, contains token: StaticString) -> Bool {
        var found = false
        forEachElement(of: known) { if Octets.equal($0, lower: token) { found = true } }
        return found
    }

    /// The elements of a comma-separated list, in order.
    package func list(_ known: KnownField) -> [String] {
        var out: [String] = []
        forEachElement(of: known) { out.append(String(decoding: $0, as: UTF8.self)) }
        return out
    }

    /// The fields as text: for printing, relaying and tests.
    package var pairs: [(name: String, value: String)] { fields.map { (text($0.nameStart, Int($0.nameCount)), value($0)) } }

    func forEachElement(of known: KnownField, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        bytes.withUnsafeBufferPointer { all in
            for field in fields where field.known == known {
                let start = Int(field.valueStart)
                ListElements.forEach(UnsafeBufferPointer(rebasing: all[start..<(start + Int(field.valueCount))]), body)
            }
        }
    }

    private func value(_ field: Field) -> String { text(field.valueStart, Int(field.valueCount)) }

    private func text(_ start: UInt32, _ count: Int) -> String {
        bytes.withUnsafeBufferPointer { all in
            String(decoding: UnsafeBufferPointer(rebasing: all[Int(start)..<(Int(start) + count)]), as: UTF8.self)
        }
    }

    private func index(of name: String) -> Int? {
        var name = name
        return name.withUTF8 { wanted in
            bytes.withUnsafeBufferPointer { all in fields.firstIndex { isNamed($0, wanted, in: all) } }
        }
    }

    private func indices(of name: String) -> [Int] {
        var name = name
        return name.withUTF8 { wanted in
            bytes.withUnsafeBufferPointer { all in fields.indices.filter { isNamed(fields[$0], wanted, in: all) } }
        }
    }

    private func isNamed(_ field: Field, _ wanted: UnsafeBufferPointer<UInt8>, in all: UnsafeBufferPointer<UInt8>) -> Bool {
        if Int(field.nameCount) != wanted.count { return false }
        let start = Int(field.nameStart)
        for i in 0..<wanted.count where Octets.lowercased(all[start + i]) != Octets.lowercased(wanted[i]) { return false }
        return true
    }

    // MARK: - Changing

    /// Appends a field. Octets that a value must not hold (line ends above all) become spaces, so that no text can add lines of its own; a name
    /// must be a token.
    package mutating func add(_ name: String, _ value: String) {
        var name = name
        var value = value
        name.withUTF8 { name in value.withUTF8 { value in append(name, value, KnownField(name)) } }
    }

    /// Adds a field behind the others, also when there is one of this name.
    package mutating func add(_ known: KnownField, _ value: String) {
        var value = value
        let name = known.name
        value.withUTF8 { append(UnsafeBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount), $0, known) }
    }

    /// Replaces every field of this name by one at the end.
    package mutating func set(_ name: String, _ value: String) {
        remove(name)
        add(name, value)
    }

    /// Replaces all fields of this name.
    package mutating func set(_ known: KnownField, _ value: String) {
        remove(known)
        add(known, value)
    }

    /// Takes out all fields of this name.
    package mutating func remove(_ name: String) {
        let gone = indices(of: name)
        for index in gone.reversed() { fields.remove(at: index) }
    }

    /// Takes out all fields of this name.
    package mutating func remove(_ known: KnownField) { fields.removeAll { $0.known == known } }

    /// Removes what concerns one connection only (RFC 9110, 7.6.1): `Connection`, what it names, `Keep-Alive`, `Proxy-Connection`, `TE`,
    /// `Transfer-Encoding`, `Upgrade`, and `Expect` where `keepingExpect` is false.
    ///
    /// A sender that names `Host`, `Content-Length` or the like in `Connection` wants them lost on the way; those stay.
    package mutating func removeHopByHop(keepingUpgrade: Bool = false) {
        if contains(.connection) {
            for token in list(.connection) where !Self.endToEnd.contains(token.lowercased()) {
                if keepingUpgrade, token.lowercased() == "upgrade" { continue }
                remove(token)
            }
        }
        fields.removeAll { field in
            switch field.known {
            case .connection, .keepAlive, .proxyConnection, .te, .transferEncoding: true
            case .upgrade: !keepingUpgrade
            default: false
            }
        }
    }

    /// What `Connection` may not take away on the path: without these a message changes its meaning or its length.
    static let endToEnd: Set<String> = [
        "host", "content-length", "content-type", "content-encoding", "authorization", "cookie", "x-forwarded-for", "x-forwarded-proto",
        "x-forwarded-host", "x-forwarded-port", "forwarded", "via", "date", "cache-control", "expect", "x-request-id", "traceparent",
        "tracestate",
    ]

    /// Leaves of trailers what may be one: fields that frame, route, authenticate or explain a message mean nothing behind it, and an endpoint that
    /// takes trailers for fields would believe them (RFC 9110, 6.5.1).
    mutating func removeNonTrailers() {
        fields.removeAll { field in
            switch field.known {
            case .other, .date, .via, .retryAfter: false
            default: true
            }
        }
    }

    private mutating func append(_ name: UnsafeBufferPointer<UInt8>, _ value: UnsafeBufferPointer<UInt8>, _ known: KnownField) {
        precondition(!name.isEmpty && name.count < 65536 && name.allSatisfy(Octets.isToken), "a header name is a token")
        let nameStart = UInt32(bytes.count)
        bytes.append(contentsOf: name)
        let valueStart = UInt32(bytes.count)
        for octet in value { bytes.append(Octets.isFieldValue(octet) ? octet : Octets.space) }
        fields.append(
            Field(
                nameStart: nameStart, valueStart: valueStart, valueCount: UInt32(bytes.count) - valueStart, nameCount: UInt16(name.count),
                known: known))
    }

    // MARK: - Writing

    /// Appends the field lines, each `Name: value` CRLF, without the empty line that ends a head.
    package func serialize(into output: inout ByteQueue) {
        var total = 0
        for field in fields { total += Int(field.nameCount) + Int(field.valueCount) + 4 }
        if total == 0 { return }
        bytes.withUnsafeBufferPointer { all in
            let from = all.baseAddress!
            _ = output.fill(room: total) { room in
                var to = room.baseAddress!
                for field in fields {
                    to.copyMemory(from: from + Int(field.nameStart), byteCount: Int(field.nameCount))
                    to += Int(field.nameCount)
                    to.storeBytes(of: UInt16(littleEndian: 0x203A), as: UInt16.self)
                    to += 2
                    to.copyMemory(from: from + Int(field.valueStart), byteCount: Int(field.valueCount))
                    to += Int(field.valueCount)
                    to.storeBytes(of: UInt16(littleEndian: 0x0A0D), as: UInt16.self)
                    to += 2
                }
                return total
            }
        }
    }
}

extension HTTPHeaders: ExpressibleByDictionaryLiteral {
    package init(dictionaryLiteral elements: (String, String)...) { self.init(elements) }
}

/// Comma-separated lists (RFC 9110, 5.6.1): elements without the blanks around them; empty ones are skipped. Quoted strings are not looked into:
/// the lists that frame messages have none.
enum ListElements {
    static func forEach(_ octets: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void) {
        var start = 0
        while start <= octets.count {
            var end = start
            while end < octets.count, octets[end] != 0x2C { end += 1 }
            var (first, last) = (start, end)
            while first < last, Octets.isBlank(octets[first]) { first += 1 }
            while last > first, Octets.isBlank(octets[last - 1]) { last -= 1 }
            if first < last { body(UnsafeBufferPointer(rebasing: octets[first..<last])) }
            start = end + 1
        }
    }
}
