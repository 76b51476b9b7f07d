import Formats
import Linux
import Resources
import Timing
import Transport
import Wire

/// The API over HTTP, on a Unix socket or TCP.
package final class RemoteAPI: ResourceAPI {
    package let loop: EventLoop
    package let address: SocketAddress
    private let client: HTTPClient
    /// How long one request may take.
    package var timeout = Duration.seconds(30)

    package init(loop: EventLoop, address: SocketAddress) {
        self.loop = loop
        self.address = address
        client = HTTPClient(loop: loop)
    }

    package func perform(_ request: Request, _ done: @escaping (Result<Reply, StatusError>) -> Void) {
        let address = address
        client.send(RequestCoding.encode(request), to: address, timeout: timeout) { result in
            switch result {
            case .success(let response): done(RequestCoding.decode(response, to: request))
            case .failure(let error): done(.failure(StatusError(error, address.description)))
            }
        }
    }

    package func watch(_ list: ListRequest, from: Revision?, _ onEvent: @escaping (WatchSignal) -> Void) -> Cancellation {
        var decoder = WatchDecoder(type: list.type)
        var stream: Cancellation?
        var isEnded = false
        stream = self.stream(RequestCoding.encodeWatch(list, from: from)) { bytes in
            for signal in decoder.feed(bytes) where !isEnded {
                if case .ended = signal {
                    isEnded = true
                    stream?.cancel()
                }
                onEvent(signal)
            }
        } onEnd: { error in
            if isEnded { return }
            isEnded = true
            onEvent(.ended(error))
        }
        return Cancellation {
            isEnded = true
            stream?.cancel()
        }
    }

    /// A GET of anything else that the server has: discovery, `/version`, `/metrics`; the whole body.
    package func get(_ segments: [String], query: [(String, String)] = [], _ done: @escaping (Result<[UInt8], StatusError>) -> Void) {
        let address = address
        client.send(ClientRequest("GET", RequestTarget.text(segments: segments, query: query)), to: address, timeout: timeout) { result in
            switch result {
            case .success(let response) where (200..<300).contains(response.status): done(.success(response.body))
            case .success(let response): done(.failure(RequestCoding.error(status: response.status, body: response.body)))
            case .failure(let error): done(.failure(StatusError(error, address.description)))
            }
        }
    }

    /// An answer that is passed on as it comes: logs. `onEnd` is the last call, with nil when it is whole.
    package func stream(_ request: ClientRequest, onBytes: @escaping ([UInt8]) -> Void, onEnd: @escaping (StatusError?) -> Void)
        -> Cancellation
    {
        let address = address
        var refusal: Int?
        var refusalBody: [UInt8] = []
        return client.stream(request, to: address, timeout: timeout) { head in
            if !(200..<300).contains(head.status) { refusal = head.status }
        } onBytes: { bytes in
            if refusal == nil { onBytes(bytes) } else if refusalBody.count < Self.refusalByteLimit { refusalBody += bytes }
        } onEnd: { error in
            if let refusal {
                onEnd(RequestCoding.error(status: refusal, body: refusalBody))
            } else {
                onEnd(error.map { StatusError($0, address.description) })
            }
        }
    }

    /// Closes all connections; what is under way ends with an error.
    package func close() { client.close() }

    /// Of a refusal's body, more than any `Status` has.
    private static let refusalByteLimit = 1024 * 1024
}
