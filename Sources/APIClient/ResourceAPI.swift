import Formats
import Linux
import Resources

/// The API as controllers, agents, proxies and verbs see it, whether it is spoken over HTTP or in process.
///
/// Everything happens on `loop`: calls are made there, and answers come there later, never inside the call.
package protocol ResourceAPI: AnyObject {
    var loop: EventLoop { get }

    /// `done` is called exactly once.
    func perform(_ request: Request, _ done: @escaping (Result<Reply, StatusError>) -> Void)

    /// Events of what matches the list.
    ///
    /// - Parameter from: only what is newer; nil: what exists first, as `added`, then `.synced`, then live events.
    func watch(_ list: ListRequest, from: Revision?, _ onEvent: @escaping (WatchSignal) -> Void) -> Cancellation
}
