import Formats
import Resources
import Wire

/// Cuts the body of a watch into its events: one JSON object a line, whatever pieces it arrives in.
package struct WatchDecoder {
    private let type: ResourceType
    private var pending = ByteQueue()
    /// Bytes of `pending` in which there is no line end.
    private var searched = 0

    /// One event: larger than any object the server stores.
    private static let lineByteLimit = 16 * 1024 * 1024
    /// The annotation of the bookmark behind the initial events (KEP-3157).
    private static let initialEventsEnd = "k8s.io/initial-events-end"

    package init(type: ResourceType) { self.type = type }

    /// The events that are whole now; `.ended` is the last.
    package mutating func feed(_ bytes: [UInt8]) -> [WatchSignal] {
        pending.append(bytes)
        var signals: [WatchSignal] = []
        while let end = lineEnd() {
            var line = pending.take(end + 1)
            line.removeLast()
            searched = 0
            if line.allSatisfy({ $0 == 0x20 || $0 == 0x0D || $0 == 0x09 }) { continue }
            let signal = decode(line)
            signals.append(signal)
            if case .ended = signal { return signals }
        }
        if pending.count > Self.lineByteLimit {
            signals.append(.ended(.internalError("an event of the watch is longer than \(Self.lineByteLimit) bytes")))
        }
        return signals
    }

    private mutating func lineEnd() -> Int? {
        let from = searched
        let found: Int? = pending.withBytes { bytes in bytes[from...].firstIndex(of: 0x0A) }
        if found == nil { searched = pending.count }
        return found
    }

    private func decode(_ line: [UInt8]) -> WatchSignal {
        let value: Value
        do throws(FormatError) { value = try JSON.parse(line) } catch {
            return .ended(.internalError("an event of the watch is not JSON: column \(error.column): \(error.message)"))
        }
        let object = value["object"]
        if value["type"].string == "ERROR" {
            return .ended(StatusError(object) ?? .internalError("the watch ended with an error that is no Status"))
        }
        guard let kind = value["type"].string.flatMap(WatchEvent.Kind.init) else {
            return .ended(.internalError("an event of the watch has the type \(value["type"].string ?? "none")"))
        }
        guard let revision = Revision(object["metadata"]["resourceVersion"].string ?? "") else {
            return .ended(.internalError("an event of the watch has no resourceVersion"))
        }
        if kind == .bookmark, object["metadata"]["annotations"][Self.initialEventsEnd].string == "true" { return .synced(revision) }
        return .event(WatchEvent(kind, object, at: revision))
    }
}
