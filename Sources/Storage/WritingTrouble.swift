import Journal
import Resources

/// Whether commits can be written, and the words for it when they cannot.
struct WritingTrouble {
    private var failure: JournalFailure?

    var isThere: Bool { failure != nil }
    var isDistrust: Bool { failure?.isDistrust ?? false }

    /// Words for the log when this is news.
    mutating func began(_ failure: JournalFailure) -> String? {
        defer { self.failure = failure }
        if let before = self.failure, before.error.errno == failure.error.errno, before.isDistrust == failure.isDistrust { return nil }
        return Self.words(failure)
    }

    /// Words for the log when commits are written again.
    mutating func isOver() -> String? {
        guard failure != nil else { return nil }
        failure = nil
        return "the journal is written again: writes are accepted"
    }

    /// What a client is told. 507 where somebody can make room, 500 where the disk is at fault.
    static func refusal(_ failure: JournalFailure) -> StatusError {
        if failure.error.isLackOfSpace, !failure.isDistrust {
            return StatusError(code: 507, reason: "InsufficientStorage", message: words(failure))
        }
        return .internalError(words(failure))
    }

    private static func words(_ failure: JournalFailure) -> String {
        let fate =
            switch failure.fate {
            case .undone: "nothing was changed"
            case .unknown: "whether this change was kept shows when the server starts again"
            }
        if failure.isDistrust {
            return
                "the disk did not keep what was written (\(failure.error.operation): \(failure.error.reason)); \(fate), and no change is accepted before "
                + "the whole state stands in a new file; reads and supervision go on; look after the disk (dmesg)"
        }
        let remedy =
            failure.error.isLackOfSpace
            ? "writes work again as soon as there is room" : "later writes are tried again; look after the disk (dmesg)"
        return
            "the journal cannot be written: \(failure.error.reason); \(fate), reads and supervision go on; \(remedy) (\(failure.error.operation))"
    }
}
