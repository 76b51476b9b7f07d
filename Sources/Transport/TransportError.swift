import Linux
import Wire

/// An exchange that ended without a whole answer.
package struct TransportError: Error, Sendable, CustomStringConvertible {
    /// What went wrong, for those who decide by it.
    package enum Kind: Hashable, Sendable {
        /// No connection could be made: the request was not sent.
        case connect
        /// The connection ended before the answer was whole.
        case closed
        case timeout
        /// The server does not speak HTTP, or ambiguously.
        case badResponse
        /// The answer is longer than the client takes.
        case tooLarge
        /// Too many requests wait for this server: the request was not sent.
        case overloaded
    }

    package let kind: Kind
    package let message: String
    /// Why the system refused, where it did: `ECONNREFUSED` and `ENOENT` say that nobody listens.
    package let cause: LinuxError?

    package init(_ kind: Kind, _ message: String, cause: LinuxError? = nil) {
        self.kind = kind
        self.message = message
        self.cause = cause
    }

    /// Whether the server may have acted on the request.
    package var mayHaveRun: Bool { kind != .connect && kind != .overloaded }

    package var description: String { message }
}
