import Formats
import Resources

/// One write that a plan wants. Whoever performs it knows nothing of why.
package struct Change: Sendable {
    package var request: Request
    /// What is said to the people who watch when the write succeeded or was refused; nil: nothing.
    package var announcement: Announcement?

    package init(_ request: Request, _ announcement: Announcement? = nil) {
        self.request = request
        self.announcement = announcement
    }

    /// A merge patch of the object itself.
    package static func patch(_ key: ObjectKey, _ body: Value, _ announcement: Announcement? = nil) -> Change {
        Change(.patch(key, .merge(body)), announcement)
    }

    /// A merge patch of the object's status.
    package static func patchStatus(_ key: ObjectKey, _ status: Value, _ announcement: Announcement? = nil) -> Change {
        Change(.patch(key, .merge(["status": status]), .status), announcement)
    }

    /// A deletion of exactly this object, never of a later one with the same name.
    package static func delete(
        _ key: ObjectKey, uid: String, grace: Int64? = nil, propagation: DeleteOptions.Propagation? = nil,
        _ announcement: Announcement? = nil
    ) -> Change {
        Change(.delete(key, DeleteOptions(propagation: propagation, gracePeriodSeconds: grace, preconditionUID: uid)), announcement)
    }
}

/// The event that follows a write. The object's name is appended to both texts because the store chooses it (`generateName`).
package struct Announcement: Sendable {
    package var regarding: ObjectReference
    package var reason: String
    /// `Created pod: `
    package var message: String
    /// Whether the written object's name ends the message.
    package var namesObject: Bool
    /// The reason when the write is refused (`FailedCreate`); nil: silence.
    package var failureReason: String?
    /// `Error creating: `
    package var failureMessage: String

    package init(
        _ regarding: ObjectReference, _ reason: String, _ message: String, namesObject: Bool = false, failureReason: String? = nil,
        failureMessage: String = ""
    ) {
        self.regarding = regarding
        self.reason = reason
        self.message = message
        self.namesObject = namesObject
        self.failureReason = failureReason
        self.failureMessage = failureMessage
    }
}

/// What an event is about.
package struct ObjectReference: Hashable, Sendable {
    package var apiVersion: String
    package var kind: String
    package var namespace: String
    package var name: String
    package var uid: String
    package var revision: Revision

    package init(_ type: ResourceType, _ meta: ObservedMeta) {
        apiVersion = type.apiVersion
        kind = type.kind
        namespace = meta.namespace
        name = meta.name
        uid = meta.uid
        revision = meta.revision
    }
}

/// Something worth telling about an object, in Kubernetes' words.
package struct EventNote: Hashable, Sendable {
    /// An event's type, as Kubernetes writes it.
    package enum Severity: String, Sendable {
        case normal = "Normal"
        case warning = "Warning"
    }
    package var regarding: ObjectReference
    package var severity: Severity
    package var reason: String
    package var message: String
    /// `deployment-controller`.
    package var component: String

    package init(_ regarding: ObjectReference, _ severity: Severity = .normal, _ reason: String, _ message: String, from component: String)
    {
        self.regarding = regarding
        self.severity = severity
        self.reason = reason
        self.message = message
        self.component = component
    }
}

/// What a plan answers: what to write, what to say, why, and when to look again although nothing changed.
package struct Plan: Sendable {
    package var changes: [Change] = []
    package var events: [EventNote] = []
    /// One sentence for each decision, in the order in which they were made.
    package var explanation: [String] = []
    /// Nil: only when something changes.
    package var lookAgain: Duration?

    package init() {}

    /// Keeps the earliest moment asked for.
    package mutating func lookAgain(after delay: Duration) {
        lookAgain = lookAgain.map { min($0, delay) } ?? delay
    }
}
