import APIClient
import APIServer
import Controllers
import Formats
import Linux
import Registry
import Resources
import Storage

/// The server role as `steady up` runs it, store, API and controllers, and nobody else: what etcd is beside it.
func serve(pods: Int, _ path: String) throws {
    Limits.raiseOpenFiles()
    let directory = DataDirectory(path)
    try Files.makeDirectories(directory.path)
    let loop = try EventLoop()
    if pods > 0 { try fill(directory.journal, pods: pods, loop) }
    var controllers: ControllerLoops?
    let role = try ServerRole(
        ServerConfiguration(directory: directory, storage: Growth.settings), loop: loop, descriptors: NoDescriptorStore()
    ) { api in
        // With simulated agents the controllers would find every node lost.
        guard pods == 0 else { return }
        controllers = ControllerLoops(api: api) { _, _, done in done(true) }
        controllers?.start()
    }
    role.onStop.append { controllers?.close() }
    for number in [Int32(2), 15] { try loop.onSignal(number) { role.stop() } }
    role.run()
}

/// Pods with their status, on a tenth as many nodes.
private func fill(_ path: String, pods: Int, _ loop: EventLoop) throws {
    let storage = try Storage(loop: loop, directory: path, settings: Growth.settings)
    defer { storage.close() }
    let nodes = max(1, pods / 10)
    func perform(_ count: Int, _ request: (Int) -> Request) {
        var done = 0
        for index in 0..<count {
            storage.perform(request(index)) { _ in done += 1 }
            if index % 512 == 511 { _ = loop.runUntil(within: .seconds(60)) { done == index + 1 } }
        }
        _ = loop.runUntil(within: .seconds(60)) { done == count }
    }
    perform(nodes) { .create(["metadata": ["name": .string("n\($0)")]], type: .nodes, namespace: "") }
    perform(pods) { index in
        var object = pod("web-\(index)")
        object["spec"]["nodeName"] = .string("n\(index % nodes)")
        return .create(object, type: .pods, namespace: "default")
    }
    perform(pods) { .patch(key($0), .merge(status(Int64($0))), .status) }
}
