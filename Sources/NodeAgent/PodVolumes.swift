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
        let before = Files.linkTarget(data)
        if before == version { return false }
        let directory = "\(path)/\(version)"
        try Files.removeTree(directory)
        try Files.makeDirectories(directory, mode: 0o755)
        for file in files {
            let target = "\(directory)/\(file.path)"
            if file.path.contains("/") { try Files.makeDirectories(Files.directory(of: target), mode: 0o755) }
            try Files.replace(target, with: file.bytes, mode: 0o600)
            Ownership.setMode(target, UInt32(file.mode) & 0o777)
            Ownership.give(target, to: owner)
        }
        try Files.swapLink(data, to: version)
        // The names in the volume: one link for each first path component.
        let names = Set(files.map { String($0.path.split(separator: "/")[0]) })
        for name in names.sorted() where Files.linkTarget("\(path)/\(name)") == nil {
            try Files.link("\(path)/\(name)", to: "..data/\(name)")
        }
        for name in try Files.list(path) where !name.hasPrefix("..") && !names.contains(name) { try Files.removeTree("\(path)/\(name)") }
        if let before { try Files.removeTree("\(path)/\(before)") }
        return true
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
                if !Files.exists(source), Files.isDirectory(paths.volume(mount.name)),
                    Files.linkTarget(paths.volume(mount.name) + "/..data") == nil
                {
                    try Files.makeDirectories(source)
                    Ownership.give(source, to: owner)
                }
            }
            var place = Files.absolute(paths.tree + "/" + mount.mountPath)
            if !place.hasPrefix(paths.tree + "/") { place = paths.tree + "/" + mount.name }
            if let there = Files.linkTarget(place) {
                if there != source {
                    taken(mount.mountPath)
                    place = source
                }
            } else if !Files.exists(place) {
                try Files.makeDirectories(Files.directory(of: place), mode: 0o755)
                try Files.link(place, to: source)
            }
            let variable = VolumeContent.variable(for: mount.name)
            if !out.contains(where: { $0.0 == variable }) { out.append((variable, place)) }
        }
        return out
    }
}
