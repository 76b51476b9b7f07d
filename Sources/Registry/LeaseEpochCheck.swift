import Formats
import Resources

extension Registry {
    /// A write under a lease that somebody else took over since then comes from a node that was fenced.
    func requireEpoch(_ epoch: LeaseEpoch?, of key: ObjectKey) throws(StatusError) {
        guard let epoch else { return }
        let lease = keyspace.tip(Slot(ObjectKey(.leases, namespace: "kube-node-lease", name: epoch.node)))
        guard let current = lease?.value["spec"]["leaseTransitions"].int, current > epoch.transitions else { return }
        throw .staleEpoch(key, epoch, current: current)
    }
}
