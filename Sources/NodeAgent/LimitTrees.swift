import Linux
import Supervision

/// The control-group trees in which this agent limits its containers.
struct LimitTrees {
    private let trees: [ContainerLimits.Controller: LimitTree]

    /// What cannot be limited here.
    var missing: Set<ContainerLimits.Controller> { Set(ContainerLimits.Controller.allCases).subtracting(trees.keys) }

    /// Nothing is limited.
    init() { trees = [:] }

    /// Looks for a tree of each controller, and removes what programs of an earlier agent have left empty.
    init(name: String, group: ControlGroup?) {
        var trees: [ContainerLimits.Controller: LimitTree] = [:]
        for controller in ContainerLimits.Controller.allCases {
            trees[controller] = LimitTree.find(controller.rawValue, name: name, unified: group)
        }
        self.trees = trees
        clear()
    }

    /// Limits the group of a program that is about to start.
    ///
    /// - Returns: what the launch has to enter, for the caller to close; and the controllers that do not hold.
    func limit(_ name: String, to limits: ContainerLimits) -> (members: [Int32], missing: Set<ContainerLimits.Controller>) {
        var members: [Int32] = []
        var missing = missing
        for controller in ContainerLimits.Controller.allCases {
            guard let tree = trees[controller] else { continue }
            // A process enters a tree of version 1 by itself, which waits 10 to 20 ms for all processors to have looked away: who names no limit
            // does not pay that at every start.
            if controller == .pids, !tree.isUnified, limits.processCount == ContainerLimits.standardProcessCount {
                missing.insert(controller)
                continue
            }
            let settings = limits.settings(of: controller, isUnified: tree.isUnified)
            if settings.isEmpty { continue }
            guard tree.set(name, settings.map { (file: $0.file, value: $0.value, isOptional: $0.isOptional) }) else {
                missing.insert(controller)
                continue
            }
            if tree.isUnified { continue }
            if let descriptor = tree.members(of: name) { members.append(descriptor) } else { missing.insert(controller) }
        }
        return (members, missing)
    }

    /// What a command beside a running program has to enter, for the caller to close.
    func members(of name: String) -> [Int32] { ContainerLimits.Controller.allCases.compactMap { trees[$0]?.members(of: name) } }

    /// Whether the kernel has killed a process of this group for want of memory.
    func ranOutOfMemory(_ name: String) -> Bool { (trees[.memory]?.outOfMemoryKills(in: name) ?? 0) > 0 }

    /// The program and all that it started are gone.
    func remove(_ name: String) { for controller in ContainerLimits.Controller.allCases { trees[controller]?.remove(name) } }

    /// Removes the groups of programs that are gone; those with processes stay.
    func clear() { for controller in ContainerLimits.Controller.allCases { trees[controller]?.clear() } }
}
