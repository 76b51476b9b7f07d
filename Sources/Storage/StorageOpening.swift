import Journal
import Linux
import Registry
import Resources

/// Why the store cannot be opened, in one sentence with its remedy.
package struct StorageError: Error, Sendable, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

extension Storage {
    struct Opened {
        var registry: Registry
        var writer: JournalWriter
        var notices: [String]
    }

    static func systemDisk(_ directory: String) throws(StorageError) -> SystemDisk {
        do throws(JournalError) { return try SystemDisk(directory) } catch { throw StorageError(error.description) }
    }

    /// The newest whole file of the scheduled copies and of those before upgrades: both have their time in their name. Reads files until one is whole.
    private static func newestCopy(_ settings: StorageSettings) -> String? {
        guard let place = settings.snapshots else { return nil }
        let names = ((try? Files.list(place)) ?? []).filter { $0.hasSuffix(".steady") }
        let newestFirst = names.sorted { ($0.drop { !$0.isNumber }, $0) > ($1.drop { !$0.isNumber }, $1) }
        return newestFirst.lazy.map { "\(place)/\($0)" }.first { (try? SnapshotFiles.inspect($0)) != nil }
    }

    /// What to do about a state that was stored here and cannot be used.
    static func remedy(_ settings: StorageSettings = StorageSettings()) -> String {
        "Go back to a snapshot: steady snapshot restore --replace \(newestCopy(settings) ?? "FILE"); or, to begin empty, move the directory away"
            + (settings.hasStateBy.map { ", and \($0)" } ?? "")
    }

    /// Recovers the registry and makes durable what must hold BEFORE the first request.
    static func open(
        _ disk: any JournalDisk, settings: StorageSettings, random: inout SystemRandomNumberGenerator
    ) throws(StorageError) -> Opened {
        let recovered: RecoveredJournal
        let writer: JournalWriter
        do throws(JournalError) {
            (recovered, writer) = try Journals.open(
                disk, contentVersion: RegistryRecord.formatVersion, settings: settings.journal,
                reached: settings.reached.map { ReachedNote($0) })
        } catch {
            throw StorageError(error.description + (error.isDamage ? ". " + remedy(settings) : ""))
        }
        // An empty state would be taken for the truth: everything that runs would be stopped.
        if recovered.records.isEmpty, let record = settings.hasStateBy {
            throw StorageError(
                "\(disk.path): no state is stored here, but \(record) says that there was one: its files are gone. No program was stopped. Put them "
                    + "back, or go back to a snapshot: steady snapshot restore --replace \(newestCopy(settings) ?? "FILE"); to begin empty, remove "
                    + "\(record) first")
        }
        var recovery = Recovery(settings: settings.registry)
        var registry: Registry
        do throws(RecoveryError) {
            for record in recovered.records { try recovery.add(record.payload, at: Revision(record.revision)) }
            registry = try recovery.registry()
        } catch {
            throw StorageError("\(disk.path): \(error). Nothing was changed. \(remedy(settings))")
        }
        let records = registry.bootstrap(now: Clock.realtime(), random: &random, nothingRuns: settings.nothingRuns)
        if !records.isEmpty {
            do throws(JournalFailure) {
                try writer.append(records.map { JournalRecord(revision: $0.revision.number, head: $0.head, body: $0.body) })
            } catch {
                throw StorageError("the journal cannot be written: \(error). Make room, or make the directory writable for this user")
            }
            _ = registry.durable(through: registry.tipRevision)
        }
        var notices = recovered.notices
        if !recovery.unknownResources.isEmpty {
            notices.append(
                "objects of kinds that this version does not serve are left out: \(recovery.unknownResources.sorted().joined(separator: ", "))"
            )
        }
        return Opened(registry: registry, writer: writer, notices: notices)
    }
}
