import Formats
import Resources

/// One entry of the journal or of a snapshot, as the registry writes it (format version 1).
///
/// The head is `op`, then group/plural, namespace and name, each with a zero byte behind it; the body is the object's JSON. The key stands
/// outside of the JSON so that recovery parses only the last state of each object.
package struct RegistryRecord: Sendable {
    package let revision: Revision
    package let head: [UInt8]
    /// Shared with the event that watchers get: the object is serialised once.
    package let body: [UInt8]

    /// The version of this format; stored in the header of every file.
    package static let formatVersion: UInt32 = 1

    /// What a record does to its object; the numbers are on disk.
    package enum Operation: UInt8, Sendable {
        case put = 80  // "P"
        case remove = 68  // "D"
        /// Revisions up to the one in `name` may have been given out to commits that live in memory only.
        case reserve = 82  // "R"
    }

    static func put(_ slot: Slot, _ json: [UInt8], at revision: Revision) -> RegistryRecord {
        RegistryRecord(revision: revision, head: head(.put, slot), body: json)
    }

    static func remove(_ slot: Slot, at revision: Revision) -> RegistryRecord {
        RegistryRecord(revision: revision, head: head(.remove, slot), body: [])
    }

    static func reserve(through ceiling: Revision, at revision: Revision) -> RegistryRecord {
        RegistryRecord(revision: revision, head: [Operation.reserve.rawValue, 0, 0] + Array(ceiling.description.utf8) + [0], body: [])
    }

    private static func head(_ operation: Operation, _ slot: Slot) -> [UInt8] {
        var out: [UInt8] = [operation.rawValue]
        let type = slot.type
        out.reserveCapacity(type.group.utf8.count + type.plural.utf8.count + slot.namespace.utf8.count + slot.name.utf8.count + 5)
        out += type.group.utf8
        out.append(UInt8(ascii: "/"))
        out += type.plural.utf8
        out.append(0)
        out += slot.namespace.utf8
        out.append(0)
        out += slot.name.utf8
        out.append(0)
        return out
    }
}

/// What a record's bytes say, body not parsed yet.
struct ParsedRecord {
    var operation: RegistryRecord.Operation
    var resource: String
    var namespace: String
    var name: String
    var body: ArraySlice<UInt8>

    /// Nil when the bytes are no record of this format.
    init?(_ bytes: [UInt8]) {
        guard let first = bytes.first, let operation = RegistryRecord.Operation(rawValue: first) else { return nil }
        self.operation = operation
        var at = 1
        func field() -> String? {
            guard let end = bytes[at...].firstIndex(of: 0) else { return nil }
            defer { at = end + 1 }
            return String(decoding: bytes[at..<end], as: UTF8.self)
        }
        guard let resource = field(), let namespace = field(), let name = field() else { return nil }
        self.resource = resource
        self.namespace = namespace
        self.name = name
        body = bytes[at...]
    }
}
