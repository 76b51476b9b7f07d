import Resources

/// What a container may take at most, as its control groups are told.
package struct ContainerLimits: Hashable, Sendable {
    /// Processor time in microseconds for each `cpuPeriod`.
    package var cpuQuota: Int64?
    /// All memory of the container together, file cache included.
    package var memoryBytes: Int64?
    /// Processes and threads at one time.
    package var processCount: Int64?

    /// The kernel's own default for a period, in microseconds.
    package static let cpuPeriod: Int64 = 100_000
    /// The kernel takes no quota below a millisecond (as the kubelet has it).
    package static let leastCPUQuota: Int64 = 1000
    /// For a container that names no limit of its own: enough for any server, too few for a fork bomb to fill the machine's table of processes.
    package static let standardProcessCount: Int64 = 4096
    /// The resource that names another limit of processes.
    package static let processResource = ResourceRequirements.processes

    package init(cpuQuota: Int64? = nil, memoryBytes: Int64? = nil, processCount: Int64? = nil) {
        self.cpuQuota = cpuQuota
        self.memoryBytes = memoryBytes
        self.processCount = processCount
    }

    /// From `resources.limits`. A limit of zero is none, as in Kubernetes.
    package init(_ resources: ResourceRequirements) {
        func amount(_ name: String) -> Quantity? { resources.limits[name].flatMap { $0 > .zero ? $0 : nil } }
        cpuQuota = amount("cpu").map { max(Self.leastCPUQuota, $0.milliRoundedUp * Self.cpuPeriod / 1000) }
        memoryBytes = amount("memory").map(\.unitsRoundedUp)
        processCount = amount(Self.processResource).map(\.unitsRoundedUp) ?? Self.standardProcessCount
    }

    /// A controller of the kernel, by the name that both versions of control groups have for it.
    package enum Controller: String, CaseIterable, Sendable {
        case memory, cpu, pids
    }

    /// One file of a control group and what is written to it.
    package struct Setting: Hashable, Sendable {
        package var file: String
        package var value: String
        /// A kernel without the file limits as well.
        package var isOptional = false
    }

    /// What to write for one controller, in order; empty where it has nothing to limit.
    package func settings(of controller: Controller, isUnified: Bool) -> [Setting] {
        switch controller {
        case .memory:
            guard let memoryBytes else { return [] }
            // Without swap, as the kubelet's default is: a container beyond its limit is ended, not slowed down with the machine. When one of
            // its processes has to go, all do: half a container is worse than a restart.
            return isUnified
                ? [
                    Setting(file: "memory.max", value: "\(memoryBytes)"),
                    Setting(file: "memory.swap.max", value: "0", isOptional: true),
                    Setting(file: "memory.oom.group", value: "1", isOptional: true),
                ]
                : [
                    Setting(file: "memory.limit_in_bytes", value: "\(memoryBytes)"),
                    Setting(file: "memory.memsw.limit_in_bytes", value: "\(memoryBytes)", isOptional: true),
                ]
        case .cpu:
            guard let cpuQuota else { return [] }
            return isUnified
                ? [Setting(file: "cpu.max", value: "\(cpuQuota) \(Self.cpuPeriod)")]
                : [
                    Setting(file: "cpu.cfs_period_us", value: "\(Self.cpuPeriod)"),
                    Setting(file: "cpu.cfs_quota_us", value: "\(cpuQuota)"),
                ]
        case .pids: return processCount.map { [Setting(file: "pids.max", value: "\($0)")] } ?? []
        }
    }

    /// What is said to people when these controllers are not to be had; nil when nothing that the manifest asks for is missing.
    package func unenforced(without missing: Set<Controller>) -> String? {
        var words: [String] = []
        if missing.contains(.memory), memoryBytes != nil { words.append("memory (each process is held to it by itself, with RLIMIT_DATA)") }
        if missing.contains(.cpu), cpuQuota != nil { words.append("cpu") }
        if missing.contains(.pids), let processCount, processCount != Self.standardProcessCount { words.append(Self.processResource) }
        guard !words.isEmpty else { return nil }
        return "limits that are not enforced, for no control group may be written here: \(words.joined(separator: ", ")); "
            + "\"steady doctor\" names the remedy"
    }
}
