import Linux

/// Why commits were not made durable, and what a recovery would find of them.
package struct JournalFailure: Error, Sendable, CustomStringConvertible {
    package let error: LinuxError
    package let fate: Fate
    /// An fsync failed: the kernel may have dropped what it could not write, and a second fsync would call that a success. Nothing is acknowledged
    /// before the whole state was written anew into another file.
    package let isDistrust: Bool

    /// What became of the records that were refused.
    package enum Fate: Sendable {
        /// They were never written, or were cut off again: no recovery finds them.
        case undone
        /// The disk refused the cut as well: a recovery may find them whole.
        case unknown
    }

    package init(_ error: LinuxError, fate: Fate, isDistrust: Bool = false) {
        self.error = error
        self.fate = fate
        self.isDistrust = isDistrust
    }

    package var description: String { error.description }
}

extension LinuxError {
    /// No space, or none that this user may have: it passes when somebody makes room. ENOSPC, EDQUOT, EFBIG.
    package var isLackOfSpace: Bool { [28, 122, 27].contains(errno) }
}
