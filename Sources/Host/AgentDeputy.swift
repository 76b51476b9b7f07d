import Linux

/// What `up` does on a node in its agent's place; handed in by the program, since no role knows another.
package struct AgentDeputy {
    /// Kills every process that the node's records name, and all that they started; `done` is called once, AFTER nothing more was found. No agent may
    /// be at work there meanwhile.
    package var killLeftovers: (_ nodeDirectory: String, _ done: @escaping () -> Void) -> Void
    /// Stores what the node's programs print, until it is left to their agent; nil: there are none.
    package var drainOutput: (_ nodeDirectory: String) -> OutputReading?

    package init(
        killLeftovers: @escaping (_ nodeDirectory: String, _ done: @escaping () -> Void) -> Void,
        drainOutput: @escaping (_ nodeDirectory: String) -> OutputReading?
    ) {
        self.killLeftovers = killLeftovers
        self.drainOutput = drainOutput
    }
}

/// The reading of a node's output in its agent's place.
package struct OutputReading {
    /// Reads one pod's output no more. Everything that was read of it is stored BEFORE this returns.
    package var leave: (_ pod: String) -> Void
    /// Reads nothing more.
    package var end: () -> Void

    package init(leave: @escaping (_ pod: String) -> Void, end: @escaping () -> Void) {
        self.leave = leave
        self.end = end
    }
}
