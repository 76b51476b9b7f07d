import Linux

/// What `up` does on a node in its agent's place; handed in by the program, since no role knows another.
package struct AgentDeputy {
    /// Kills every process that the node's records name, and all that they started; `done` is called once, AFTER nothing more was found. No agent may
    /// be at work there meanwhile.
    package var killLeftovers: (_ nodeDirectory: String, _ done: @escaping () -> Void) -> Void
    /// Stores what the node's programs print, until it is cancelled; nil: there are none.
    package var drainOutput: (_ nodeDirectory: String) -> Cancellation?

    package init(
        killLeftovers: @escaping (_ nodeDirectory: String, _ done: @escaping () -> Void) -> Void,
        drainOutput: @escaping (_ nodeDirectory: String) -> Cancellation?
    ) {
        self.killLeftovers = killLeftovers
        self.drainOutput = drainOutput
    }
}
