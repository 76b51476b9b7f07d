/// Ends something that is under way on the same loop: a request, a stream, a watch. Letting go of it ends nothing.
package final class Cancellation {
    private var body: (() -> Void)?

    package init(_ body: @escaping () -> Void) { self.body = body }

    /// For what is over already.
    package static var done: Cancellation { Cancellation {} }

    /// Ends it, once; afterwards its callbacks are not called again.
    package func cancel() {
        let body = body
        self.body = nil
        body?()
    }
}
