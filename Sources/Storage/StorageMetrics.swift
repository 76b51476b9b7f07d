/// What the storage counted since it was opened.
package struct StorageMetrics: Sendable {
    package var requestCount: UInt64 = 0
    /// Commits that became durable.
    package var commitCount: UInt64 = 0
    /// Fsyncs of the journal that worked.
    package var batchCount: UInt64 = 0
    package var failedBatchCount: UInt64 = 0
    package var snapshotCount: UInt64 = 0
    package var failedSnapshotCount: UInt64 = 0
    /// Scheduled snapshots outside of the journal.
    package var copyCount: UInt64 = 0
    package var failedCopyCount: UInt64 = 0
}
