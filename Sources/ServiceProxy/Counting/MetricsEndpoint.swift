import Linux
import Measuring
import Transport

/// The proxy's own HTTP server on its Unix socket: `/metrics`, `/healthz`, and the table for whoever looks for a mistake.
final class MetricsEndpoint {
    private let server: HTTPServer
    private let listener: Int32

    /// `pages`: what is answered for a path; nil is 404.
    init(loop: EventLoop, path: String, pages: @escaping (String) -> (contentType: String, text: String)?) throws(LinuxError) {
        listener = try Sockets.listen(unix: path)
        server = HTTPServer(loop: loop) { exchange in
            guard exchange.method == "GET", let page = pages(exchange.path) else { return exchange.respond(status: 404) }
            exchange.respond(status: 200, headers: ["Content-Type": page.contentType], body: Array(page.text.utf8))
        }
        try server.serve(listener: listener) { descriptor, _ in PeerIdentity.ofUnix(descriptor).identity.isOurs }
    }

    func close() {
        server.close()
        Sockets.close(listener)
    }
}
