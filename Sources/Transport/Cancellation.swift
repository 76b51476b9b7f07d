/// Something under way that can be called off. AFTER `cancel` none of its callbacks is made; cancelling twice, or after the end, does nothing.
package final class Cancellation {
    private var body: (() -> Void)?
    package init(_ body: @escaping () -> Void) { self.body = body }

    package func cancel() {
        let body = body
        self.body = nil
        body?()
    }
}
