/// Reads the fields of one message.
struct ProtobufReader {
    private let bytes: ArraySlice<UInt8>
    private let schema: ProtobufSchema
    private var at: Int

    init(_ bytes: ArraySlice<UInt8>, schema: ProtobufSchema) {
        self.bytes = bytes
        self.schema = schema
        at = bytes.startIndex
    }

    /// One field as it stands in the bytes.
    private enum Content {
        case varint(UInt64)
        case bytes(ArraySlice<UInt8>)
        /// Of four or eight bytes; no field of the schema is of these.
        case fixed
    }

    /// All fields that hold bytes, by number, for the envelope.
    consuming func bytesFields() throws(ProtobufError) -> [Int: ArraySlice<UInt8>] {
        var fields: [Int: ArraySlice<UInt8>] = [:]
        while at < bytes.endIndex {
            let (number, content) = try nextField()
            if case .bytes(let slice) = content { fields[number] = slice }
        }
        return fields
    }

    /// Adds the message's fields to `members`; unknown ones are skipped.
    consuming func read(_ message: String, into members: inout Object, depth: Int) throws(ProtobufError) {
        if depth > ParseLimits.standard.depth { throw failure("nested more than \(ParseLimits.standard.depth) levels deep") }
        let fields = schema.messages[message] ?? [:]
        while at < bytes.endIndex {
            let (number, content) = try nextField()
            guard let field = fields[number] else { continue }
            if field.isInlined, case .message(let inner) = field.type, case .bytes(let slice) = content {
                try ProtobufReader(slice, schema: schema).read(inner, into: &members, depth: depth + 1)
                continue
            }
            switch field.shape {
            case .single:
                guard let value = try value(content, field, depth: depth) else { continue }
                if value == "" { continue }
                members[field.name] = value
            case .list:
                let elements = try elements(content, field, depth: depth)
                members.update(field.name) { list in
                    var array = list.elements
                    list = .null
                    array.append(contentsOf: elements)
                    list = .array(array)
                }
            case .map:
                guard let (key, value) = try entry(content, field, depth: depth) else { continue }
                members.update(field.name) { map in
                    var object = map.object ?? Object()
                    map = .null
                    object[key] = value
                    map = .object(object)
                }
            }
        }
    }

    private func elements(_ content: Content, _ field: ProtobufSchema.Field, depth: Int) throws(ProtobufError) -> [Value] {
        // Numbers may come packed: many in one field.
        if field.type == .integer, case .bytes(let packed) = content {
            var reader = ProtobufReader(packed, schema: schema)
            var values: [Value] = []
            while reader.at < packed.endIndex { values.append(.int(Int64(bitPattern: try reader.varint()))) }
            return values
        }
        return try value(content, field, depth: depth).map { [$0] } ?? []
    }

    private func entry(_ content: Content, _ field: ProtobufSchema.Field, depth: Int) throws(ProtobufError) -> (String, Value)? {
        guard case .bytes(let slice) = content else { return nil }
        var reader = ProtobufReader(slice, schema: schema)
        var key = ""
        var member: Value = ""
        while reader.at < slice.endIndex {
            let (number, content) = try reader.nextField()
            if number == 1, case .bytes(let text) = content { key = try string(text) }
            if number == 2, let value = try value(content, field, depth: depth) { member = value }
        }
        return (key, member)
    }

