/// Why a patch could not be applied.
package struct PatchError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Why a patch cannot be applied.
    package enum Reason: Hashable, Sendable {
        /// The patch itself is wrong, whatever it is applied to: 400 Bad Request.
        case malformed
        /// It is well formed, but does not fit this object: 422 Unprocessable Entity.
        case inapplicable
    }

    package var reason: Reason
    package var message: String

    package init(_ reason: Reason, _ message: String) {
        self.reason = reason
        self.message = message
    }

    package var description: String { message }
}
