import Linux
import Resources
import Supervision

/// A pod's volumes as directories and links below its own directory.
///
/// Files made from objects stand in a directory of their own version, and `..data` points to it: a change swaps that one link, so a reader sees the
/// old files or the new ones, never a mixture.
struct PodVolumes {
    let paths: PodPaths
    let owner: Launch.User?
    /// Whether containers of the pod run as different users: then a Secret's file has the mode that the manifest asks for.
    var hasSeveralUsers = false
    /// Whether the pod's directory has to let others pass: containers of several users, and programs of root, which may drop to anybody.
    var letsOthersPass = false

    /// Makes or updates one volume; says whether something changed.
    @discardableResult
    func provide(_ name: String, _ content: VolumeContent) throws(LinuxError) -> Bool {
        let path = paths.volume(name)
        switch content {
        case .emptyDirectory:
            if Files.exists(path) { return false }
            try Files.makeDirectories(path)
            Ownership.give(path, to: owner)
            // As in Kubernetes every container of the pod may write, whoever it runs as.
            Ownership.setMode(path, 0o777)
            return true
        case .host(let target, let type):
            try checkHost(target, type, volume: name)
            if Files.linkTarget(path) == target { return false }
            try Files.makeDirectories(paths.volumes)
            try Files.link(path, to: target)
            return true
        case .files(let files): return try provideFiles(path, files)
        }
    }

    private func checkHost(_ target: String, _ type: String, volume: String) throws(LinuxError) {
        let isThere = Files.exists(target)
        switch type {
        case "DirectoryOrCreate": if !isThere { try Files.makeDirectories(target, mode: 0o755) }
        case "FileOrCreate":
            if !isThere { closeDescriptor(try Files.openForAppending(target, mode: 0o644)) }
        case "Directory":
            if !Files.isDirectory(target) {
                throw LinuxError(errno: 20, operation: "hostPath type check failed: \(target) is not a directory")
            }
        case "File":
            if !isThere || Files.isDirectory(target) {
                throw LinuxError(errno: 2, operation: "hostPath type check failed: \(target) is not a file")
            }
        default: return
        }
    }

    private func provideFiles(_ path: String, _ files: [VolumeFile]) throws(LinuxError) -> Bool {
        let version = ".." + Fingerprint.text(of: files.flatMap { Array("\($0.path)\0\($0.mode)\0\($0.bytes.count)\0".utf8) + $0.bytes })
        let data = path + "/..data"
        let isNew = Files.linkTarget(data) != version
        if isNew {
            try write(files, to: "\(path)/\(version)")
            try Files.link(data, to: version)
        }
        // Also where nothing is new: an agent that died on its way here has left the rest undone.
        // The names in the volume: one link for each first path component.
        let names = Set(files.map { String($0.path.split(separator: "/")[0]) })
        for name in names.sorted() where Files.linkTarget("\(path)/\(name)") == nil {
            try Files.link("\(path)/\(name)", to: "..data/\(name)")
        }
        // Names that are gone, versions before this one, and such as never came into force. What else is there was mounted inside.
        let kept = names.union(["..data", version])
        for name in try Files.list(path) where !kept.contains(name) {
            let isOurs = name.hasPrefix("..") || Files.linkTarget("\(path)/\(name)")?.hasPrefix("..data/") == true
            if isOurs { try Files.removeTree("\(path)/\(name)") }
        }
        return isNew
    }

    private func write(_ files: [VolumeFile], to directory: String) throws(LinuxError) {
        try Files.removeTree(directory)
        try Files.makeDirectories(directory, mode: 0o755)
        for file in files {
            let target = "\(directory)/\(file.path)"
            if file.path.contains("/") { try Files.makeDirectories(Files.directory(of: target), mode: 0o755) }
            try Files.replace(target, with: file.bytes, mode: 0o600)
            // A volume is not hidden from other users here as it is in a container, so that its owner may read it has to be enough.
            let isPrivate = file.isSecret && !hasSeveralUsers
            Ownership.setMode(target, UInt32(file.mode) & (isPrivate ? 0o700 : 0o777))
            Ownership.give(target, to: owner)
        }
    }

