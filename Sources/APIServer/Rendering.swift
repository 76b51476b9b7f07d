import Formats
import Resources
import Timing

/// Writes replies in the shape that was asked for. Lists are written item by item behind each other; no tree of the whole list is built.
package struct Rendering: Sendable {
    package var type: ServedType
    package var representation: Representation
    package var rowObject: RowObject
    /// For the ages in tables.
    package var now: Timestamp

    package init(_ type: ServedType, _ representation: Representation, rowObject: RowObject = .metadata, now: Timestamp) {
        self.type = type
        self.representation = representation
        self.rowObject = rowObject
        self.now = now
    }

    /// The reply in the form that the client asked for.
    package func bytes(_ reply: Reply) -> [UInt8] {
        if let json = reply.json, case .plain = representation, !type.isRenamed { return json + [UInt8(ascii: "\n")] }
        var out: [UInt8] = []
        switch reply.body {
        case .object(let object): append(object, to: &out)
        case .status(let status): JSON.append(status, to: &out)
        case .list(_, let items, let revision): append(list: items, at: revision, reply.next, to: &out)
        }
        out.append(UInt8(ascii: "\n"))
        return out
    }

    private func append(_ object: Value, to out: inout [UInt8]) {
        switch representation {
        case .plain: JSON.append(type.toWire(object), to: &out)
        case .metadata(let version): JSON.append(partial(object, version: version), to: &out)
        case .table(let version):
            appendTable(
                version: version, metadata: ["resourceVersion": object["metadata"]["resourceVersion"]], of: [object], withColumns: true,
                to: &out)
        }
    }

    private func append(list items: [Value], at revision: Revision, _ next: NextPage?, to out: inout [UInt8]) {
        var metadata: Value = ["resourceVersion": .string(revision.description)]
        if let next {
            metadata["continue"] = .string(next.start.token)
            if let count = next.remainingCount { metadata["remainingItemCount"] = .int(Int64(count)) }
        }
        switch representation {
        case .plain: appendItems("\(type.wire.kind)List", type.wire.apiVersion, metadata, items, to: &out) { type.toWire($0) }
        case .metadata(let version):
            appendItems("PartialObjectMetadataList", "meta.k8s.io/\(version)", metadata, items, to: &out) { partial($0, version: version) }
        case .table(let version): appendTable(version: version, metadata: metadata, of: items, withColumns: true, to: &out)
        }
    }

    private func appendItems(
        _ kind: String, _ apiVersion: String, _ metadata: Value, _ items: [Value], to out: inout [UInt8], _ show: (Value) -> Value
    ) {
        out.reserveCapacity(items.count * Self.typicalObjectByteCount)
        out += "{\"kind\":\"\(kind)\",\"apiVersion\":\"\(apiVersion)\",\"metadata\":".utf8
        JSON.append(metadata, to: &out)
        out += ",\"items\":[".utf8
        for (index, item) in items.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            JSON.append(show(item), to: &out)
        }
        out += "]}".utf8
    }

    /// A pod of one container with its status is about this long; a wrong guess costs one copy.
    private static let typicalObjectByteCount = 3072

    // MARK: Tables

    /// One Table. Columns may be left out after the first of a watch: clients keep them.
    func appendTable(version: String, metadata: Value, of objects: [Value], withColumns: Bool, to out: inout [UInt8]) {
        // `deployments/scale` answers with another kind than the resource's own.
        let shown = objects.first.flatMap { $0["kind"].string == "Scale" ? .scales : nil } ?? type.printed
        out += "{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/\(version)\",\"metadata\":".utf8
        JSON.append(metadata, to: &out)
        out += ",\"columnDefinitions\":".utf8
        JSON.append(.array(withColumns ? Printing.columns(shown).map(Self.definition) : []), to: &out)
        out += ",\"rows\":[".utf8
        for (index, object) in objects.enumerated() {
            if index > 0 { out.append(UInt8(ascii: ",")) }
            out += "{\"cells\":".utf8
            JSON.append(.array(Printing.cells(object, shown, now: now)), to: &out)
            switch rowObject {
            case .none: break
            case .metadata:
                out += ",\"object\":".utf8
                JSON.append(partial(object, version: version), to: &out)
            case .object:
                out += ",\"object\":".utf8
                JSON.append(type.toWire(object), to: &out)
            }
            out.append(UInt8(ascii: "}"))
        }
        out += "]}".utf8
    }

    private static func definition(_ column: Printing.Column) -> Value {
        [
            "name": .string(column.name), "type": .string(column.type), "format": .string(column.format), "description": "",
            "priority": .int(Int64(column.priority)),
        ]
    }

    func partial(_ object: Value, version: String) -> Value {
        ["kind": "PartialObjectMetadata", "apiVersion": .string("meta.k8s.io/\(version)"), "metadata": object["metadata"]]
    }
}
