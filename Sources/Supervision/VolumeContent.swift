import Formats
import Resources

/// One file of a volume that is made from an object.
package struct VolumeFile: Hashable, Sendable {
    /// Relative to the volume, never leaving it.
    package var path: String
    package var bytes: [UInt8]
    /// Permission bits.
    package var mode: Int
    /// Of a Secret: for the pod's user alone.
    package var isSecret: Bool
    package init(path: String, bytes: [UInt8], mode: Int, isSecret: Bool = false) {
        self.path = path
        self.bytes = bytes
        self.mode = mode
        self.isSecret = isSecret
    }
}

/// What a volume of a pod holds.
package enum VolumeContent: Hashable, Sendable {
    /// A directory of its own that lives as long as the pod.
    case emptyDirectory
    /// Something of the machine; `type` as Kubernetes' hostPath types.
    case host(path: String, type: String)
    /// Sorted by path.
    case files([VolumeFile])

    package init(
        _ volume: Volume, namespace: String, configMap: (String) -> ConfigMap?, secret: (String) -> Secret?,
        downward: (EnvVar.Source) -> String? = { _ in nil }
    ) throws(LaunchProblem) {
        switch volume.source {
        case .emptyDir: self = .emptyDirectory
        case .hostPath(let path, let type): self = .host(path: path, type: type)
        case .configMap(let name, let files):
            self = .files(try Self.configMapFiles(name, files, volume.name, configMap))
        case .secret(let name, let files):
            self = .files(try Self.secretFiles(name, files, volume.name, secret))
        case .downwardAPI(let items, let mode): self = .files(Self.downwardFiles(items, mode, downward))
        case .projected(let sources, let mode):
            var out: [VolumeFile] = []
            for source in sources {
                switch source {
                case .configMap(let name, let files): out += try Self.configMapFiles(name, files, volume.name, configMap)
                case .secret(let name, let files): out += try Self.secretFiles(name, files, volume.name, secret)
                case .downwardAPI(let items): out += Self.downwardFiles(items, mode, downward)
                }
            }
            self = .files(out.sorted { $0.path < $1.path })
        case .unsupported(let kind):
            throw LaunchProblem(
                "FailedMount",
                "volume \"\(volume.name)\": \(kind) is not available here; use emptyDir, hostPath, configMap, secret, downwardAPI or projected"
            )
        }
    }

    private static func configMapFiles(_ name: String, _ files: Volume.Files, _ volume: String, _ find: (String) -> ConfigMap?)
        throws(LaunchProblem) -> [VolumeFile]
    {
        let map = find(name)
        if map == nil, !files.isOptional {
            throw LaunchProblem("FailedMount", "MountVolume.SetUp failed for volume \"\(volume)\" : configmap \"\(name)\" not found")
        }
        return try self.files(map?.bytes ?? [:], files, "configmap \"\(name)\"", volume)
    }

    private static func secretFiles(_ name: String, _ files: Volume.Files, _ volume: String, _ find: (String) -> Secret?)
        throws(LaunchProblem) -> [VolumeFile]
    {
        let secret = find(name)
        if secret == nil, !files.isOptional {
            throw LaunchProblem("FailedMount", "MountVolume.SetUp failed for volume \"\(volume)\" : secret \"\(name)\" not found")
        }
        return try self.files(secret?.data ?? [:], files, "secret \"\(name)\"", volume).map { file in
            var file = file
            file.isSecret = true
            return file
        }
    }

    private static func files(_ data: [String: [UInt8]], _ files: Volume.Files, _ object: String, _ volume: String) throws(LaunchProblem)
        -> [VolumeFile]
    {
        guard let items = files.items else {
            return data.sorted { $0.key < $1.key }.map { VolumeFile(path: $0.key, bytes: $0.value, mode: files.defaultMode) }
        }
        var out: [VolumeFile] = []
        for item in items {
            guard let path = safe(item.path) else {
                throw LaunchProblem("FailedMount", "volume \"\(volume)\": the path \"\(item.path)\" leaves the volume")
            }
            guard let bytes = data[item.key] else {
                if files.isOptional { continue }
                throw LaunchProblem("FailedMount", "volume \"\(volume)\": \(object) references non-existent config key: \(item.key)")
            }
            out.append(VolumeFile(path: path, bytes: bytes, mode: item.mode ?? files.defaultMode))
        }
        return out.sorted { $0.path < $1.path }
    }

    private static func downwardFiles(_ items: [Volume.DownwardFile], _ mode: Int, _ value: (EnvVar.Source) -> String?) -> [VolumeFile] {
        items.compactMap { item in
            guard let path = safe(item.path), let source = item.source else { return nil }
            return VolumeFile(path: path, bytes: Array((value(source) ?? "").utf8), mode: item.mode ?? mode)
        }.sorted { $0.path < $1.path }
    }

    /// Nil for a path that is absolute, empty, or climbs.
    package static func safe(_ path: String) -> String? {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return path.isEmpty || path.hasPrefix("/") || parts.contains("..") || parts.contains("") ? nil : path
    }

    /// The variable that names a volume's place: `MOUNT_config`.
    package static func variable(for volume: String) -> String {
        "MOUNT_" + String(volume.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }
}
