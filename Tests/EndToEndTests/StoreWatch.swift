import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// What became of objects, in the order in which the store has it: watches by hand over the API's socket, each on a thread of its own.
final class StoreWatch: @unchecked Sendable {
    /// Something that a test asks about.
    struct Moment: Sendable {
        /// The store's only clock: what has a higher one came later, whatever the kind.
        var revision: Int
        /// When it was heard of.
        var at: ContinuousClock.Instant
        var words: String
    }

    private let condition = NSCondition()
    private var found: [Moment] = []
    private var sockets: [Int32] = []
    private let socketPath: String

    init(_ instance: Instance) { socketPath = instance.dataDirectory + "/api.sock" }

    /// Follows one collection from now on.
    ///
    /// - Parameter note: what is to be remembered of an event, in words; nil: nothing. Called as soon as it is heard of.
    func follow(_ path: String, _ note: @escaping @Sendable (_ type: String, _ object: [String: Any]) -> String?) throws {
        let socket = Glibc.socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: socketPath.utf8) }
        let isConnected = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(socket, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) } == 0
        }
        let request = Array("GET \(path)?watch=1 HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
        guard isConnected, send(socket, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
            close(socket)
            throw HandRequest.Failure(description: "watching \(path)")
        }
        condition.withLock { sockets.append(socket) }
        Thread.detachNewThread { [self] in read(socket, note) }
    }

    private func read(_ socket: Int32, _ note: (_ type: String, _ object: [String: Any]) -> String?) {
        var rest = Data()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while case let count = recv(socket, &buffer, buffer.count, 0), count > 0 {
            let now = ContinuousClock.now
            rest += buffer[..<count]
            // Between two events there are chunk sizes, which are no JSON.
            while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
                let line = rest[..<end]
                rest = Data(rest[(end + 1)...])
                guard let start = line.firstIndex(of: UInt8(ascii: "{")),
                    let event = try? JSONSerialization.jsonObject(with: Data(line[start...])) as? [String: Any],
                    let object = event["object"] as? [String: Any], let words = note(event["type"] as? String ?? "", object)
                else { continue }
                let revision = Int((object["metadata"] as? [String: Any])?["resourceVersion"] as? String ?? "") ?? 0
                condition.withLock {
                    found.append(Moment(revision: revision, at: now, words: words))
                    condition.broadcast()
                }
            }
        }
    }

    /// Waits for a moment with these words; nil when the bound is over.
    func wait(within seconds: Double = 60, for words: String) -> Moment? {
        let deadline = Date(timeIntervalSinceNow: seconds)
        return condition.withLock {
            while true {
                if let moment = found.first(where: { $0.words == words }) { return moment }
                if !condition.wait(until: deadline) { return nil }
            }
        }
    }

    /// In the order of the store.
    var moments: [Moment] { condition.withLock { found.sorted { $0.revision < $1.revision } } }

    func count(of words: String) -> Int { condition.withLock { found.count { $0.words == words } } }

    func stop() { condition.withLock { for socket in sockets { shutdown(socket, Int32(SHUT_RDWR)) } } }
}
