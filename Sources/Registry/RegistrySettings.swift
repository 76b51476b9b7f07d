import Resources

/// What an instance's registry may give out and how much it remembers.
package struct RegistrySettings: Sendable, Hashable {
    /// Which of the 16 slices of each loopback range this instance owns; 0 to 15.
    package var block: Int
    /// The ports that Services of type NodePort and LoadBalancer may have; Kubernetes' default range.
    package var nodePorts: ClosedRange<Int>
    /// How many published commits can be watched from the past. A watch from further back is `Expired`, and its client lists again.
    package var windowLimit: Int
    /// How many revisions are reserved on disk at once for commits that live in memory only. A smaller number costs more fsyncs, a larger
    /// one makes revisions jump further after a restart; both are harmless.
    package var revisionBlock: UInt64
    /// The part of the pod range that one node gets: at 21 there are 2,048 addresses for each of 128 nodes. The same for the whole life of a store.
    package var podRangePrefixLength: Int
    /// Whether pods can be run as other users; a manifest that asks for it is warned about otherwise.
    package var mayChangeUser: Bool

    package init(
        block: Int = 0, nodePorts: ClosedRange<Int> = 30000...32767, windowLimit: Int = 4096, revisionBlock: UInt64 = 10_000,
        podRangePrefixLength: Int = 21, mayChangeUser: Bool = true
    ) {
        precondition((0..<16).contains(block), "an instance owns one of the slices 0 to 15")
        self.block = block
        self.nodePorts = nodePorts
        self.windowLimit = windowLimit
        self.revisionBlock = revisionBlock
        self.podRangePrefixLength = podRangePrefixLength
        self.mayChangeUser = mayChangeUser
    }

    private var addresses: InstanceAddresses { InstanceAddresses(block: block) }
    package var serviceRange: AddressRange { addresses.services }
    package var podRange: AddressRange { addresses.pods }
    package var nodeRange: AddressRange { addresses.nodes }
}
