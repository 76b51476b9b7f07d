/// What an agent notes of its `AddressPool`'s reserve, for the next one.
package struct ReserveNote: Hashable, Sendable {
    /// The node's cursor as it was saved BEFORE this was noted. Every agent moves it with the first address that it takes, also one that knows of no
    /// reserve: a note beside another cursor is out of date.
    package var cursor: AddressPool.Address
    package var reserve: [AddressPool.Address]

    package init(cursor: AddressPool.Address, reserve: [AddressPool.Address]) {
        self.cursor = cursor
        self.reserve = reserve
    }

    /// Nil for one of a version that did not note the cursor.
    package init?(_ text: String) {
        let words = text.split(separator: " ").map(String.init)
        guard let first = words.first, first.hasPrefix(Self.cursorPrefix),
            let cursor = AddressPool.parse(String(first.dropFirst(Self.cursorPrefix.count)))
        else { return nil }
        self.init(cursor: cursor, reserve: words.dropFirst().compactMap { AddressPool.parse($0) })
    }

    package var text: String {
        ([Self.cursorPrefix + AddressPool.text(cursor)] + reserve.map { AddressPool.text($0) }).joined(separator: " ")
    }

    /// An older version passes over what is no address.
    private static let cursorPrefix = "cursor="
}
