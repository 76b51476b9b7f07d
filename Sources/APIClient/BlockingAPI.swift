import Formats
import Linux
import Resources
import Timing

/// The API for programs that do one thing after the other: the CLI's verbs. It turns a loop of its own while it waits.
package final class BlockingAPI {
    package let loop: EventLoop
    package let remote: RemoteAPI

    package init(_ address: SocketAddress) throws(LinuxError) {
        loop = try EventLoop()
        remote = RemoteAPI(loop: loop, address: address)
    }

    package var address: SocketAddress { remote.address }

    /// So often a request that the server had no room for is made again, each time after as long as the server said; as client-go does.
    private static let attemptLimit = 10

    /// Waits for the answer.
    package func perform(_ request: Request) throws(StatusError) -> Reply {
        for _ in 1..<Self.attemptLimit {
            do throws(StatusError) {
                return try wait { done in remote.perform(request, done) }
            } catch {
                guard error.code == 429, let pause = error.retryAfter else { throw error }
                loop.runUntil(within: .seconds(pause)) { false }
            }
        }
        return try wait { done in remote.perform(request, done) }
    }

    /// One object.
    package func get(_ key: ObjectKey) throws(StatusError) -> Value { try perform(.get(key)).object }

    /// What a list request selects, and the revision that it shows.
    package func list(_ list: ListRequest) throws(StatusError) -> (items: [Value], revision: Revision) {
        let reply = try perform(.list(list))
        guard case .list(_, let items, let revision) = reply.body else {
            throw .internalError("the server answered a list with something else")
        }
        return (items, revision)
    }

    /// A GET of anything else that the server has.
    package func get(_ segments: [String], query: [(String, String)] = []) throws(StatusError) -> [UInt8] {
        try wait { done in remote.get(segments, query: query, done) }
    }

    /// Hands every signal to `body` until it says that it has seen enough, or the time is over; says which. A watch that ends is the body's to
    /// judge: it gets `.ended`, and nothing after it.
    @discardableResult
    package func watch(_ list: ListRequest, from: Revision?, within limit: Duration, _ body: @escaping (WatchSignal) -> Bool) -> Bool {
        var isEnough = false
        var isOver = false
        let watch = remote.watch(list, from: from) { signal in
            if isEnough || isOver { return }
            isEnough = body(signal)
            if case .ended = signal { isOver = true }
        }
        loop.runUntil(within: limit) { isEnough || isOver }
        watch.cancel()
        return isEnough
    }

    /// Turns the loop until `call` has called back. The request itself has a time limit, so this ends.
    private func wait<T>(_ call: (@escaping (Result<T, StatusError>) -> Void) -> Void) throws(StatusError) -> T {
        var result: Result<T, StatusError>?
        call { result = $0 }
        while result == nil { loop.runUntil(within: .seconds(3600)) { result != nil } }
        return try result!.get()
    }
}
