import Formats
import Linux
import Registry
import Resources
import Storage
import Timing

/// The same work on a store of one size. Another size is another process, so that its memory is its own: what one object, event or watcher costs must not
/// grow with how many there are.
enum Growth {
    struct Size {
        var pods: Int
        /// Each is an agent: it has a lease, writes its pods' status under it and watches its own pods.
        var nodes: Int { max(1, pods / 10) }
        /// Of all pods.
        var watchers: Int { nodes }
    }

    /// Prints a line for each figure: what, what one of them costs, in which unit.
    static func run(pods: Int, _ directory: String) throws {
        try Files.removeTree(directory)
        defer { try? Files.removeTree(directory) }
        for figure in try figures(Size(pods: pods), directory) { print("\(figure.what)\t\(tenths(figure.each))\t\(figure.unit)") }
    }

    private struct Figure {
        var what: String
        /// What one costs, in `unit`.
        var each: Double
        var unit: String
    }

    /// Nodes by the thousand need smaller parts of the instance's addresses.
    static var settings: StorageSettings {
        var settings = StorageSettings()
        settings.registry.podRangePrefixLength = 24
        return settings
    }

    private static func tenths(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func figures(_ size: Size, _ directory: String) throws -> [Figure] {
        var out: [Figure] = []
        func note(_ what: String, _ count: Int, _ unit: String, _ duration: Duration) {
            out.append(Figure(what: what, each: duration.inSeconds * 1e6 / Double(max(1, count)), unit: "µs a \(unit)"))
        }
        func timed(_ what: String, _ count: Int, _ unit: String, _ body: () throws -> Void) rethrows {
            let start = Clock.monotonic()
            try body()
            note(what, count, unit, Clock.monotonic() - start)
        }
        let loop = try EventLoop()
        var storage = try Storage(loop: loop, directory: directory, settings: settings)
        let before = residentBytes()
        /// Many at once, as they come in a storm: bounded as clients are.
        func perform(_ count: Int, _ request: @escaping (Int) -> Request) {
            var started = 0
            var done = 0
            func next() {
                guard started < count else { return }
                started += 1
                storage.perform(request(started - 1)) { result in
                    if case .failure(let error) = result { print("refused: \(error)") }
                    done += 1
                    next()
                }
            }
            for _ in 0..<64 { next() }
            _ = loop.runUntil(within: .seconds(300)) { done == count }
        }
        timed("create nodes", size.nodes, "node") {
            perform(size.nodes) { .create(["metadata": ["name": .string("n\($0)")]], type: .nodes, namespace: "") }
        }
        timed("create leases", size.nodes, "lease") {
            perform(size.nodes) { .create(["metadata": ["name": .string("n\($0)")]], type: .leases, namespace: "kube-node-lease") }
        }
        timed("create pods", size.pods, "pod") {
            perform(size.pods) { index in
                var object = pod("web-\(index)")
                object["spec"]["nodeName"] = .string("n\(index % size.nodes)")
                return .create(object, type: .pods, namespace: "default")
            }
        }
        timed("write their status, as their agents do", size.pods, "pod") {
            perform(size.pods) { index in
                let epoch = LeaseEpoch(node: "n\(index % size.nodes)", transitions: 0)
                return .patch(key(index), .merge(status(Int64(index))), .status, WriteOptions(leaseEpoch: epoch))
            }
        }
        let objects = size.pods + 2 * size.nodes
        out.append(Figure(what: "memory", each: Double(residentBytes() - before) / 1024 / Double(objects), unit: "KiB an object"))
        let lease: Value = ["spec": ["renewTime": "2026-01-01T00:00:00.000000Z"]]
        timed("renew all leases", size.nodes, "lease") {
            perform(size.nodes) { .patch(ObjectKey(.leases, namespace: "kube-node-lease", name: "n\($0)"), .merge(lease)) }
        }
        var listed: [Value] = []
        timed("list all pods", size.pods, "pod") { listed = storage.registry.list(ListRequest(.pods)).items }
        var json: [UInt8] = []
        timed("the same as JSON", size.pods, "pod") { json = JSON.serialize(.array(listed)) }
        out.append(Figure(what: "one pod as JSON", each: Double(json.count) / Double(size.pods), unit: "bytes"))
        timed("list each node's pods", size.pods, "pod") {
            for node in 0..<size.nodes {
                _ = storage.registry.list(ListRequest(.pods, fieldSelector: FieldSelector([.init(["spec", "nodeName"], "n\(node)")])))
            }
        }
        fanOut(storage, loop, size, note)
        storage.close()
        try timed("recover from the journal", size.pods + size.nodes, "object") {
            storage = try Storage(loop: loop, directory: directory, settings: settings)
        }
        try timed("make a snapshot's bytes", size.pods + size.nodes, "object") {
            let next = storage.snapshotBytes(256 << 10)
            let file = try DiskFile("\(directory).snapshot", truncating: true)
            var offset = 0
            while let bytes = next() {
                try file.write(bytes, at: offset)
                offset += bytes.count
            }
            file.close()
        }
        storage.close()
        try Files.removeTree(directory)
        _ = try SnapshotFiles.restore("\(directory).snapshot", journal: directory)
        try timed("recover from a snapshot", size.pods + size.nodes, "object") {
            storage = try Storage(loop: loop, directory: directory, settings: settings)
        }
        storage.close()
        try Files.removeTree("\(directory).snapshot")
        return out
    }

    /// Every watcher hears of every change of the pods; each agent hears of its own node's, and those of the others make that no dearer.
    private static func fanOut(_ storage: Storage, _ loop: EventLoop, _ size: Size, _ note: (String, Int, String, Duration) -> Void) {
        var told = 0
        // A change that changes nothing is told nobody.
        var restarts: Int64 = 77_777
        func measure(_ what: String, _ unit: String, changes: Int, expected: Int, each: Int, _ list: (Int) -> ListRequest) {
            let start = storage.revision
            let watches = (0..<size.watchers).map { storage.watch(list($0), from: start) { if case .event = $0 { told += 1 } } }
            _ = loop.runUntil(within: .milliseconds(200)) { false }
            told = 0
            let began = Clock.monotonic()
            restarts += 1
            for index in 0..<changes { storage.perform(.patch(key(index), .merge(status(restarts)), .status)) { _ in } }
            _ = loop.runUntil(within: .seconds(60)) { told >= expected }
            note(what, each, unit, Clock.monotonic() - began)
            for watch in watches { watch.cancel() }
        }
        measure(
            "\(changeCount) changes to as many watchers of all pods as there are nodes", "delivery", changes: changeCount,
            expected: changeCount * size.watchers, each: changeCount * size.watchers
        ) { _ in ListRequest(.pods) }
        let changes = min(size.pods, 1000)
        measure("\(changes) changes, each to its node's own watcher", "change", changes: changes, expected: changes, each: changes) {
            ListRequest(.pods, fieldSelector: FieldSelector([.init(["spec", "nodeName"], "n\($0)")]))
        }
    }

    private static let changeCount = 100

    private static func residentBytes() -> Int {
        let pages = (try? Files.text("/proc/self/statm"))?.split(separator: " ")
        return pages.flatMap { Int($0[1]) }.map { $0 * 4096 } ?? 0
    }
}
