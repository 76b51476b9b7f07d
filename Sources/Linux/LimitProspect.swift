import Glibc

/// Whether limits of one controller hold in an instance that is started from where this process is; if not, what stands in the way.
package enum LimitProspect: Hashable, Sendable {
    /// In groups of this version of control groups, 1 or 2.
    case holds(version: Int)
    /// Other processes are in this cgroup2 group, which then passes no controller on.
    case crowded(group: String)
    /// This user may not write there.
    case foreign(directory: String)
    /// The cgroup2 group is ours, but whoever made it kept the controller back.
    case withheld(group: String)
    /// No tree of this machine has the controller.
    case absent

    /// What is found of the trees, for the judgement.
    struct Surroundings: Hashable {
        /// The cgroup2 group that this process is in.
        struct Unified: Hashable {
            var path: String
            /// What it was given by its parent, and what it gives on.
            var controllers: Set<String>
            var passedOn: Set<String> = []
            var isWritable: Bool
            /// The one group that passes controllers on whoever is in it.
            var isRoot = false
            /// Nobody else is in it, so that `up` can make room (`ControlGroup.makeRoom`).
            var isAlone = false
        }
        var unified: Unified?
        /// The controller's v1 group that this process is in.
        var v1: Separate?
        struct Separate: Hashable {
            var path: String
            var isWritable: Bool
        }
    }

    /// In the order in which `LimitTree.find` looks: what stands in the way of cgroup2 matters only where no v1 tree will do.
    static func judge(_ controller: String, _ found: Surroundings) -> LimitProspect {
        let has = found.unified.map { $0.controllers.contains(controller) || $0.passedOn.contains(controller) } ?? false
        if let group = found.unified, has, group.isWritable, group.passedOn.contains(controller) || group.isRoot || group.isAlone {
            return .holds(version: 2)
        }
        if let group = found.v1 { return group.isWritable ? .holds(version: 1) : .foreign(directory: group.path) }
        guard let group = found.unified else { return .absent }
        if !group.isWritable { return .foreign(directory: group.path) }
        return has ? .crowded(group: group.path) : .withheld(group: group.path)
    }

    /// Looks at the trees of this machine, and changes nothing.
    package static func look(_ controller: String) -> LimitProspect {
        var found = Surroundings()
        if let path = ControlGroup.own(.unified) {
            func words(_ file: String) -> Set<String> {
                Set(((try? Files.text("\(path)/\(file)")) ?? "").split(whereSeparator: \.isWhitespace).map(String.init))
            }
            found.unified = Surroundings.Unified(
                path: path, controllers: words("cgroup.controllers"), passedOn: words("cgroup.subtree_control"),
                isWritable: Files.isWritable(path) && Files.isWritable("\(path)/cgroup.subtree_control"),
                isRoot: !Files.exists("\(path)/cgroup.type"), isAlone: ControlGroup(path: path).members == [getpid()])
        }
        if let path = LimitTree.ownGroup(v1: controller) {
            found.v1 = Surroundings.Separate(path: path, isWritable: Files.isWritable(path))
        }
        return judge(controller, found)
    }
}
