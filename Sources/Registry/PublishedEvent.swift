import Formats
import Resources

/// One commit that became durable: what watchers are told about.
package struct PublishedEvent: Sendable {
    package let type: ResourceType
    package let namespace: String
    package let name: String
    package let revision: Revision
    /// The state before; nil when this commit created the object.
    package let previous: Value?
    /// The new state; for a deletion the last one, carrying the deletion's revision.
    package let object: Value
    package let isDeletion: Bool
    /// `object` as JSON, where it was made for the journal anyway.
    package let json: [UInt8]?

    init(_ commit: Keyspace.PendingCommit, keepingJSON: Bool) {
        type = commit.slot.type
        namespace = commit.slot.namespace
        name = commit.slot.name
        revision = commit.revision
        previous = commit.previous?.value
        object = commit.object
        isDeletion = commit.isRemoval
        json = keepingJSON ? commit.json : nil
    }

    package var key: ObjectKey { ObjectKey(type, namespace: namespace, name: name) }

    /// What a watcher with these selectors sees of it: an object that begins to match is added, one that stops matching is deleted.
    ///
    /// Nil when it is none of the watcher's business. The list must be of this event's kind. An object that merely stops matching is sent in
    /// its last matching state with this revision, as Kubernetes does.
    package func watchEvent(for list: ListRequest) -> WatchEvent? {
        if let wanted = list.namespace, wanted != namespace { return nil }
        let isSelective = !list.fieldSelector.terms.isEmpty || !list.labelSelector.requirements.isEmpty
        let matched = previous.map { !isSelective || list.matches($0) } ?? false
        if isDeletion {
            // A label changed by the deleting commit itself counts as the previous state's.
            return matched ? WatchEvent(.deleted, object, at: revision) : nil
        }
        let matches = !isSelective || list.matches(object)
        switch (matched, matches) {
        case (false, false): return nil
        case (_, true):
            var event = WatchEvent(matched ? .modified : .added, object, at: revision)
            event.json = json
            return event
        case (true, false):
            var last = previous ?? object
            last["metadata"]["resourceVersion"] = .string(revision.description)
            return WatchEvent(.deleted, last, at: revision)
        }
    }
}
