import Foundation

#if canImport(Glibc)
    import Glibc
#endif

/// A TCP port that nobody listens on.
enum FreePort {
    struct NoneFree: Error {}

    private static let lock = NSLock()
    /// A port is free until somebody binds it: what one test has got no other one gets.
    nonisolated(unsafe) private static var given: Set<Int> = []

    /// One that a Service may have as its node port.
    static func inNodePortRange() throws -> Int {
        for port in (30_100...32_767).shuffled() where lock.withLock({ given.insert(port).inserted }) {
            let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
            defer { close(socket) }
            if HandRequest.withAddress(port, { bind(socket, $0, $1) }) == 0 { return port }
        }
        throw NoneFree()
    }
}

/// Requests written by hand over blocking sockets: nothing of the program under test takes part.
struct HandRequest {
    struct Failure: Error, CustomStringConvertible { var description: String }

    private var socket: Int32 = -1
    private let host: String
    private let port: Int

    init(host: String = "127.0.0.1", port: Int) {
        self.host = host
        self.port = port
    }

    /// The body of the answer to one request.
    static func once(host: String = "127.0.0.1", port: Int, path: String, accept: String = "*/*") throws -> String {
        var connection = HandRequest(host: host, port: port)
        defer { connection.hangUp() }
        return try connection.get(path, accept: accept)
    }

    mutating func hangUp() {
        if socket >= 0 { close(socket) }
        socket = -1
    }

    /// The body of an answer with status 200; the connection stays open for the next. Anything else is a failure: there is no second try.
    mutating func get(_ path: String, accept: String = "*/*") throws -> String { try send("GET", path, accept: accept, body: "") }

    mutating func post(_ path: String, _ body: String) throws -> String { try send("POST", path, accept: "*/*", body: body) }

    private mutating func send(_ method: String, _ path: String, accept: String, body: String) throws -> String {
        try connect()
        let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
        let request = Array("\(method) \(path) HTTP/1.1\r\nHost: \(host):\(port)\r\nAccept: \(accept)\r\n\(length)\r\n\(body)".utf8)
        guard Glibc.send(socket, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else { throw failure("sending") }
        var answer: [UInt8] = []
        while true {
            if let body = try Self.body(of: answer) { return body }
            var buffer = [UInt8](repeating: 0, count: 4096)
            let count = recv(socket, &buffer, buffer.count, 0)
            guard count > 0 else { throw failure(count == 0 ? "the connection was closed, after \(answer.count) bytes" : "receiving") }
            answer += buffer[..<count]
        }
    }

    private mutating func connect() throws {
        if socket >= 0 { return }
        socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        // No answer in this time is a failure, too; it is longer than a machine with too much to do keeps everybody waiting.
        var limit = timeval(tv_sec: 60, tv_usec: 0)
        setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        let descriptor = socket
        guard Self.withAddress(port, host: host, { Glibc.connect(descriptor, $0, $1) }) == 0 else { throw failure("connecting") }
    }

    private func failure(_ what: String) -> Failure { Failure(description: "\(what): \(String(cString: strerror(errno)))") }

    /// The body, once it is whole; nil before.
    private static func body(of answer: [UInt8]) throws -> String? {
        let text = String(decoding: answer, as: UTF8.self)
        guard let end = text.range(of: "\r\n\r\n") else { return nil }
        let head = text[..<end.lowerBound].components(separatedBy: "\r\n")
        guard head[0].contains(" 200 ") else { throw Failure(description: head[0]) }
        let length = head.first { $0.lowercased().hasPrefix("content-length:") }.flatMap { Int($0.dropFirst(15).filter { $0 != " " }) }
        guard let length else { throw Failure(description: "an answer without a length: \(head)") }
        let body = text[end.upperBound...]
        return body.utf8.count >= length ? String(body) : nil
    }

    static func withAddress(_ port: Int, host: String = "127.0.0.1", _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = in_port_t(port).bigEndian
        address.sin_addr.s_addr = inet_addr(host)
        return withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
    }
}

/// Requests without a pause, from connections that stay and from a connection for each request, until it is stopped. Every request counts.
final class Load: @unchecked Sendable {
    struct Tally: Sendable {
        var answeredCount = 0
        /// The first failures, in words.
        var failures: [String] = []
        var failureCount = 0
        var versions: Set<String> = []
        /// The ids of the POSTs that were answered.
        var postedIDs: [String] = []
    }

    private let condition = NSCondition()
    private var tally = Tally()
    private var isStopping = false
    private var runningCount = 0

    init(port: Int, keptConnections: Int = 4, freshConnections: Int = 2, postingConnections: Int = 0) {
        runningCount = keptConnections + freshConnections + postingConnections
        for _ in 0..<keptConnections { Thread.detachNewThread { [self] in work(port, isFresh: false) } }
        for _ in 0..<freshConnections { Thread.detachNewThread { [self] in work(port, isFresh: true) } }
        for index in 0..<postingConnections { Thread.detachNewThread { [self] in post(port, "poster\(index)") } }
    }

    /// POSTs ids to a page that records them; every other one over a new connection.
    private func post(_ port: Int, _ name: String) {
        var connection = HandRequest(port: port)
        var number = 0
        while !condition.withLock({ isStopping }) {
            number += 1
            let id = "\(name)-\(number)"
            do {
                guard try connection.post("/echo-id", id) == id else {
                    throw HandRequest.Failure(description: "another id came back than \(id)")
                }
                condition.withLock {
                    tally.answeredCount += 1
                    tally.postedIDs.append(id)
                    condition.broadcast()
                }
                if number % 2 == 0 { connection.hangUp() }
            } catch {
                connection.hangUp()
                fail("POST: \(error)")
            }
        }
        connection.hangUp()
        ended()
    }

    private func fail(_ words: String) {
        condition.withLock {
            tally.failureCount += 1
            if tally.failures.count < 5 { tally.failures.append(words) }
            condition.broadcast()
        }
    }

    private func ended() {
        condition.withLock {
            runningCount -= 1
            condition.broadcast()
        }
    }

    private func work(_ port: Int, isFresh: Bool) {
        var connection = HandRequest(port: port)
        while !condition.withLock({ isStopping }) {
            do {
                let words = try connection.get("/").split(separator: " ")
                condition.withLock {
                    tally.answeredCount += 1
                    if words.count > 1 { tally.versions.insert(String(words[1])) }
                    condition.broadcast()
                }
                if isFresh { connection.hangUp() }
            } catch {
                connection.hangUp()
                fail("\(isFresh ? "fresh" : "kept") connection: \(error)")
            }
        }
        connection.hangUp()
        ended()
    }

    /// Waits until so many more requests have been answered: traffic was seen to flow.
    func waitForMore(_ count: Int, within seconds: Double = 60) -> Bool {
        let deadline = Date(timeIntervalSinceNow: seconds)
        return condition.withLock {
            let goal = tally.answeredCount + count
            while tally.answeredCount < goal { if !condition.wait(until: deadline) { return false } }
            return true
        }
    }

    /// Ends the load, and says what became of every request.
    func stop() -> Tally {
        condition.withLock {
            isStopping = true
            while runningCount > 0 { condition.wait() }
            return tally
        }
    }
}
