import APIClient
import Formats
import Linux
import Timing

/// How the last upgrade of an instance went, or how far it is: on disk, since `up` is another program afterwards, and may die on the way.
package struct UpgradeRecord: Hashable {
    /// A program: its version, which file (see `Release.identity`), and where that is.
    struct Program: Hashable {
        var version: String
        var identity: String
        var path: String

        init(version: String, identity: String, path: String) {
            self.version = version
            self.identity = identity
            self.path = path
        }

        init(_ value: Value) {
            self.init(
                version: value["version"].string ?? "", identity: value["identity"].string ?? "", path: value["path"].string ?? "")
        }

        var value: Value { ["version": .string(version), "identity": .string(identity), "path": .string(path)] }
    }

    enum Phase: String {
        /// The roles go over to the new program.
        case forward
        /// Something has failed: they go back to the old one.
        case back
        case done
        /// They are back.
        case reverted

        var isOver: Bool { self == .done || self == .reverted }
    }

    /// Of the record on disk: both programs of an upgrade read and write it.
    package static let format = 1

    var from: Program
    var to: Program
    /// What ran before the last upgrade that was done by then: an attempt that fails leaves the way back to it.
    var previous: Program?
    var phase = Phase.forward
    /// Why it went back.
    var reason: String?
    /// What has happened, for a person to read.
    var lines: [String] = []
    var startedAt: Timestamp

    init(from: Program, to: Program, startedAt: Timestamp) {
        self.from = from
        self.to = to
        self.startedAt = startedAt
    }

    /// Nil also when a newer program wrote it in a format that is not known here.
    init?(_ value: Value) {
        guard value["format"].int ?? 1 <= Self.format, let phase = value["phase"].string.flatMap(Phase.init),
            let startedAt = value["startedAt"].timestamp
        else { return nil }
        self.init(from: Program(value["from"]), to: Program(value["to"]), startedAt: startedAt)
        self.phase = phase
        previous = value["previous"].isNull ? nil : Program(value["previous"])
        reason = value["reason"].string
        lines = value["lines"].elements.compactMap(\.string)
    }

    var value: Value {
        var out: Value = [
            "format": .int(Int64(Self.format)), "from": from.value, "to": to.value, "phase": .string(phase.rawValue),
            "startedAt": .string(startedAt.rfc3339Nano),
            "lines": .array(lines.map { .string($0) }),
        ]
        if let previous { out["previous"] = previous.value }
        if let reason { out["reason"] = .string(reason) }
        return out
    }

    /// The program to go back to once this upgrade is over; nil: none was kept.
    var back: Program? { phase == .done ? from : previous }

    /// What `up` answers to whoever asks: the record, and the way back.
    var answer: Value {
        var out = value
        if let back { out["back"] = back.value }
        return out
    }

    /// The record of this directory, if there ever was an upgrade.
    static func read(_ directory: DataDirectory) -> UpgradeRecord? {
        guard let bytes = try? Files.read(directory.upgradeRecord), let value = try? JSON.parse(bytes) else { return nil }
        return UpgradeRecord(value)
    }

    /// What the record of this directory says of its upgrade, in words, for whoever finds no `up` to ask.
    package static func lastWord(in directory: DataDirectory) -> String {
        guard Files.exists(directory.upgradeRecord) else { return "there is no \(directory.upgradeRecord)" }
        guard let record = read(directory) else { return "\(directory.upgradeRecord) cannot be read" }
        let way =
            switch record.phase {
            case .forward: "is on its way from steady \(record.from.version) to steady \(record.to.version)"
            case .back: "is on its way back from steady \(record.to.version) to steady \(record.from.version)"
            case .done: "reached steady \(record.to.version)"
            case .reverted: "went back to steady \(record.from.version)"
            }
        let last = record.lines.last.map { "; the last it noted: \($0)" } ?? ""
        return "by \(directory.upgradeRecord) it \(way)\(last)"
    }

    func save(_ directory: DataDirectory) throws(LinuxError) {
        try Files.replace(directory.upgradeRecord, with: JSON.serialize(value, pretty: true), durably: true)
    }
}
