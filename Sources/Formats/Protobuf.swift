/// Why a protobuf body could not be read.
package struct ProtobufError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The byte in the body, or in the message for errors inside of it.
    package var offset: Int
    package var message: String

    package var description: String { "protobuf body: \(message) (byte \(offset))" }
}

/// Bodies that Kubernetes' clients send as `application/vnd.kubernetes.protobuf`.
package enum Protobuf {
    /// What every such body begins with: `k8s` and a zero byte.
    package static let magic: [UInt8] = [0x6B, 0x38, 0x73, 0x00]

    /// Reads a whole body into the same tree that its JSON would give, with `apiVersion` and `kind`.
    ///
    /// Clients write empty strings and empty times where JSON has nothing: these are left out. Empty messages stay as `{}`, zeros stay.
    package static func decode(_ body: [UInt8], schema: ProtobufSchema = .kubernetes) throws(ProtobufError) -> Value {
        guard body.starts(with: magic) else {
            throw ProtobufError(offset: 0, message: "it does not begin with \"k8s\" and a zero byte")
        }
        let envelope = try ProtobufReader(body[magic.count...], schema: schema).bytesFields()
        guard let type = envelope[1], let raw = envelope[2] else {
            throw ProtobufError(offset: magic.count, message: "it has no type or no object")
        }
        let typeFields = try ProtobufReader(type, schema: schema).bytesFields()
        let apiVersion = String(decoding: typeFields[1] ?? [], as: UTF8.self)
        let kind = String(decoding: typeFields[2] ?? [], as: UTF8.self)
        guard let name = schema.messageName(apiVersion: apiVersion, kind: kind) else {
            throw ProtobufError(
                offset: magic.count, message: "\(kind) in version \"\(apiVersion)\" is not read as protobuf here; send JSON")
        }
        var value: Value = ["kind": .string(kind), "apiVersion": .string(apiVersion)]
        guard case .object(let members) = try decode(raw, message: name, schema: schema) else { return value }
        for (key, member) in members { value[key] = member }
        return value
    }

    /// Reads one message of the schema, without envelope.
    package static func decode(_ bytes: ArraySlice<UInt8>, message: String, schema: ProtobufSchema) throws(ProtobufError) -> Value {
        var members = Object()
        try ProtobufReader(bytes, schema: schema).read(message, into: &members, depth: 0)
        return .object(members)
    }
}
