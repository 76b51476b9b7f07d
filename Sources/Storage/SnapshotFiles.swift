import Journal
import Linux
import Registry
import Resources
import Timing

extension Registry {
    /// The registry's snapshot as the journal writes it.
    package func journalSnapshot(at time: Timestamp) -> JournalSnapshot {
        let snapshot = self.snapshot()
        return JournalSnapshot(revision: snapshot.revision.number, count: snapshot.count, time: time.secondsSince1970) { index in
            let record = snapshot.record(index)
            return JournalRecord(revision: record.revision.number, head: record.head, body: record.body)
        }
    }
}

/// What a snapshot's file holds: every checksum was compared and every object parsed.
package struct SnapshotContents: Sendable {
    package let revision: UInt64
    /// `1.1`: layout and content.
    package let format: String
    /// Nil where the file does not say.
    package let time: Timestamp?
    package let byteCount: Int
    /// Kinds of which there is anything.
    package let counts: [(type: ResourceType, count: Int)]
    /// Resources of another version of Steady, which this one leaves out.
    package let unknownResources: [String]
    /// How many nodes each zone has, by the zones' names.
    package let zones: [(name: String, nodeCount: Int)]

    package var objectCount: Int { counts.reduce(0) { $0 + $1.count } }
}

/// Snapshots as files that people keep: made, looked at, and brought back.
package enum SnapshotFiles {
    /// Makes the bytes of a snapshot piece by piece, for the wire.
    package static func encoder(_ snapshot: JournalSnapshot) -> SnapshotEncoder {
        SnapshotEncoder(snapshot, contentVersion: RegistryRecord.formatVersion)
    }

    /// Reads it all; throws with file, offset, what is wrong and the remedy.
    package static func inspect(_ path: String) throws(StorageError) -> SnapshotContents {
        try contents(of: read(path), path: path)
    }

    private static func read(_ path: String) throws(StorageError) -> [UInt8] {
        do throws(LinuxError) { return try Files.read(path) } catch { throw StorageError("\(error)") }
    }

    private static func contents(of bytes: [UInt8], path: String) throws(StorageError) -> SnapshotContents {
        let file: SnapshotFile
        do throws(JournalError) {
            file = try SnapshotFile(bytes, path: path, contentVersion: RegistryRecord.formatVersion)
        } catch {
            let remedy = error.isDamage ? "Use another snapshot; nothing was changed" : error.remedy
            throw StorageError("\(error.place): \(error.problem). \(remedy)")
        }
        var recovery = Recovery(settings: RegistrySettings())
        do throws(RecoveryError) {
            for record in file.records { try recovery.add(record.payload, at: Revision(record.revision)) }
            let registry = try recovery.registry()
            return SnapshotContents(
                revision: file.revision, format: "\(file.layoutVersion).\(file.contentVersion)",
                time: file.time == 0 ? nil : Timestamp(secondsSince1970: file.time), byteCount: file.byteCount,
                counts: registry.objectCounts.filter { $0.count > 0 }, unknownResources: recovery.unknownResources.sorted(),
                zones: zones(of: registry))
        } catch {
            throw StorageError("\(path): \(error). Use another snapshot; nothing was changed")
        }
    }

    private static func zones(of registry: Registry) -> [(name: String, nodeCount: Int)] {
        guard case .list(_, let nodes, _) = registry.list(ListRequest(.nodes)).body else { return [] }
        let zones = nodes.compactMap { $0["metadata"]["labels"]["topology.kubernetes.io/zone"].string }
        return Dictionary(grouping: zones) { $0 }.map { ($0.key, $0.value.count) }.sorted { $0.name < $1.name }
    }

    /// Puts a snapshot that was received under its name once it is proved whole. The temporary file is gone in any case.
    package static func keep(_ temporary: String, as path: String) throws(StorageError) -> SnapshotContents {
        do throws(StorageError) {
            let contents = try contents(of: read(temporary), path: path)
            do throws(LinuxError) {
                let file = try DiskFile(temporary, truncating: false)
                defer { file.close() }
                try file.synchronize()
                try Files.move(temporary, to: path)
                try Files.synchronizeDirectory(Files.directory(of: path))
            } catch { throw StorageError("\(error)") }
            return contents
        } catch {
            try? Files.removeTree(temporary)
            throw error
        }
    }

    /// Makes a snapshot of a data directory's journal that no server has open. The journal is read and not changed.
    ///
    /// - Parameter reached: the file in which it is noted how far the journal goes; nil: none.
    package static func save(journal: String, reached: String? = nil, as path: String) throws(StorageError) -> SnapshotContents {
        var encoder = encoder(try state(of: journal, reached).journalSnapshot(at: Clock.realtime()))
        let temporary = temporaryName(path)
        do throws(LinuxError) {
            let file = try DiskFile(new: temporary)
            defer { file.close() }
            var offset = 0
            while !encoder.isDone {
                let bytes = encoder.bytes(stepByteCount)
                try file.write(bytes, at: offset)
                offset += bytes.count
            }
        } catch {
            try? Files.removeTree(temporary)
            throw StorageError("\(error)")
        }
        return try keep(temporary, as: path)
    }

    private static func state(of journal: String, _ reached: String?) throws(StorageError) -> Registry {
        let disk = try Storage.systemDisk(journal)
        let recovered: RecoveredJournal
        do throws(JournalError) {
            recovered = try Journals.read(disk, contentVersion: RegistryRecord.formatVersion, reached: reached.map { ReachedNote($0) })
        } catch { throw StorageError(error.description + (error.isDamage ? ". \(Storage.remedy())" : "")) }
        var recovery = Recovery(settings: RegistrySettings())
        do throws(RecoveryError) {
            for record in recovered.records { try recovery.add(record.payload, at: Revision(record.revision)) }
            return try recovery.registry()
        } catch { throw StorageError("\(journal): \(error)") }
    }

    /// Of a file that is not whole yet: this process's own, so that a file of somebody else is not taken for it.
    package static func temporaryName(_ path: String) -> String { "\(path).tmp\(Processes.current)" }
    private static let stepByteCount = 256 << 10

    /// Makes a journal of a snapshot. There is a whole journal in `journal` afterwards, or none.
    ///
    /// - Parameters:
    ///   - journal: must not be there yet.
    ///   - reached: the file in which it is noted how far the journal before went. It is removed, for good BEFORE the new journal is there, which may go
    ///     less far. Nil: none.
    package static func restore(_ path: String, journal: String, reached: String? = nil) throws(StorageError) -> SnapshotContents {
        let bytes = try read(path)
        let contents = try contents(of: bytes, path: path)
        let temporary = journal + ".tmp"
        do throws(LinuxError) {
            try Files.removeTree(temporary)
            try Files.makeDirectories(temporary)
            try Files.replace("\(temporary)/\(Journals.snapshotName(contents.revision))", with: bytes, durably: true)
            if let reached { try ReachedNote(reached).remove() }
            try Files.move(temporary, to: journal)
            try Files.synchronizeDirectory(Files.directory(of: journal))
        } catch {
            try? Files.removeTree(temporary)
            throw StorageError("\(error)")
        }
        return contents
    }
}
