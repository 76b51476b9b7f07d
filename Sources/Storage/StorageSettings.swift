import Journal
import Registry

/// Sizes and limits of a storage.
package struct StorageSettings: Sendable {
    package var registry: RegistrySettings
    package var journal: JournalSettings
    /// How many commits may wait for the disk; further writes are refused with 429 until some are through. At 3 KB each this is 24 MB.
    package var undurableLimit: Int
    /// A snapshot is written when the segments are this long, and longer than twice the last snapshot.
    package var snapshotThreshold: Int
    /// How often watchers that heard nothing are told the current revision.
    package var bookmarkInterval: Duration

    package init(
        registry: RegistrySettings = RegistrySettings(), journal: JournalSettings = JournalSettings(), undurableLimit: Int = 8192,
        snapshotThreshold: Int = 8 << 20, bookmarkInterval: Duration = .seconds(30)
    ) {
        self.registry = registry
        self.journal = journal
        self.undurableLimit = undurableLimit
        self.snapshotThreshold = snapshotThreshold
        self.bookmarkInterval = bookmarkInterval
    }
}
