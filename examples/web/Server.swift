import Glibc

/// Where the signal handler leaves word: a handler may do little more than write to a pipe.
nonisolated(unsafe) private var terminationPipe: Int32 = -1

/// One thread, one poll(2) loop: serves HTTP/1.1 with keep-alive. On SIGTERM it accepts nothing more, finishes what it has begun, and returns.
final class Server {
    private struct Connection {
        var input: [UInt8] = []
        var output: [UInt8] = []
        /// An answer that is held back, and when it is due.
        var delayed: (bytes: [UInt8], at: Int64)?
        var isLast = false
        var isBusy: Bool { !input.isEmpty || !output.isEmpty || delayed != nil }
    }

    private let pages: Pages
    private var listener: Int32 = -1
    private var signals: Int32 = -1
    private var connections: [Int32: Connection] = [:]
    private var isEnding = false

    init(pages: Pages) {
        self.pages = pages
        var pipe: [Int32] = [-1, -1]
        guard Glibc.pipe(&pipe) == 0 else { fail("pipe: \(String(cString: strerror(errno)))") }
        signals = pipe[0]
        terminationPipe = pipe[1]
        for number in [SIGTERM, SIGINT] {
            signal(number) { _ in
                var byte: UInt8 = 0
                _ = write(terminationPipe, &byte, 1)
            }
        }
        signal(SIGPIPE, SIG_IGN)
    }

    /// Ends the program with a message when the address is not to be had.
    func listen(host: String, port: UInt16) {
        listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        var one: Int32 = 1
        setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, 4)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        guard inet_pton(AF_INET, host, &address.sin_addr) == 1 else { fail("HOST is not an IPv4 address: \(host)") }
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(listener, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
        }
        guard result == 0, Glibc.listen(listener, 4096) == 0 else {
            fail("cannot listen on \(host):\(port): \(String(cString: strerror(errno)))")
        }
    }

    func run() {
        while !isEnding || !connections.isEmpty { turn() }
    }

    private func turn() {
        var polled = [pollfd(fd: signals, events: Int16(POLLIN), revents: 0)]
        if !isEnding { polled.append(pollfd(fd: listener, events: Int16(POLLIN), revents: 0)) }
        var timeout: Int64 = -1
        let now = Self.now()
        for (fd, connection) in connections {
            polled.append(pollfd(fd: fd, events: Int16(connection.output.isEmpty ? POLLIN : POLLOUT), revents: 0))
            if let due = connection.delayed?.at { timeout = timeout < 0 ? max(0, due - now) : min(timeout, max(0, due - now)) }
        }
        poll(&polled, nfds_t(polled.count), Int32(timeout))
        for entry in polled where entry.revents != 0 {
            switch entry.fd {
            case signals: end()
            case listener: accept()
            default: handle(entry.fd, entry.revents)
            }
        }
        let then = Self.now()
        for (fd, connection) in connections {
            guard let delayed = connection.delayed, delayed.at <= then else { continue }
            connections[fd]?.delayed = nil
            connections[fd]?.output += delayed.bytes
            send(fd)
        }
    }

    private func end() {
        var byte: UInt8 = 0
        _ = read(signals, &byte, 1)
        guard !isEnding else { return }
        isEnding = true
        close(listener)
        // Who waits for the next request waits in vain; who is being answered is answered.
        for (fd, connection) in connections where !connection.isBusy { drop(fd) }
    }

    private func accept() {
        while true {
            let fd = Glibc.accept(listener, nil, nil)
            if fd < 0 { return }
            _ = fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK)
            var one: Int32 = 1
            setsockopt(fd, Int32(IPPROTO_TCP), TCP_NODELAY, &one, 4)
            connections[fd] = Connection()
        }
    }

    private func handle(_ fd: Int32, _ events: Int16) {
        guard let connection = connections[fd] else { return }
        if !connection.output.isEmpty { return send(fd) }
        var room = [UInt8](repeating: 0, count: 16 * 1024)
        let count = recv(fd, &room, room.count, 0)
        if count > 0 {
            connections[fd]?.input += room[..<count]
            answer(fd)
        } else if count == 0 || errno != EAGAIN {
            drop(fd)
        }
    }

    /// Answers what has come whole, one request after the other.
    private func answer(_ fd: Int32) {
        while let connection = connections[fd], connection.delayed == nil, connection.output.isEmpty, !connection.input.isEmpty {
            switch Request.read(connection.input) {
            case .incomplete: return
            case .refused(let status):
                connections[fd]?.isLast = true
                connections[fd]?.input = []
                connections[fd]?.output += Self.bytes(.text(status, status + "\n"), isLast: true, isHead: false)
            case .whole(let request, let count):
                connections[fd]?.input.removeFirst(count)
                let answer = pages.answer(request)
                let isLast = !request.keepsAlive || isEnding
                connections[fd]?.isLast = isLast
                let bytes = Self.bytes(answer, isLast: isLast, isHead: request.method == "HEAD")
                if answer.delayInMilliseconds > 0 {
                    connections[fd]?.delayed = (bytes, Self.now() + Int64(answer.delayInMilliseconds))
                } else {
                    connections[fd]?.output += bytes
                }
            }
            send(fd)
        }
    }

    private func send(_ fd: Int32) {
        guard let connection = connections[fd], !connection.output.isEmpty else { return }
        let count = Glibc.send(fd, connection.output, connection.output.count, 0)
        if count < 0 {
            if errno != EAGAIN { drop(fd) }
            return
        }
        connections[fd]?.output.removeFirst(count)
        guard count == connection.output.count else { return }
        if connection.isLast || (isEnding && connection.input.isEmpty) { return drop(fd) }
        answer(fd)
    }

    private func drop(_ fd: Int32) {
        connections[fd] = nil
        close(fd)
    }

    private static func bytes(_ answer: Pages.Answer, isLast: Bool, isHead: Bool) -> [UInt8] {
        let body = Array(answer.body.utf8)
        var text = "HTTP/1.1 \(answer.status)\r\nContent-Type: \(answer.type)\r\nContent-Length: \(body.count)\r\n"
        if isLast { text += "Connection: close\r\n" }
        return Array((text + "\r\n").utf8) + (isHead ? [] : body)
    }

    /// Milliseconds of the monotonic clock.
    private static func now() -> Int64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
