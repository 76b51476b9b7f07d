import Formats
import Resources
import Timing

/// Writes the events of one watch, one JSON object a line: Python's client needs the line ends, the others do not mind them.
package struct WatchEncoder: Sendable {
    private let type: ServedType
    private let representation: Representation
    private let rowObject: RowObject
    private var hasSentColumns = false

    package init(_ type: ServedType, _ representation: Representation, rowObject: RowObject = .metadata) {
        self.type = type
        self.representation = representation
        self.rowObject = rowObject
    }

    /// Adds one event's line, in the form that the client asked for.
    package mutating func append(_ event: WatchEvent, now: Timestamp, to out: inout [UInt8]) {
        if event.kind == .bookmark {
            appendBookmark(event.revision, endsInitial: false, to: &out)
            return
        }
        head(event.kind.rawValue, &out)
        let rendering = Rendering(type, representation, rowObject: rowObject, now: now)
        switch representation {
        case .plain:
            // Most events were written for the journal already.
            if let json = event.json, !type.isRenamed { out += json } else { JSON.append(type.toWire(event.object), to: &out) }
        case .metadata(let version): JSON.append(rendering.partial(event.object, version: version), to: &out)
        case .table(let version):
            rendering.appendTable(
                version: version, metadata: ["resourceVersion": .string(event.revision.description)], of: [event.object],
                withColumns: !hasSentColumns, to: &out)
            hasSentColumns = true
        }
        tail(&out)
    }

    /// Says how far the stream has come without an object. In a table it is one without rows: an object would print as a row.
    package func appendBookmark(_ revision: Revision, endsInitial: Bool, to out: inout [UInt8]) {
        head(WatchEvent.Kind.bookmark.rawValue, &out)
        var metadata: Value = ["resourceVersion": .string(revision.description)]
        switch representation {
        case .plain, .metadata:
            if endsInitial { metadata["annotations"] = ["k8s.io/initial-events-end": "true"] }
            var kind = type.wire.kind
            var apiVersion = type.wire.apiVersion
            if case .metadata(let version) = representation { (kind, apiVersion) = ("PartialObjectMetadata", "meta.k8s.io/\(version)") }
            JSON.append(["kind": .string(kind), "apiVersion": .string(apiVersion), "metadata": metadata], to: &out)
        case .table(let version):
            JSON.append(
                [
                    "kind": "Table", "apiVersion": .string("meta.k8s.io/\(version)"), "metadata": metadata, "columnDefinitions": [],
                    "rows": [],
                ], to: &out)
        }
        tail(&out)
    }

    /// The last line of a watch that cannot go on: `Expired` makes clients list again.
    package func appendError(_ error: StatusError, to out: inout [UInt8]) {
        head("ERROR", &out)
        JSON.append(error.value, to: &out)
        tail(&out)
    }

    private func head(_ kind: String, _ out: inout [UInt8]) {
        out += "{\"type\":\"".utf8
        out += kind.utf8
        out += "\",\"object\":".utf8
    }

    private func tail(_ out: inout [UInt8]) { out += "}\n".utf8 }
}
