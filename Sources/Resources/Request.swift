import Formats

/// What anybody can ask of the registry: the same value whether it came over HTTP, from a controller in process, or from the simulator.
package enum Request: Sendable {
    case get(ObjectKey, Subresource? = nil)
    case list(ListRequest)
    case create(Value, type: ResourceType, namespace: String, WriteOptions = WriteOptions())
    /// Replaces the object. A non-empty `metadata.resourceVersion` in the body must be the stored one, else `Conflict`.
    case update(ObjectKey, Value, Subresource? = nil, WriteOptions = WriteOptions())
    case patch(ObjectKey, Patch, Subresource? = nil, WriteOptions = WriteOptions())
    case delete(ObjectKey, DeleteOptions = DeleteOptions())
    case deleteCollection(ListRequest, DeleteOptions = DeleteOptions())
    /// `pods/eviction`: a delete that a disruption budget may refuse.
    case evict(ObjectKey, DeleteOptions = DeleteOptions())
    /// `pods/restart`: asks for leave to restart a container of a pod that serves, which the workload's budget may refuse. For the pod's agent, which
    /// names the lease under which it asks.
    case restart(ObjectKey, LeaseEpoch? = nil)

    /// A part of an object with a path of its own.
    package typealias Subresource = ResourceType.Subresource
}

/// A list, and the start of a watch.
package struct ListRequest: Sendable {
    package var type: ResourceType
    /// Nil: all namespaces.
    package var namespace: String?
    package var labelSelector: LabelSelector
    package var fieldSelector: FieldSelector
    /// Of lists only: a watch has its own beginning and no end.
    package var page: Page

    package init(
        _ type: ResourceType, namespace: String? = nil, labelSelector: LabelSelector = .everything,
        fieldSelector: FieldSelector = .everything, page: Page = .whole
    ) {
        self.type = type
        self.namespace = type.isNamespaced ? namespace : nil
        self.labelSelector = labelSelector
        self.fieldSelector = fieldSelector
        self.page = page
    }
}

/// What a create, update or patch is asked to heed.
package struct WriteOptions: Sendable {
    /// Validate, default and answer as if it were stored; store nothing.
    package var isDryRun = false
    package var fieldValidation = FieldValidation.ignore
    /// Who writes, for `managedFields` and for audit: `kubectl-client-side-apply`.
    package var fieldManager: String?
    /// The epoch of the lease under which a node's agent writes pod status; an older one than the node's lease has is refused with `Conflict`.
    package var leaseEpoch: LeaseEpoch?

    package init(
        isDryRun: Bool = false, fieldValidation: FieldValidation = .ignore, fieldManager: String? = nil, leaseEpoch: LeaseEpoch? = nil
    ) {
        self.isDryRun = isDryRun
        self.fieldValidation = fieldValidation
        self.fieldManager = fieldManager
        self.leaseEpoch = leaseEpoch
    }
}

/// What is done about fields that the kind does not have: refuse, accept with a warning, accept.
package enum FieldValidation: String, Sendable {
    case strict = "Strict"
    case warn = "Warn"
    case ignore = "Ignore"
}

/// A node's lease and the count of its transitions (`spec.leaseTransitions`): a fenced agent's writes carry an old one.
package struct LeaseEpoch: Hashable, Sendable {
    package var node: String
    package var transitions: Int64
    package init(node: String, transitions: Int64) {
        self.node = node
        self.transitions = transitions
    }
}

/// A patch in one of the three forms that the API takes.
package enum Patch: Sendable {
    /// RFC 6902.
    case json(Value)
    /// RFC 7386.
    case merge(Value)
    /// Kubernetes' strategic merge patch.
    case strategic(Value)
}

/// What a deletion is asked to heed.
package struct DeleteOptions: Sendable {
    /// What becomes of an object's dependents.
    package enum Propagation: String, Sendable {
        case background = "Background"
        case foreground = "Foreground"
        case orphan = "Orphan"
    }
    package var propagation: Propagation?
    /// Nil: the object's own `terminationGracePeriodSeconds`.
    package var gracePeriodSeconds: Int64?
    package var preconditionUID: String?
    package var preconditionResourceVersion: String?
    package var isDryRun = false
    /// As for writes: an agent that was fenced must not remove a pod that its successor runs.
    package var leaseEpoch: LeaseEpoch?

    package init(
        propagation: Propagation? = nil, gracePeriodSeconds: Int64? = nil, preconditionUID: String? = nil,
        preconditionResourceVersion: String? = nil, isDryRun: Bool = false, leaseEpoch: LeaseEpoch? = nil
    ) {
        self.propagation = propagation
        self.gracePeriodSeconds = gracePeriodSeconds
        self.preconditionUID = preconditionUID
        self.preconditionResourceVersion = preconditionResourceVersion
        self.isDryRun = isDryRun
        self.leaseEpoch = leaseEpoch
    }
}

/// The answer to a `Request` that succeeded.
package struct Reply: Sendable {
    package var body: Body
    /// Texts for `Warning` headers, in order.
    package var warnings: [String]
    /// True when the request made the object (HTTP 201).
    package var isCreated: Bool
    /// Of a list that was cut off at its limit: what follows.
    package var next: NextPage?
    /// `object` as JSON, where it was made for the journal anyway: the answer to a write need not serialise it again. Nil: make it when it is needed.
    package var json: [UInt8]?

    /// What a reply carries.
    package enum Body: Sendable {
        case object(Value)
        /// A list and the revision it was read at. Items carry apiVersion and kind.
        case list(type: ResourceType, items: [Value], revision: Revision)
        /// A success without an object: a finished delete.
        case status(Value)
    }

    package init(_ body: Body, warnings: [String] = [], isCreated: Bool = false) {
        self.body = body
        self.warnings = warnings
        self.isCreated = isCreated
    }

    /// The object; null for lists.
    package var object: Value {
        switch body {
        case .object(let value), .status(let value): value
        case .list: .null
        }
    }

    package var items: [Value] { if case .list(_, let items, _) = body { items } else { [] } }
}

/// The store's only clock: counts commits. Printed as `resourceVersion`.
package struct Revision: Comparable, Hashable, Sendable, CustomStringConvertible {
    package var number: UInt64
    package init(_ number: UInt64) { self.number = number }
    /// Kubernetes' resourceVersion: a decimal string without leading zeros.
    package init?(_ text: String) {
        guard let number = UInt64(text), String(number) == text else { return nil }
        self.number = number
    }
    package static let zero = Revision(0)
    package static func < (a: Revision, b: Revision) -> Bool { a.number < b.number }
    package var description: String { String(number) }
}

/// One event of a watch, as Kubernetes sends it.
package struct WatchEvent: Sendable {
    /// What happened to the object.
    package enum Kind: String, Sendable {
        case added = "ADDED"
        case modified = "MODIFIED"
        case deleted = "DELETED"
        case bookmark = "BOOKMARK"
    }
    package var kind: Kind
    /// For `deleted` the last state with the deletion's resourceVersion.
    package var object: Value
    package var revision: Revision
    /// `object` as JSON, where somebody made it already: one serialisation serves all watchers. Nil: make it when it is needed.
    package var json: [UInt8]?
    package init(_ kind: Kind, _ object: Value, at revision: Revision) {
        self.kind = kind
        self.object = object
        self.revision = revision
    }
}
