import Formats
import Linux
import Supervision

/// What a pod keeps to over restarts of its agent: its address, and what its images meant at its first launch.
struct PodMemory: Hashable {
    var namespace: String
    var name: String
    var address: AddressPool.Address?
    /// The `spec` of the Image, by container.
    var images: [String: Value] = [:]

    init(namespace: String, name: String) {
        self.namespace = namespace
        self.name = name
    }

    /// Nil when there is none that can be read.
    init?(reading path: String) {
        guard let bytes = try? Files.read(path), let value = try? JSON.parse(bytes) else { return nil }
        self.init(namespace: value["namespace"].string ?? "", name: value["name"].string ?? "")
        address = value["address"].string.flatMap { AddressPool.parse($0) }
        for (container, spec) in value["images"].object ?? [:] { images[container] = spec }
    }

    /// Not synced: after a crash of the machine the pod begins anew.
    func save(_ path: String) throws(LinuxError) {
        let value: Value = [
            "namespace": .string(namespace), "name": .string(name), "address": address.map { .string(AddressPool.text($0)) } ?? .null,
            "images": .object(Object(images.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })),
        ]
        try Files.replace(path, with: JSON.serialize(value))
    }
}
