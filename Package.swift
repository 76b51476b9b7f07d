// swift-tools-version: 6.2
import PackageDescription

/// Warnings are errors everywhere; `package` access joins the modules, nothing is `public`.
let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    // Modules are small; without this a call of another one's function is never inlined and its generics are never specialised.
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
    // Debug builds, which all tests run in, check at run time that no two parts of the program change a value at once. On the path of a request the
    // check costs as much as reading its head.
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// For what runs in processes of one thread only: references are counted without atomic instructions.
let confined: [SwiftSetting] = [.unsafeFlags(["-Xfrontend", "-assume-single-threaded"], .when(configuration: .release))]

/// One module: its name and what it may import. The same table is checked against the `import` lines by a test.
func module(_ name: String, _ dependencies: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies, swiftSettings: strict)
}

func tests(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .testTarget(name: name, dependencies: dependencies, swiftSettings: strict)
}

let ground: [Target.Dependency] = ["Timing", "Formats", "Wire", "Measuring"]
let decisions: [Target.Dependency] = ["Resources"] + ground
let reach: [Target.Dependency] = ["Linux", "Transport", "Resources", "APIClient"] + ground

let package = Package(
    name: "steady",
    targets: [
        // Ground, pure
        module("Timing"),
        module("Formats", ["Timing"]),
        module("Wire", ["Timing"]),
        module("Measuring", ["Timing"]),
        // Vocabulary, pure
        module("Resources", ["Timing", "Formats", "Measuring"]),
        // Decisions, pure
        module("Registry", decisions),
        module("Reconciling", decisions),
        module("Scheduling", decisions),
        module("Supervision", decisions),
        module("Traffic", decisions),
        // The decisions of all roles in one deterministic world, pure
        module("Simulation", ["Registry", "Reconciling", "Scheduling", "Supervision", "Traffic"] + decisions),
        // System
        .target(name: "CLinux"),
        module("Linux", ["CLinux", "Timing"]),
        module("Journal", ["Linux", "Timing"]),
        module("Transport", ["Linux", "Wire", "Timing"]),
        module("Storage", ["Registry", "Journal", "Linux"] + decisions),
        // Reach
        module("APIClient", ["Linux", "Transport", "Resources"] + ground),
        // Roles: no role imports a role
        module("APIServer", ["Storage", "Registry"] + reach),
        module("Controllers", ["Reconciling", "Scheduling"] + reach),
        module("NodeAgent", ["Supervision"] + reach),
        .target(name: "ServiceProxy", dependencies: ["Traffic"] + reach, swiftSettings: strict + confined),
        module("Host", ["Supervision"] + reach),
        module("Commands", ["Simulation"] + reach),
        // Program
        .executableTarget(
            name: "steady",
            dependencies: ["APIServer", "Controllers", "NodeAgent", "ServiceProxy", "Host", "Commands", "Storage"] + reach,
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-static-stdlib"], .when(configuration: .release))]
        ),
        // Examples
        .executableTarget(
            name: "web",
            path: "examples/web",
            swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-static-stdlib"], .when(configuration: .release))]
        ),
        // What the end-to-end tests run and ask: the least polite server, and a load that counts every failure
        .executableTarget(name: "replica", path: "Tests/Fixtures/replica"),
        .executableTarget(name: "load", path: "Tests/Fixtures/load"),
        // Counts what a thread allocates, in the tests' process
        .target(name: "Allocations", path: "Tests/Fixtures/allocations"),
        // Kills an agent at a chosen step of a launch
        .executableTarget(name: "stepper", path: "Tests/Fixtures/stepper"),
        // Tests
        tests("TimingTests", ["Timing"]),
        tests("FormatsTests", ["Formats"]),
        tests("WireTests", ["Wire"]),
        tests("MeasuringTests", ["Measuring"]),
        tests("ResourcesTests", decisions),
        tests("RegistryTests", ["Registry"] + decisions),
        tests("ReconcilingTests", ["Reconciling"] + decisions),
        tests("SchedulingTests", ["Scheduling"] + decisions),
        tests("SupervisionTests", ["Supervision"] + decisions),
        tests("TrafficTests", ["Traffic"] + decisions),
        tests("SimulationTests", ["Simulation", "Registry", "Reconciling", "Scheduling", "Supervision", "Traffic"] + decisions),
        tests("LinuxTests", ["Linux", "Timing"]),
        tests("JournalTests", ["Journal", "Linux", "Timing"]),
        tests("TransportTests", ["Transport", "Linux", "Wire", "Timing"]),
        tests("StorageTests", ["Storage", "Registry", "Journal", "Linux"] + decisions),
        tests("APIClientTests", reach),
        tests("APIServerTests", ["APIServer", "Storage", "Registry"] + reach),
        tests("ControllersTests", ["Controllers", "Reconciling", "Scheduling", "Storage", "Registry"] + reach),
        tests("NodeAgentTests", ["NodeAgent", "Supervision"] + reach),
        tests("ServiceProxyTests", ["ServiceProxy", "Traffic", "Allocations"] + reach),
        tests("HostTests", ["Host"] + reach),
        tests("CommandsTests", ["Commands", "Simulation"] + reach),
        tests("ConformanceTests", decisions),
        tests("ArchitectureTests", []),
        tests(
            "FuzzingTests",
            ["Journal", "Commands", "ServiceProxy", "Registry", "Reconciling", "Scheduling", "Supervision", "Traffic"] + decisions),
        tests("EndToEndTests", ["APIServer", "Storage", "Registry", "Journal"] + reach),
        // Benchmarks: run by hand, nothing asserted
        .executableTarget(
            name: "SimulationBenchmark", dependencies: ["Simulation"] + decisions, path: "Tests/Benchmarks/SimulationBenchmark",
            swiftSettings: strict,
            // Pure modules import no libc, and yet round numbers by it.
            linkerSettings: [.linkedLibrary("m")]),
        .executableTarget(
            name: "RouteBenchmark", dependencies: ["Formats", "Timing", "Traffic"], path: "Tests/Benchmarks/RouteBenchmark",
            swiftSettings: strict, linkerSettings: [.linkedLibrary("m")]),
        .executableTarget(
            name: "StoreBenchmark", dependencies: ["APIServer", "Controllers", "Storage", "Registry"] + reach,
            path: "Tests/Benchmarks/StoreBenchmark", swiftSettings: strict,
            linkerSettings: [.unsafeFlags(["-static-stdlib"], .when(configuration: .release))]),
    ]
)