    /// Puts a container's mounts into the pod's tree; what `$MOUNT_name` says of each, in order. A path that another volume has already keeps it:
    /// `taken` is told, and the variable leads to the volume itself.
    func mount(_ mounts: [VolumeMount], taken: (String) -> Void) throws(LinuxError) -> [(String, String)] {
        var out: [(String, String)] = []
        for mount in mounts.sorted(by: { $0.mountPath < $1.mountPath }) {
            var source = paths.volume(mount.name)
            let sub = mount.subPath
            if !sub.isEmpty {
                guard let safe = VolumeContent.safe(sub) else {
                    throw LinuxError(errno: 22, operation: "volume \"\(mount.name)\": the subPath \"\(sub)\" leaves the volume")
                }
                source += "/" + safe
                try provideSubPath(safe, of: mount.name)
            }
            var place = Files.absolute(paths.tree + "/" + mount.mountPath)
            if !place.hasPrefix(paths.tree + "/") { place = paths.tree + "/" + mount.name }
            if let there = Files.linkTarget(place) {
                if there != source {
                    taken(mount.mountPath)
                    place = source
                }
            } else if !Files.exists(place) {
                try link(place, to: source)
            }
            let variable = VolumeContent.variable(for: mount.name)
            if !out.contains(where: { $0.0 == variable }) { out.append((variable, place)) }
        }
        return out
    }

    /// Makes a subPath's directory where it is not there yet. An earlier container may have put links into the volume: none is followed to make
    /// something, and one that is there already must stay in the volume.
    private func provideSubPath(_ sub: String, of name: String) throws(LinuxError) {
        let root = paths.volume(name)
        guard Files.isDirectory(root) else { return }
        if let there = Files.resolved("\(root)/\(sub)") {
            let top = Files.resolved(root) ?? root
            guard there == top || top == "/" || there.hasPrefix(top + "/") else {
                throw LinuxError(errno: 22, operation: "volume \"\(name)\": the subPath \"\(sub)\" leaves the volume by a symbolic link")
            }
        } else if Files.linkTarget(root + "/..data") == nil {
            closeDescriptor(try Files.openMaking(Self.names(sub), below: root, mode: 0o700, owner: owner))
        }
    }

    /// Shows a volume at a place in the pod's tree. The pod's programs may write there: of the links on the way only one that leads to a volume of
    /// this pod, as that of an outer mount does, is gone along.
    private func link(_ place: String, to source: String) throws(LinuxError) {
        try Files.makeDirectories(paths.tree, mode: 0o755)
        var root = paths.tree
        var names = Self.names(place.dropFirst(paths.tree.count))
        let last = names.removeLast()
        var path = root
        var index = 0
        var linksLeft = Self.linkLimit
        while index < names.count {
            path += "/" + names[index]
            index += 1
            guard let target = Files.linkTarget(path) else { continue }
            let inside = Self.names(target.dropFirst(paths.volumes.count))
            guard target.hasPrefix(paths.volumes + "/"), !inside.isEmpty, !inside.contains(".."), linksLeft > 0 else { break }
            linksLeft -= 1
            root = paths.volume(inside[0])
            names = Array(inside.dropFirst()) + Array(names[index...])
            path = root
            index = 0
        }
        let directory = try Files.openMaking(names, below: root, mode: 0o755)
        defer { closeDescriptor(directory) }
        try Files.link(last, in: directory, to: source)
    }

    /// How many outer mounts a place may lie in; behind more, the link is not followed and the mount fails.
    private static let linkLimit = 16

    private static func names(_ path: some StringProtocol) -> [String] {
        path.split(separator: "/").map { String($0) }.filter { $0 != "." }
    }
}
