import Resources

/// What became of a request.
package enum Submission: Sendable {
    /// Decided: a read, a refusal, a dry run, or a write that changes nothing.
    ///
    /// With `after`, the decision rests on commits that are not durable yet: the answer may go out only AFTER that revision is durable, and
    /// turns into a refusal when it is discarded.
    case reply(Result<Reply, StatusError>, after: Revision?)
    /// Accepted at the tip: to be journalled, then published, then answered.
    case commit(CommitTicket)
}

/// Commits of one request that wait for the journal.
package struct CommitTicket: Sendable {
    /// The last commit's revision: once this is published the reply may go out.
    package let revision: Revision
    /// What the journal must write, in order; empty when every commit is of a kind that lives in memory only.
    package let records: [RegistryRecord]
    package let reply: Reply
}
