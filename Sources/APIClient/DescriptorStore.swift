/// Where a role leaves copies of descriptors that must outlive it: listening sockets, bind-notification descriptors, log FIFOs.
///
/// In a running instance this is `steady up`, reached by a `HostLink`; a role that runs alone (tests) has none.
package protocol DescriptorStore: AnyObject {
    /// Keeps a copy under the name; a second one of the name replaces the first. The caller keeps its own and may close it at any time.
    func store(_ name: String, _ descriptor: Int32)
    /// Forgets and closes the copy; a name that is not there is fine.
    func remove(_ name: String)
    /// What an earlier process of this role left: called once, at the start of the role, BEFORE anything is stored. The descriptors are the
    /// caller's, close-on-exec.
    func fetchAll() -> [(name: String, descriptor: Int32)]
    /// How a child of this process can store a descriptor of its own, BEFORE it becomes a program: what it then opened outlives this process,
    /// whenever that dies.
    func custody(of name: String) -> CustodyAnswer
    /// A child has stored what this is a copy of.
    func isStored(_ name: String, _ descriptor: Int32)
    /// Asks for a copy of what another process of the instance has stored under the name. It comes later, as what is shared does; or never.
    func want(_ name: String)
}

/// Whether a child can leave a descriptor with the store.
package enum CustodyAnswer: Hashable, Sendable {
    /// By this message, over this non-blocking socket of sequenced packets.
    case line(Int32, String)
    /// Not at this moment; within a second there is another answer.
    case later
    /// There is no store, or none that answers.
    case nowhere
}

extension DescriptorStore {
    /// For stores that are in this process, and end with it.
    package func custody(of name: String) -> CustodyAnswer { .nowhere }
    /// For stores that offer no custody.
    package func isStored(_ name: String, _ descriptor: Int32) {}
    /// For stores that nobody shares.
    package func want(_ name: String) {}
}

/// A store for roles that run without `steady up`: it keeps nothing, and so nothing survives their death.
package final class NoDescriptorStore: DescriptorStore {
    package init() {}
    package func store(_ name: String, _ descriptor: Int32) {}
    package func remove(_ name: String) {}
    package func fetchAll() -> [(name: String, descriptor: Int32)] { [] }
}
