import Formats
import Glibc
import Timing
import Traffic

// What a change of routes costs, and what a table takes. By hand, nothing asserted:
//   swift run -c release RouteBenchmark [SERVICES] [ENDPOINTS OF EACH]

let arguments = CommandLine.arguments.dropFirst().compactMap { Int($0) }
let serviceCount = arguments.first ?? 1000
let endpointCount = arguments.dropFirst().first ?? 10

/// What this process has computed so far, on one core: what others do on the machine does not count.
func computed() -> Duration {
    var time = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
    return .seconds(time.tv_sec) + .nanoseconds(time.tv_nsec)
}

/// Memory that is resident.
func residentBytes() -> Int {
    var text = [UInt8](repeating: 0, count: 128)
    let descriptor = open("/proc/self/statm", O_RDONLY)
    defer { close(descriptor) }
    let count = read(descriptor, &text, text.count)
    let pages = String(decoding: text[..<max(0, count)], as: UTF8.self).split(separator: " ").dropFirst().first
    return (pages.flatMap { Int($0) } ?? 0) * 4096
}

func service(_ number: Int) -> Value {
    [
        "metadata": ["namespace": "default", "name": .string("service-\(number)")],
        "spec": ["clusterIP": .string("127.32.\(number / 250).\(number % 250 + 2)"), "ports": [["name": "http", "port": 80]]],
    ]
}

func slice(_ number: Int, withheld: Int?) -> Value {
    let endpoints = (0..<endpointCount).map { index -> Value in
        let place = number * endpointCount + index
        return [
            "addresses": [.string("127.\(64 + place / 62_500).\(place / 250 % 250).\(place % 250 + 2)")],
            "conditions": ["ready": .bool(index != withheld)], "nodeName": .string("node-\(index % 3)"),
            "zone": .string(["a", "b", "c"][index % 3]), "targetRef": ["kind": "Pod", "name": .string("service-\(number)-\(index)")],
        ]
    }
    return [
        "metadata": [
            "namespace": "default", "name": .string("slice-\(number)"),
            "labels": ["kubernetes.io/service-name": .string("service-\(number)")],
        ], "ports": [["name": "http", "port": 8080]], "endpoints": .array(endpoints),
    ]
}

func spread(_ samples: [Duration]) -> String {
    let micros = samples.map { $0 / .microseconds(1) }.sorted()
    func text(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }
    return "\(text(micros[micros.count / 2])) us (p99 \(text(micros[micros.count * 99 / 100])), max \(text(micros[micros.count - 1])))"
}

var source = RouteSource()
var router = Router()
let before = residentBytes()
for number in 0..<serviceCount {
    source.set(service: service(number), namespace: "default", name: "service-\(number)")
    source.set(slice: slice(number, withheld: nil), namespace: "default", name: "slice-\(number)")
}
var start = computed()
if let update = source.update() { _ = router.apply(update, now: .zero) }
print("\(serviceCount) services, \(serviceCount * endpointCount) endpoints")
print("first table: \(spread([computed() - start]))")
print("memory: \((residentBytes() - before) / (serviceCount * endpointCount)) bytes an endpoint, source and router together")

/// The slice is decoded before: what the API's connection costs is another matter.
@MainActor func change(_ body: (Int) -> Void) -> String {
    var samples: [Duration] = []
    for round in 0..<2000 {
        let number = round * 7919 % serviceCount
        let new = slice(number, withheld: round / serviceCount % 2 == 0 ? round % endpointCount : nil)
        source.set(slice: new, namespace: "default", name: "slice-\(number)")
        let start = computed()
        body(round)
        samples.append(computed() - start)
    }
    return spread(samples)
}

print(
    "an endpoint becomes ready, or no longer is: "
        + change { _ in if let update = source.update() { _ = router.apply(update, now: .zero) } })
print("the drain's report: " + change { _ in _ = router.drainReport() })
_ = source.update()
var fresh = Router()
start = computed()
for _ in 0..<10 { _ = fresh.swap(source.table()) }
print("for comparison, the whole table made and compared: \(spread([(computed() - start) / 10]))")
