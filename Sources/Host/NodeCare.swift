import Linux

/// What `up` does on a node in its agent's place; handed in by the program, since no role knows another.
package struct NodeCare {
    /// Kills every process that the node's records name, and all that they started; returns AFTER the signals were sent.
    package var killLeftovers: (_ nodeDirectory: String) -> Void
    /// Stores what the node's programs print, until it is cancelled; nil: there are none.
    package var drainOutput: (_ nodeDirectory: String) -> Cancellation?

    package init(
        killLeftovers: @escaping (_ nodeDirectory: String) -> Void, drainOutput: @escaping (_ nodeDirectory: String) -> Cancellation?
    ) {
        self.killLeftovers = killLeftovers
        self.drainOutput = drainOutput
    }
}
