/// How a strategic merge treats a list.
package enum ListStrategy: Hashable, Sendable {
    /// The patch's list replaces the whole list.
    case atomic
    /// Elements are objects and merge with the element that has the same value of this field.
    case mergeByKey(String)
    /// Elements are scalars; the result is the union.
    case mergeSet
}

/// How a strategic merge treats an object.
package enum MapStrategy: Hashable, Sendable {
    case merge
    /// Merged, but an apply drops every member that the manifest does not name: objects of which exactly one member makes sense at a time.
    case retainKeys
    /// The patch's object replaces the whole object.
    case replace
}

/// What a strategic merge must know of one kind: looked up by path, so that this module knows no kinds.
///
/// Paths are field names without indices: `["spec", "template", "spec", "containers"]`. The path of the objects in a list is that of the list.
package struct MergeKeys: Sendable {
    package var list: @Sendable (_ path: [String]) -> ListStrategy
    package var map: @Sendable (_ path: [String]) -> MapStrategy

    package init(
        list: @escaping @Sendable (_ path: [String]) -> ListStrategy,
        map: @escaping @Sendable (_ path: [String]) -> MapStrategy = { _ in .merge }
    ) {
        self.list = list
        self.map = map
    }

    /// For kinds about which nothing is known: every list is atomic.
    package static let none = MergeKeys { _ in .atomic }
}
