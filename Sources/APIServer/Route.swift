import Formats
import Resources

/// What a call asks for, read and checked as far as that is possible without the store.
package enum Route: Sendable {
    case perform(StoreCall)
    case watch(WatchCall)
    case log(LogCall)
    /// How this pod stands at its agent.
    case machine(ObjectKey)
    case review(Review, Value)
    case document(Document)
}

/// A request to the registry and how its answer is to look.
package struct StoreCall: Sendable {
    package var request: Request
    /// As which kind objects are shown.
    package var type: ServedType
    package var representation: Representation
    package var rowObject: RowObject
    /// Found while the body was read: they go before the registry's own.
    package var warnings: [String] = []
    /// Made from what the store answers, instead of that itself.
    package var endpoints: ServiceEndpoints.Wish?
    /// Of a read: the state that it must not be older than.
    package var leastRevision: Revision?
}

/// What a table's rows carry beside their cells.
package enum RowObject: String, Sendable {
    case none = "None"
    case metadata = "Metadata"
    case object = "Object"
}

/// A list that goes on as a stream of events.
package struct WatchCall: Sendable {
    package var list: ListRequest
    package var type: ServedType
    package var representation: Representation
    package var rowObject: RowObject
    /// Nil: everything that exists comes first, as ADDED.
    package var since: Revision?
    package var allowsBookmarks: Bool
    /// A bookmark annotated `k8s.io/initial-events-end` follows what exists.
    package var marksInitialEnd: Bool
    /// The stream ends after this time; nil: when the client goes.
    package var timeout: Duration?
}

/// `pods/NAME/log`, relayed to the agent of the pod's node.
package struct LogCall: Sendable {
    package var pod: ObjectKey
    /// Nil: the pod's only container.
    package var container: String?
    /// For the agent, in the client's words: `follow`, `previous`, `tailLines`, `sinceSeconds`, `sinceTime`, `timestamps`, `limitBytes`.
    package var parameters: [(name: String, value: String)]
}
