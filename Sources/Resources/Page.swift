import Formats

/// Which state a list is to show, and how much of it at once: `limit`, `continue`, `resourceVersion` and `resourceVersionMatch`.
package struct Page: Hashable, Sendable {
    /// At which revision a list is read.
    package enum Version: Hashable, Sendable {
        /// The newest.
        case newest
        /// Any state that has seen this revision: the newest has.
        case notOlder(than: Revision)
        /// The state at exactly this revision.
        case exactly(Revision)
    }

    /// At most this many objects; nil or zero: all.
    package var limit: Int?
    package var version: Version
    /// Where an earlier answer ended; the version is its own.
    package var after: Continuation?

    package init(limit: Int? = nil, version: Version = .newest, after: Continuation? = nil) {
        self.limit = limit
        self.version = version
        self.after = after
    }

    /// Everything, as it is now.
    package static let whole = Page()
}

/// Where a list that was cut off goes on: `metadata.continue`, which only who made it understands.
package struct Continuation: Hashable, Sendable {
    /// The state that the first page showed; nil: go on in the newest state, which may differ from what the earlier pages showed.
    package var revision: Revision?
    /// The last object that was shown.
    package var namespace: String
    package var name: String

    package init(revision: Revision?, namespace: String, name: String) {
        self.revision = revision
        self.namespace = namespace
        self.name = name
    }

    /// Nil: no server of this kind wrote that.
    package init?(token: String) {
        guard let bytes = Base64.decode(token), let value = try? JSON.parse(bytes), let name = value["name"].string else { return nil }
        revision = value["revision"].string.flatMap { Revision($0) }
        guard revision != nil || value["revision"].isNull else { return nil }
        namespace = value["namespace"].string ?? ""
        self.name = name
    }

    package var token: String {
        var out: Value = ["namespace": .string(namespace), "name": .string(name)]
        if let revision { out["revision"] = .string(revision.description) }
        return Base64.encode(JSON.serialize(out))
    }
}

/// What follows a page.
package struct NextPage: Hashable, Sendable {
    package var start: Continuation
    /// How many objects are left; nil where a selector would make it costly to say (as Kubernetes has it).
    package var remainingCount: Int?

    package init(start: Continuation, remainingCount: Int?) {
        self.start = start
        self.remainingCount = remainingCount
    }
}
