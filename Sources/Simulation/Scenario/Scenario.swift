import Formats
import Resources
import Timing

/// What a world is made of and what happens to it, apart from chance.
package struct Scenario: Sendable {
    package var name: String
    package var zones: [String] = ["a", "b", "c"]
    package var nodesPerZone = 1
    package var proxyCount = 1
    package var coresPerNode = 8
    package var memoryPerNode = 16
    /// Fewer pod addresses than a node has, to see them used again; nil: all.
    package var addressesPerNode: Int?
    /// Numbers of processes come again after this many.
    package var processNumberCount = 97
    /// Published commits that can be watched from the past.
    package var watchWindow = 4096
    /// Applied at the start, in this order; what is not namespaced or not served is left out.
    package var objects: [Value]
    /// How the programs of an image (canonical reference) behave; any other one is `standardProgram`.
    package var programs: [String: Program] = [:]
    package var standardProgram = Program()
    package var requestsPerSecond = 10.0
    /// How long faults and actions happen, counted from the moment at which everything was as wanted for the first time.
    package var chaosTime: Duration = .seconds(60)
    /// What may go wrong; each seed takes a part of it.
    package var faults: Set<FaultKind> = []
    /// What people do; each seed takes a part of it.
    package var actions: Set<ActionKind> = []
    /// Faults may end in all zones but one, which stays away for good.
    package var leavesZone = false
    package var planted: PlantedBug?
    package var isChecked = true
    /// Every step of every request stands in the history.
    package var tracesRequests = false

    package init(_ name: String, objects: [Value]) {
        self.name = name
        self.objects = objects
    }

    /// Whether a Service of it prefers endpoints near its clients: then they live on the nodes.
    var asksForNearness: Bool { objects.contains { $0["kind"].string == "Service" && !$0["spec"]["trafficDistribution"].isNull } }

    /// How a container's program behaves: by its image.
    func program(of container: Container) -> Program { programs[ImageReference.normalize(container.image)] ?? standardProgram }
}
