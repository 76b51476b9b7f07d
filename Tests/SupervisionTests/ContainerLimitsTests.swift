import Formats
import Resources
import Testing

@testable import Supervision

@Suite struct ContainerLimitsTests {
    private func limits(_ limits: Value) -> ContainerLimits { ContainerLimits(ResourceRequirements(["limits": limits])) }
    private func written(_ limits: ContainerLimits, _ controller: ContainerLimits.Controller, isUnified: Bool) -> [String] {
        limits.settings(of: controller, isUnified: isUnified).map { "\($0.file)=\($0.value)" }
    }

    @Test(arguments: [("1", 100_000), ("500m", 50_000), ("2500m", 250_000), ("1m", 1000)])
    func `a share of processors is a quota of each tenth of a second, never below a millisecond`(text: String, quota: Int64) {
        #expect(limits(["cpu": .string(text)]).cpuQuota == quota)
    }

    @Test func `memory is in bytes, whatever its unit`() {
        #expect(limits(["memory": "64Mi"]).memoryBytes == 64 << 20)
        #expect(limits(["memory": "1G"]).memoryBytes == 1_000_000_000)
        #expect(limits(["memory": "0"]).memoryBytes == nil)
    }

    @Test func `a container that names no limit of processes has the standard one`() {
        #expect(limits([:]).processCount == ContainerLimits.standardProcessCount)
        #expect(limits(["steady.dev/pids": "50"]).processCount == 50)
    }

    @Test func `each version of control groups has its own files`() {
        let all = limits(["cpu": "500m", "memory": "64Mi", "steady.dev/pids": "50"])
        #expect(written(all, .cpu, isUnified: true) == ["cpu.max=50000 100000"])
        #expect(written(all, .cpu, isUnified: false) == ["cpu.cfs_period_us=100000", "cpu.cfs_quota_us=50000"])
        #expect(written(all, .memory, isUnified: true) == ["memory.max=67108864", "memory.swap.max=0", "memory.oom.group=1"])
        #expect(
            written(all, .memory, isUnified: false) == ["memory.limit_in_bytes=67108864", "memory.memsw.limit_in_bytes=67108864"])
        for isUnified in [true, false] { #expect(written(all, .pids, isUnified: isUnified) == ["pids.max=50"]) }
        for controller in [ContainerLimits.Controller.memory, .cpu] { #expect(written(limits([:]), controller, isUnified: true).isEmpty) }
    }

    @Test func `what the manifest asks for and nobody enforces is named, the standard is not`() {
        let all = limits(["cpu": "1", "memory": "64Mi"])
        #expect(all.unenforced(without: []) == nil)
        #expect(all.unenforced(without: [.cpu])?.contains(": cpu;") == true)
        #expect(all.unenforced(without: [.cpu, .memory, .pids])?.contains("RLIMIT_DATA), cpu;") == true)
        #expect(limits([:]).unenforced(without: [.cpu, .memory, .pids]) == nil)
    }
}
