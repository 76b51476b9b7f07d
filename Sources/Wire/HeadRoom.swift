/// The memory of heads that are done with, for those to come: who reads one message after the other, on any number of connections, allocates nothing
/// for their heads, and a connection at rest keeps none.
package struct HeadRoom: Sendable {
    /// How many are kept; what comes back beyond it is freed.
    package static let limit = 128
    /// Who once sent a longer head does not keep its memory from the others.
    private static let byteLimit = 4096
    private static let fieldLimit = 64

    private var spares: [HTTPHeaders] = []

    package init() {}

    /// Empty headers with room for the usual.
    mutating func take() -> HTTPHeaders { spares.popLast() ?? HTTPHeaders(fieldCount: 12) }

    /// Takes the memory of headers that nobody looks at any more, and leaves empty ones.
    package mutating func takeBack(_ headers: inout HTTPHeaders) {
        var spare = HTTPHeaders()
        swap(&spare, &headers)
        guard spares.count < Self.limit, spare.isRoom(upToBytes: Self.byteLimit, fields: Self.fieldLimit) else { return }
        spare.empty()
        spares.append(spare)
    }
}
