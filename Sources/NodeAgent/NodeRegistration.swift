import APIClient
import Formats
import Linux
import Resources
import Supervision
import Timing

/// Makes this agent's Node, keeps its status, and holds its Lease.
final class NodeRegistration {
    private let api: any ResourceAPI
    private let configuration: AgentConfiguration
    private let lease: LeaseRenewal
    private var timer: EventLoop.Timer?
    private var isStopped = false
    private var key: ObjectKey { ObjectKey(.nodes, name: configuration.nodeName) }
    /// The node as stored, with the podCIDR that admission gave it. Called for each answer of the server.
    var onNode: (Value) -> Void = { _ in }
    var onEpoch: (Int64) -> Void = { _ in }

    /// Between attempts that fail, whatever the server says.
    private var delay = ReconnectDelay(first: .milliseconds(100), longest: .seconds(5))
    private var random = SystemRandomNumberGenerator()
    /// The status is written this often besides, so that a status that was lost or changed by others comes back.
    private static let statusPeriod = Duration.seconds(60)

    init(api: any ResourceAPI, configuration: AgentConfiguration) {
        self.api = api
        self.configuration = configuration
        let holder = "\(configuration.nodeName)-\(Processes.current)-\(Clock.realtime().nanosecondsSince1970)"
        lease = LeaseRenewal(
            api: api, namespace: "kube-node-lease", name: configuration.nodeName, holder: holder, duration: configuration.leaseDuration,
            period: configuration.leasePeriod)
    }

    func start() {
        lease.onEpoch = { [weak self] epoch in
            self?.onEpoch(epoch)
            // The node may be reported as lost: under the new epoch it is ours to say.
            self?.writeStatus()
        }
        register()
        lease.start()
    }

    func stop() {
        isStopped = true
        timer?.cancel()
        lease.stop()
    }

    private var labels: [String: String] {
        [
            Node.zoneLabel: configuration.zone, Node.hostnameLabel: configuration.nodeName, "kubernetes.io/os": "linux",
            "kubernetes.io/arch": Machine.architecture, "topology.kubernetes.io/region": "local",
        ]
    }

    private func register() {
        guard !isStopped else { return }
        let node: Value = [
            "apiVersion": "v1", "kind": "Node", "metadata": ["name": .string(configuration.nodeName), "labels": .strings(labels)],
            "spec": [:],
        ]
        api.perform(.create(node, type: .nodes, namespace: "")) { [weak self] result in
            guard let self, !isStopped else { return }
            switch result {
            case .success: writeStatus()
            case .failure(let error) where error.code == 409:
                // Ours from an earlier life; what people set on it stays.
                api.perform(.patch(key, .merge(["metadata": ["labels": .strings(labels)]]))) { [weak self] _ in self?.writeStatus() }
            case .failure: again(after: delay.next(using: &random)) { [weak self] in self?.register() }
            }
        }
    }

    private func again(after delay: Duration, _ body: @escaping () -> Void) {
        timer?.cancel()
        timer = api.loop.schedule(after: delay, body)
    }

    private func writeStatus() {
        guard !isStopped else { return }
        api.perform(.patch(key, .strategic(["status": status]), .status)) { [weak self] result in
            guard let self, !isStopped else { return }
            switch result {
            case .success(let reply):
                delay.reset()
                onNode(reply.object)
                again(after: Self.statusPeriod) { [weak self] in self?.writeStatus() }
            case .failure(let error) where error.code == 404: again(after: delay.next(using: &random)) { [weak self] in self?.register() }
            case .failure: again(after: delay.next(using: &random)) { [weak self] in self?.writeStatus() }
            }
        }
    }

    private var status: Value {
        let now = Clock.realtime().rfc3339
        let resources: Value = [
            "cpu": .string("\(Machine.processorCount)"), "memory": .string("\(Machine.memoryKiB)Ki"),
            "pods": .string("\(configuration.podLimit)"),
        ]
        func condition(_ type: String, _ holds: Bool, _ reason: String, _ message: String) -> Value {
            [
                "type": .string(type), "status": .string(holds ? "True" : "False"), "reason": .string(reason), "message": .string(message),
                "lastHeartbeatTime": .string(now), "lastTransitionTime": .string(started),
            ]
        }
        return [
            "capacity": resources, "allocatable": resources,
            "conditions": [
                condition("MemoryPressure", false, "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
                condition("DiskPressure", false, "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
                condition("PIDPressure", false, "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
                condition("Ready", true, "KubeletReady", "kubelet is posting ready status"),
            ],
            "addresses": [
                ["type": "InternalIP", "address": .string("\(configuration.nodeAddress)")],
                ["type": "Hostname", "address": .string(configuration.nodeName)],
            ],
            "nodeInfo": [
                "kubeletVersion": .string(Machine.agentVersion), "kernelVersion": .string(Machine.kernelVersion),
                "osImage": .string(Machine.systemName),
                "containerRuntimeVersion": "process://1", "operatingSystem": "linux", "architecture": .string(Machine.architecture),
                "bootID": .string(Processes.bootIdentifier()), "machineID": "", "systemUUID": "",
                "kubeProxyVersion": .string(Machine.agentVersion),
            ],
        ]
    }
    private let started = Clock.realtime().rfc3339
}

/// What this machine is and has.
enum Machine {
    /// What a node offers to pods. Read once: it does not change under a running machine.
    static let resources: [String: Quantity] = [
        "cpu": Quantity(Int64(processorCount)), "memory": Quantity(Int64(memoryKiB) << 10, format: .binary),
    ]

    /// The Kubernetes version whose words are spoken.
    static let agentVersion = "v1.33.0+steady"

    static var architecture: String {
        #if arch(arm64)
            "arm64"
        #else
            "amd64"
        #endif
    }

    static var processorCount: Int {
        let text = (try? Files.text("/proc/cpuinfo")) ?? ""
        return max(1, text.split(separator: "\n").filter { $0.hasPrefix("processor") }.count)
    }

    static var memoryKiB: Int {
        let text = (try? Files.text("/proc/meminfo")) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("MemTotal:") }
        return line?.split(separator: " ").compactMap { Int($0) }.first ?? 0
    }

    static var kernelVersion: String {
        ((try? Files.text("/proc/sys/kernel/osrelease")) ?? "").split(separator: "\n").first.map(String.init) ?? ""
    }

    static var systemName: String {
        let text = (try? Files.text("/etc/os-release")) ?? ""
        let line = text.split(separator: "\n").first { $0.hasPrefix("PRETTY_NAME=") }
        return line.map { String($0.dropFirst("PRETTY_NAME=".count)).filter { $0 != "\"" } } ?? "Linux"
    }
}
