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
    /// Until a snapshot that failed is tried again: a full disk is not to be filled up by snapshots that come to nothing.
    package var snapshotRetryInterval: Duration
    /// Copies of the state outside of the journal; nil: none are made.
    package var copies: CopySettings?
    /// How often watchers that heard nothing are told the current revision.
    package var bookmarkInterval: Duration
    /// No process of the instance can have lived on until this start: what is stored as ready is not (see `Registry.bootstrap`).
    package var nothingRuns = false
    /// The file that says that a state was stored here before, for the message when there is none; nil: nothing says so.
    package var hasStateBy: String?
    /// The file in which it is noted how far the journal was durable once; outside of its directory. Nil: it is not noted.
    package var reached: String?
    /// Where copies are looked for when the state is damaged or gone, to name the newest; nil: nowhere.
    package var snapshots: String?

    package init(
        registry: RegistrySettings = RegistrySettings(), journal: JournalSettings = JournalSettings(), undurableLimit: Int = 8192,
        snapshotThreshold: Int = 8 << 20, snapshotRetryInterval: Duration = .seconds(5), copies: CopySettings? = nil,
        bookmarkInterval: Duration = .seconds(30)
    ) {
        self.registry = registry
        self.journal = journal
        self.undurableLimit = undurableLimit
        self.snapshotThreshold = snapshotThreshold
        self.snapshotRetryInterval = snapshotRetryInterval
        self.copies = copies
        self.bookmarkInterval = bookmarkInterval
    }
}

/// When copies of the state are made, where, and how many stay.
package struct CopySettings: Sendable, Hashable {
    package var directory: String
    package var interval: Duration
    /// The oldest beyond it are removed.
    package var keep: Int

    package static let defaultInterval = Duration.seconds(3600)
    package static let defaultKeep = 24

    package init(directory: String, interval: Duration = CopySettings.defaultInterval, keep: Int = CopySettings.defaultKeep) {
        self.directory = directory
        self.interval = interval
        self.keep = keep
    }
}
