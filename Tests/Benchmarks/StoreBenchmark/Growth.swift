import Formats
import Linux
import Registry
import Resources
import Storage
import Timing

/// The same work on a small and on a large instance, side by side: what one object, event or watcher costs must not grow with how many there are.
enum Growth {
    struct Size {
        var pods: Int
        /// An instance has pod addresses for 128.
        var nodes: Int
        var leases: Int
        var watchers: Int
        static let small = Size(pods: 2000, nodes: 25, leases: 200, watchers: 200)
        static let large = Size(pods: 10_000, nodes: 125, leases: 1000, watchers: 1000)
    }

    struct Figure {
        var what: String
        var total: String
        /// What one costs, in `unit`.
        var each: Double
        var unit: String
    }

    static func run(_ directory: String) throws {
        print(
            "\nGrowth, from \(describe(.small)) to \(describe(.large)); the last column is the large one's cost of one, over the small one's"
        )
        try Files.removeTree(directory)
        // The large one first: its memory is then all new.
        let large = try figures(.large, directory)
        try Files.removeTree(directory)
        let small = try figures(.small, directory)
        try Files.removeTree(directory)
        for (a, b) in zip(small, large) {
            print("\(a.what.padded(44))\(shown(a).padded(34))\(shown(b).padded(34))\(tenths(b.each / max(a.each, 1e-9)))")
        }
    }

    private static func describe(_ size: Size) -> String {
        "\(size.pods) pods, \(size.nodes) nodes, \(size.leases) leases, \(size.watchers) watchers"
    }
    private static func shown(_ figure: Figure) -> String { "\(figure.total), \(tenths(figure.each)) \(figure.unit)" }
    private static func tenths(_ number: Double) -> String {
        let tenths = Int((number * 10).rounded())
        return "\(tenths / 10).\(tenths % 10)"
    }

    private static func milliseconds(_ duration: Duration) -> String { tenths(duration.inSeconds * 1000) + " ms" }

    private static func figures(_ size: Size, _ directory: String) throws -> [Figure] {
        var out: [Figure] = []
        func note(_ what: String, _ count: Int, _ unit: String, _ duration: Duration) {
            out.append(
                Figure(what: what, total: milliseconds(duration), each: duration.inSeconds * 1e6 / Double(count), unit: "µs a \(unit)"))
        }
        func timed(_ what: String, _ count: Int, _ unit: String, _ body: () throws -> Void) rethrows {
            let start = Clock.monotonic()
            try body()
            note(what, count, unit, Clock.monotonic() - start)
        }
        let loop = try EventLoop()
        var storage = try Storage(loop: loop, directory: directory)
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
        timed("create pods", size.pods, "pod") {
            perform(size.pods) { index in
                var object = pod("web-\(index)")
                object["spec"]["nodeName"] = .string("n\(index % size.nodes)")
                return .create(object, type: .pods, namespace: "default")
            }
        }
        timed("write their status", size.pods, "pod") { perform(size.pods) { .patch(key($0), .merge(status(Int64($0))), .status) } }
        let bytes = residentBytes() - before
        // What was freed before is used again, and would make the next ones seem to cost nothing.
        if size.pods == Size.large.pods {
            print("memory: \(bytes >> 20) MiB, \(tenths(Double(bytes) / 1024 / Double(size.pods + size.nodes))) KiB an object")
        }
        timed("create leases", size.leases, "lease") {
            perform(size.leases) { .create(["metadata": ["name": .string("n\($0)")]], type: .leases, namespace: "kube-node-lease") }
        }
        let lease: Value = ["spec": ["renewTime": "2026-01-01T00:00:00.000000Z"]]
        timed("renew all leases", size.leases, "lease") {
            perform(size.leases) { .patch(ObjectKey(.leases, namespace: "kube-node-lease", name: "n\($0)"), .merge(lease)) }
        }
        var listed: [Value] = []
        timed("list all pods", size.pods, "pod") { listed = storage.registry.list(ListRequest(.pods)).items }
        var json: [UInt8] = []
        timed("the same as JSON", size.pods, "pod") { json = JSON.serialize(.array(listed)) }
        out.append(
            Figure(what: "one pod as JSON", total: "\(json.count >> 10) KiB", each: Double(json.count) / Double(size.pods), unit: "bytes"))
        timed("list each node's pods", size.pods, "pod") {
            for node in 0..<size.nodes {
                _ = storage.registry.list(ListRequest(.pods, fieldSelector: FieldSelector([.init(["spec", "nodeName"], "n\(node)")])))
            }
        }
        fanOut(storage, loop, size, note)
        storage.close()
        try timed("recover from the journal", size.pods + size.nodes, "object") { storage = try Storage(loop: loop, directory: directory) }
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
        try timed("recover from a snapshot", size.pods + size.nodes, "object") { storage = try Storage(loop: loop, directory: directory) }
        storage.close()
        try Files.removeTree("\(directory).snapshot")
        return out
    }

    /// Every watcher hears of every change of the pods; each agent watches its own node's.
    private static func fanOut(_ storage: Storage, _ loop: EventLoop, _ size: Size, _ note: (String, Int, String, Duration) -> Void) {
        var told = 0
        var watches: [Cancellation] = []
        let start = storage.revision
        func measure(_ what: String, _ list: (Int) -> ListRequest, expected: Int) {
            watches = (0..<size.watchers).map { storage.watch(list($0), from: start) { if case .event = $0 { told += 1 } } }
            _ = loop.runUntil(within: .milliseconds(200)) { false }
            told = 0
            let began = Clock.monotonic()
            for index in 0..<changeCount { storage.perform(.patch(key(index), .merge(status(Int64(index + 77_777))), .status)) { _ in } }
            _ = loop.runUntil(within: .seconds(60)) { told >= expected }
            note(what, max(1, expected), "delivery", Clock.monotonic() - began)
            for watch in watches { watch.cancel() }
        }
        measure("\(changeCount) changes to watchers of all pods", { _ in ListRequest(.pods) }, expected: changeCount * size.watchers)
    }

    private static let changeCount = 100

    private static func residentBytes() -> Int {
        let pages = (try? Files.text("/proc/self/statm"))?.split(separator: " ")
        return pages.flatMap { Int($0[1]) }.map { $0 * 4096 } ?? 0
    }
}

extension String {
    fileprivate func padded(_ width: Int) -> String { self + String(repeating: " ", count: max(1, width - count)) }
}
