import Linux
import Resources
import Supervision

/// How a pod's containers are started.
extension PodDriver {
    func launch(_ name: String) -> ContainerEvent {
        guard let container = container(name), let process = processes[name] else {
            return .launchFailed(reason: "CreateContainerError", message: "container \(name) is not in the pod")
        }
        let user = context.user(for: pod.spec, container)
        do throws(LaunchProblem) {
            let mayNotBeRoot = container.securityContext.isRunAsNonRoot ?? pod.spec.securityContext.isRunAsNonRoot ?? false
            if mayNotBeRoot, user.map({ $0.user == 0 }) ?? Ownership.isRoot {
                throw LaunchProblem(
                    "CreateContainerConfigError",
                    "container has runAsNonRoot and would run as root (pod: \(pod.meta.namespace)/\(pod.meta.name), container: \(name)); set runAsUser"
                )
            }
            let lookup = nameLookup
            let held = heldCalls(lookup)
            let plan = try plan(for: container, lookup)
            plans[name] = plan
            let count = machine[name]?.restartCount ?? 0
            guard
                try process.launch(
                    plan, limits: ContainerLimits(container.resources), user: user, restartCount: count, handOff: held)
            else { return .launchPostponed }
            if count == 0, lookup.asksCluster, held.contains(.connect), let note = nameNote(of: container, plan) { record(note) }
            return .launched(containerID: process.containerID)
        } catch {
            return .launchFailed(reason: error.reason, message: error.message)
        }
    }

    /// Which calls of its programs are answered for them. Containers find each other at 127.0.0.1, and Services by name; one alone that asks for
    /// neither does not pay for every connection.
    private func heldCalls(_ lookup: NameLookup) -> Launch.HandOff {
        if pod.spec.isHostNetwork { return [] }
        let together = pod.spec.containers.count + pod.spec.initContainers.filter(\.isSidecar).count
        return together > 1 || detours(lookup) != nil ? [.bind, .connect] : .bind
    }

    /// How its programs look for names, as the machine is set up now.
    var nameLookup: NameLookup { NameLookup(pod: pod, machine: context.resolver.current) }

    /// Nil where the pod's connections go where they want to.
    func detours(_ lookup: NameLookup) -> Detours? {
        if lookup.asksCluster { return context.detours }
        return lookup.nameServers.lazy.compactMap { IPv4Address($0) }.first.map { context.detours.asking($0.bits) }
    }

    /// What people should know of a program that will not find Services by name, or not by short ones; nil where nothing is wrong, or nobody has one.
    private func nameNote(of container: Container, _ plan: LaunchPlan) -> PodNote? {
        guard let service = world.services(of: pod.meta.namespace).map(\.meta.name).min(), context.canHandOff,
            let path = try? plan.executable(for: context.user(for: pod.spec, container)),
            let reach = NameReach(ProgramForm.of(path: path))
        else { return nil }
        return PodNote(
            reach.reason, reach.words(program: plan.program, service: service, namespace: pod.meta.namespace), container: container.name,
            isWarning: reach == .none)
    }

    func plan(for container: Container, _ lookup: NameLookup) throws(LaunchProblem) -> LaunchPlan {
        if memory.images[container.name] == nil, let image = world.image(container.image) {
            memory.images[container.name] = image.value
            try? context.memories.save(memory, of: uid)
        }
        let image = memory.images[container.name].map { PinnedImage(spec: $0) }
        if image == nil, container.command.isEmpty { throw world.imageProblem(container.image) }
        if mounts[container.name] == nil {
            let expanded = try expandedMounts(of: container, image: image, lookup)
            do throws(LinuxError) {
                mounts[container.name] = try volumes.mount(expanded) { [weak self] path in
                    self?.record(
                        PodNote(
                            "MountPathTaken", "\(path) shows another volume in this pod already; use $MOUNT_name",
                            container: container.name,
                            isWarning: true))
                }
            } catch { throw LaunchProblem("CreateContainerError", "\(error)") }
        }
        return try LaunchPlan(sources(for: container, image: image, lookup))
    }

    /// The mounts with what their `subPathExpr` mean: of the container's variables, as they are without its mounts.
    private func expandedMounts(of container: Container, image: PinnedImage?, _ lookup: NameLookup) throws(LaunchProblem) -> [VolumeMount] {
        guard container.volumeMounts.contains(where: { !$0.subPathExpression.isEmpty }) else { return container.volumeMounts }
        let plan = try LaunchPlan(sources(for: container, image: image, lookup))
        var out = container.volumeMounts
        for index in out.indices where !out[index].subPathExpression.isEmpty {
            var unknown: String?
            out[index].subPath = VariableExpansion.expand(out[index].subPathExpression) { name in
                let value = plan.variable(name)
                if value == nil { unknown = unknown ?? name }
                return value
            }
            if let unknown {
                throw LaunchProblem(
                    "CreateContainerConfigError",
                    "volume \"\(out[index].name)\": failed to expand subPath expression \(out[index].subPathExpression): missing value for \"\(unknown)\""
                )
            }
        }
        return out
    }

    func sources(for container: Container, image: PinnedImage?, _ lookup: NameLookup) -> LaunchSources {
        let namespace = pod.meta.namespace
        var sources = LaunchSources(
            pod: pod, container: container, image: image, base: context.environment(for: context.user(for: pod.spec, container)),
            podIP: pod.spec.isHostNetwork ? "\(context.configuration.nodeAddress)" : podIP,
            hostIP: "\(context.configuration.nodeAddress)", nodeName: context.configuration.nodeName, zone: context.configuration.zone,
            podDirectory: paths.root, mounts: mounts[container.name] ?? [], services: world.services(of: namespace),
            configMap: { [world] in world.configMap(namespace, $0) }, secret: { [world] in world.secret(namespace, $0) })
        sources.allocatable = Machine.resources
        sources.lookup = lookup
        return sources
    }
}
