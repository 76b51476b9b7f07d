/// What a watch reports.
package enum WatchSignal: Sendable {
    case event(WatchEvent)
    /// Everything up to this revision has been reported.
    case synced(Revision)
    /// Nothing comes after this. `Expired`: list again. Nil: the server ended it in good order; go on from the last revision.
    case ended(StatusError?)
}
