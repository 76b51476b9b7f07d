import APIClient
import Linux
import Resources
import Storage

/// The API in process: what controllers use. The same requests as over HTTP, without the bytes.
package final class LocalAPI: ResourceAPI {
    private let storage: Storage

    package init(_ storage: Storage) { self.storage = storage }

    package var loop: EventLoop { storage.loop }

    package func perform(_ request: Request, _ done: @escaping (Result<Reply, StatusError>) -> Void) { storage.perform(request, done) }

    package func watch(_ list: ListRequest, from: Revision?, _ onEvent: @escaping (WatchSignal) -> Void) -> Cancellation {
        storage.watch(list, from: from, onEvent)
    }
}