    /// Nil for what JSON does not have: empty times, and bytes of a shape that the schema does not expect.
    private func value(_ content: Content, _ field: ProtobufSchema.Field, depth: Int) throws(ProtobufError) -> Value? {
        switch (field.type, content) {
        case (.integer, .varint(let number)): return .int(Int64(bitPattern: number))
        case (.boolean, .varint(let number)): return .bool(number != 0)
        case (.string, .bytes(let text)): return .string(try string(text))
        case (.bytes, .bytes(let data)): return .string(Base64.encode(data))
        case (.quantity, .bytes(let message)):
            return .string(try string(try ProtobufReader(message, schema: schema).bytesFields()[1] ?? []))
        case (.time, .bytes(let message)): return try time(message, withMicroseconds: false)
        case (.microTime, .bytes(let message)): return try time(message, withMicroseconds: true)
        case (.integerOrString, .bytes(let message)): return try integerOrString(message)
        case (.json, .bytes(let message)):
            guard let raw = try ProtobufReader(message, schema: schema).bytesFields()[1] else { return nil }
            do { return try JSON.parse(Array(raw)) } catch { throw failure("\(field.name) is not JSON: \(error)") }
        case (.message(let name), .bytes(let message)):
            var members = Object()
            try ProtobufReader(message, schema: schema).read(name, into: &members, depth: depth + 1)
            return .object(members)
        default: throw failure("the field \(field.name) is not of the expected type")
        }
    }

    private func string(_ bytes: ArraySlice<UInt8>) throws(ProtobufError) -> String {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw failure("a string is not valid UTF-8") }
        return text
    }

    private func integerOrString(_ message: ArraySlice<UInt8>) throws(ProtobufError) -> Value {
        var reader = ProtobufReader(message, schema: schema)
        var (isString, number, text) = (false, Int64(0), "")
        while reader.at < message.endIndex {
            switch try reader.nextField() {
            case (1, .varint(let kind)): isString = kind == 1
            case (2, .varint(let value)): number = Int64(bitPattern: value)
            case (3, .bytes(let bytes)): text = try string(bytes)
            default: break
            }
        }
        return isString ? .string(text) : .int(number)
    }

    private func time(_ message: ArraySlice<UInt8>, withMicroseconds: Bool) throws(ProtobufError) -> Value? {
        var reader = ProtobufReader(message, schema: schema)
        var (seconds, nanoseconds) = (Int64(0), Int64(0))
        while reader.at < message.endIndex {
            switch try reader.nextField() {
            case (1, .varint(let value)): seconds = Int64(bitPattern: value)
            case (2, .varint(let value)): nanoseconds = Int64(bitPattern: value)
            default: break
            }
        }
        if seconds == 0, nanoseconds == 0 { return nil }
        guard let text = CivilTime.text(secondsSince1970: seconds, microseconds: withMicroseconds ? nanoseconds / 1000 : nil) else {
            throw failure("a time is out of range")
        }
        return .string(text)
    }

    // MARK: Bytes

    private mutating func nextField() throws(ProtobufError) -> (Int, Content) {
        let tag = try varint()
        guard tag >> 3 > 0, tag >> 3 <= 536_870_911 else { throw failure("a field has no number") }
        let number = Int(tag >> 3)
        switch tag & 7 {
        case 0: return (number, .varint(try varint()))
        case 1:
            _ = try take(8)
            return (number, .fixed)
        case 2:
            let length = try varint()
            guard length <= UInt64(bytes.endIndex - at) else { throw failure("it ends inside field \(number)") }
            return (number, .bytes(try take(Int(length))))
        case 5:
            _ = try take(4)
            return (number, .fixed)
        case let type: throw failure("field \(number) has the unknown wire type \(type)")
        }
    }

    private mutating func take(_ count: Int) throws(ProtobufError) -> ArraySlice<UInt8> {
        guard count <= bytes.endIndex - at else { throw failure("it ends inside a field") }
        defer { at += count }
        return bytes[at..<at + count]
    }

    private mutating func varint() throws(ProtobufError) -> UInt64 {
        var value: UInt64 = 0
        for shift in stride(from: 0, to: 70, by: 7) {
            guard at < bytes.endIndex else { throw failure("it ends inside a number") }
            let byte = bytes[at]
            at += 1
            value |= UInt64(byte & 0x7F) << UInt64(shift)
            if byte < 0x80 { return value }
        }
        throw failure("a number is longer than ten bytes")
    }

    private func failure(_ message: String) -> ProtobufError { ProtobufError(offset: at, message: message) }
}
