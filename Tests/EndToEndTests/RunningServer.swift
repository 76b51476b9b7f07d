import APIClient
import APIServer
import Foundation
import Linux
import Resources
import Transport

/// A real server on a thread of its own, in a temporary directory, on a free port: no agents, no controllers. An agent that only serves logs
/// answers for node `a1`.
final class RunningServer: @unchecked Sendable {
    let directory: String
    private(set) var address = ""
    private var remote: EventLoop.Remote?
    private var role: ServerRole?
    private var thread: ThreadHandle?
    private var failure: String?
    private let started = DispatchSemaphore(value: 0)

    init() throws {
        directory = "/tmp/steady-e2e-\(UUID().uuidString.prefix(8))"
        try Files.makeDirectories(directory + "/roles")
        thread = try ThreadHandle.start(name: "server") { [unowned self] in serve() }
        started.wait()
        if let failure { throw ServerFailure(description: failure) }
    }

    struct ServerFailure: Error, CustomStringConvertible { let description: String }

    private func serve() {
        do {
            let loop = try EventLoop()
            let role = try ServerRole(
                ServerConfiguration(directory: DataDirectory(directory)), loop: loop, descriptors: NoDescriptorStore())
            let agent = HTTPServer(loop: loop) { exchange in
                exchange.respond(status: 200, headers: ["Content-Type": "text/plain"], body: Array("log of \(exchange.head.target)\n".utf8))
            }
            try agent.serve(listener: try Sockets.listen(unix: directory + "/roles/agent-a1.sock"))
            self.role = role
            remote = loop.remote
            address = role.address?.description ?? ""
            started.signal()
            role.run()
            agent.close()
        } catch {
            failure = "\(error)"
            started.signal()
        }
    }

    /// Stops the server and removes its directory; returns when its thread has ended.
    func stop() {
        remote?.submit { [self] in role?.stop() }
        thread?.join()
        try? Files.removeTree(directory)
    }
}
