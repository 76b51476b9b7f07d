import Formats
import Linux
import Registry
import Resources
import Storage
import Timing

// What the store costs on this machine. Nothing is asserted. In a release build:
//
//     StoreBenchmark [DIRECTORY]               judging and committing, by itself
//     StoreBenchmark growth PODS [DIRECTORY]   the figures of one size: Tests/Benchmarks/scale compares three
//     StoreBenchmark serve PODS DIRECTORY      the server role by itself, on DIRECTORY/api.sock and on TCP, until it is told to end

/// A pod of the size that agents report on: one container with probes, and a full status.
func pod(_ name: String) -> Value {
    let probe: Value = ["httpGet": ["path": "/health", "port": 8080], "periodSeconds": 10]
    return [
        "metadata": ["name": .string(name), "labels": ["app": "web", "pod-template-hash": "5d59d67564"]],
        "spec": [
            "nodeName": "a1",
            "containers": [
                [
                    "name": "web", "image": "web:v1", "ports": [["containerPort": 8080]], "livenessProbe": probe, "readinessProbe": probe,
                    "resources": ["requests": ["cpu": "100m", "memory": "64Mi"]], "env": [["name": "A", "value": "b"]],
                ]
            ],
        ],
    ]
}

func status(_ count: Int64) -> Value {
    let types = ["PodScheduled", "Initialized", "ContainersReady", "Ready"]
    return [
        "status": [
            "phase": "Running", "podIP": "127.64.0.2", "hostIP": "127.16.0.1", "startTime": "2026-01-01T00:00:00Z",
            "conditions": .array(types.map { ["type": .string($0), "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"] }),
            "containerStatuses": [
                [
                    "name": "web", "image": "web:v1", "imageID": "sha256:0123456789abcdef", "ready": true, "started": true,
                    "restartCount": .int(count),
                    "state": ["running": ["startedAt": "2026-01-01T00:00:00Z"]],
                ]
            ],
        ]
    ]
}

func key(_ index: Int) -> ObjectKey { ObjectKey(.pods, namespace: "default", name: "web-\(index)") }

func microseconds(_ duration: Duration, per count: Int) -> String {
    let tenths = duration.nanoseconds / Int64(max(1, count)) / 100
    return "\(tenths / 10).\(tenths % 10) µs"
}

func judge() {
    var registry = Registry()
    var random = SeededRandom(seed: 1)
    let now = Clock.realtime()
    _ = registry.bootstrap(now: now, random: &random)
    _ = registry.durable(through: registry.tipRevision)
    let podCount = 1000
    func run(_ what: String, _ count: Int, _ body: (Int) -> Request) {
        let start = Clock.monotonic()
        for index in 0..<count {
            _ = registry.submit(body(index), now: now, random: &random)
            _ = registry.durable(through: registry.tipRevision)
        }
        print("judge and publish, \(what): \(microseconds(Clock.monotonic() - start, per: count))")
    }
    run("create a pod", podCount) { .create(pod("web-\($0)"), type: .pods, namespace: "default") }
    let statuses = (0..<16).map { status(Int64($0)) }
    run("patch a pod's status", 10 * podCount) { .patch(key($0 % podCount), .merge(statuses[$0 / podCount % 16]), .status) }
    run("label a pod", podCount) { .patch(key($0), .merge(["metadata": ["labels": ["x": .string("\($0)")]]])) }
    let start = Clock.monotonic()
    let objects = registry.list(ListRequest(.pods)).items
    print("list \(objects.count) pods: \(microseconds(Clock.monotonic() - start, per: 1))")
    print("a pod has \(JSON.serialize(objects[0]).count) bytes as JSON")
}

func commit(_ directory: String, writers: Int, watchers: Int) throws {
    let loop = try EventLoop()
    let storage = try Storage(loop: loop, directory: directory)
    defer { storage.close() }
    var created = 0
    for index in 0..<writers { storage.perform(.create(pod("web-\(index)"), type: .pods, namespace: "default")) { _ in created += 1 } }
    _ = loop.runUntil(within: .seconds(30)) { created == writers }
    var told = 0
    for _ in 0..<watchers { _ = storage.watch(ListRequest(.pods), from: nil) { _ in told += 1 } }

    let count = 3000 + 300 * writers
    var started = 0
    var done = 0
    var latencies: [Int64] = []
    func next(_ writer: Int) {
        guard started < count else { return }
        started += 1
        let begin = Clock.monotonic()
        storage.perform(.patch(key(writer), .merge(status(Int64(started))), .status)) { _ in
            latencies.append((Clock.monotonic() - begin).nanoseconds)
            done += 1
            next(writer)
        }
    }
    let batches = storage.metrics.batchCount
    let start = Clock.monotonic()
    for writer in 0..<writers { next(writer) }
    _ = loop.runUntil(within: .seconds(120)) { done == count }
    let seconds = (Clock.monotonic() - start).inSeconds
    latencies.sort()
    print(
        "\(writers) writers, \(watchers) watchers: \(Int(Double(count) / seconds)) commits/s, latency p50 \(latencies[count / 2] / 1000) µs,"
            + " p99 \(latencies[count * 99 / 100] / 1000) µs, \(storage.metrics.batchCount - batches) fsyncs, \(told) events")
}

let arguments = CommandLine.arguments.dropFirst()
let directory = arguments.last.flatMap { $0.contains("/") ? $0 : nil } ?? "/tmp/steady-store-benchmark"
let podCount = arguments.dropFirst().first.flatMap { Int($0) } ?? 0
switch arguments.first {
case "growth": try Growth.run(pods: podCount, directory)
case "serve": try serve(pods: podCount, directory)
default:
    judge()
    for (writers, watchers) in [(1, 0), (8, 0), (64, 0), (8, 100)] {
        try Files.removeTree(directory)
        try commit(directory, writers: writers, watchers: watchers)
    }
    try Files.removeTree(directory)
}
