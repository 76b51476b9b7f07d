import Journal
import Registry

/// The versions of what the store writes; it reads every earlier one, and refuses a later one by name.
package enum StoredFormat {
    /// Of the files: headers, records, checksums.
    package static let layout = Int(Journals.layoutVersion)
    /// Of what the records hold.
    package static let content = Int(RegistryRecord.formatVersion)
}
