import Resources
import Supervision

/// What a pod's volumes hold, at its start and when their sources change.
extension PodDriver {
    func provideVolumes() throws(LaunchProblem) {
        for volume in pod.spec.volumes {
            let content = try content(of: volume)
            do { try volumes.provide(volume.name, content) } catch {
                throw LaunchProblem("FailedMount", "MountVolume.SetUp failed for volume \"\(volume.name)\" : \(error)")
            }
        }
    }

    private func content(of volume: Volume) throws(LaunchProblem) -> VolumeContent {
        try VolumeContent(
            volume, namespace: pod.meta.namespace, configMap: { [world, pod] in world.configMap(pod.meta.namespace, $0) },
            secret: { [world, pod] in world.secret(pod.meta.namespace, $0) }, downward: { [weak self] in self?.downward($0) })
    }

    private func downward(_ source: EnvVar.Source) -> String? {
        guard let container = pod.spec.containers.first else { return nil }
        var probe = container
        var variable = EnvVar(name: "VALUE", value: "")
        variable.source = source
        probe.env = [variable]
        probe.envFrom = []
        probe.command = ["/"]
        return try? LaunchPlan(sources(for: probe, image: nil, nameLookup)).variable("VALUE")
    }

    /// Live update: what a volume is made from has changed. What cannot be made now stays as it was.
    func refreshVolumes() {
        guard case .active = machine.phase else { return }
        for volume in pod.spec.volumes {
            switch volume.source {
            case .configMap, .secret, .projected, .downwardAPI:
                if let content = try? content(of: volume) { _ = try? volumes.provide(volume.name, content) }
            case .emptyDir, .hostPath, .unsupported: continue
            }
        }
    }
}
